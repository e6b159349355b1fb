// ICMP echoes: what we send, what comes back, and which probe it answers.
//
// Promise: ParseEchoReply survives any bytes. An answer is believed only if it came from the
//          address that was asked and carries the identifier and sequence number of an open probe
//          and that probe's 64 random bits; each probe is answered once. Everything else is counted
//          and ignored. At most kMaxOpen probes are open; the oldest give way.
// Time:    a probe expires at the instant it was opened with.
// Errors:  counted by kind. Source: RFC 792 (echo, types 8 and 0), RFC 4443 4.1, 4.2 (128, 129).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace fencepost::ping {

inline constexpr std::size_t kEchoPayload = 24;  // magic, probe, cookie
inline constexpr std::size_t kMaxOpen = 65536;

struct Echo {
  std::uint16_t identifier = 0, sequence = 0;
  std::uint64_t probe = 0, cookie = 0;
  friend bool operator==(const Echo&, const Echo&) = default;
};

enum class IpVersion { kV4, kV6 };

[[nodiscard]] Bytes EchoPayload(std::uint64_t probe, std::uint64_t cookie);

enum class NotAnEcho { kTooShort, kOtherType, kOtherPayload };
struct ParsedEcho {
  std::optional<Echo> echo;
  NotAnEcho fault = NotAnEcho::kTooShort;  // without an echo
};
// `message` begins with the ICMP header. Its checksum is the kernel's matter, which drops bad ones.
[[nodiscard]] ParsedEcho ParseEchoReply(ByteView message, IpVersion version);

struct ReplyCounters {
  std::uint64_t accepted = 0;
  std::uint64_t malformed = 0;  // too short
  std::uint64_t foreign = 0;    // other types, other programs' echoes
  std::uint64_t forged = 0;     // our probe, but wrong cookie, address, identifier or sequence
  std::uint64_t late = 0;       // no such probe is open: expired, answered before, or never sent
};

class OpenProbes {
 public:
  struct Match {
    std::uint32_t target = 0;
    std::uint64_t probe = 0;
  };
  // REQUIRES: echo.probe was not opened before.
  void Open(std::uint32_t target, const Echo& echo, std::string address, MonoTime expires);
  [[nodiscard]] std::optional<Match> Receive(MonoTime now, std::string_view from, ByteView message,
                                             IpVersion version);
  void Expire(MonoTime now);
  [[nodiscard]] const ReplyCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t size() const { return open_.size(); }

 private:
  struct Entry {
    std::uint32_t target = 0;
    Echo echo;
    std::string address;
    MonoTime expires{};
  };
  std::map<std::uint64_t, Entry> open_;  // by probe
  ReplyCounters counters_;
};

}  // namespace fencepost::ping
