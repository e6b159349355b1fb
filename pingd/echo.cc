#include "pingd/echo.h"

#include "base/check.h"

namespace fencepost::ping {
namespace {

constexpr std::size_t kHeader = 8;
constexpr std::uint8_t kReplyV4 = 0, kReplyV6 = 129;
constexpr std::uint64_t kMagic = 0x31474E4950504546;  // "FEPPING1" in the order of the wire

std::uint16_t BigEndian(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

Bytes EchoPayload(std::uint64_t probe, std::uint64_t cookie) {
  ByteWriter writer;
  writer.Put(kMagic);
  writer.Put(probe);
  writer.Put(cookie);
  FENCEPOST_CHECK(writer.size() == kEchoPayload);
  return writer.Take();
}

ParsedEcho ParseEchoReply(ByteView message, IpVersion version) {
  if (message.size() < kHeader) return {std::nullopt, NotAnEcho::kTooShort};
  const std::uint8_t type = version == IpVersion::kV4 ? kReplyV4 : kReplyV6;
  if (message[0] != type || message[1] != 0) return {std::nullopt, NotAnEcho::kOtherType};
  ByteReader reader(message.subspan(kHeader));
  const bool ours = reader.Get<std::uint64_t>() == kMagic;
  Echo echo;
  echo.identifier = BigEndian(message, 4);
  echo.sequence = BigEndian(message, 6);
  echo.probe = reader.Get<std::uint64_t>();
  echo.cookie = reader.Get<std::uint64_t>();
  if (!ours || !reader.Done()) return {std::nullopt, NotAnEcho::kOtherPayload};
  return {echo, NotAnEcho::kTooShort};
}

void OpenProbes::Open(std::uint32_t target, const Echo& echo, std::string address,
                      MonoTime expires) {
  if (open_.size() >= kMaxOpen) open_.erase(open_.begin());
  const bool fresh =
      open_.try_emplace(echo.probe, Entry{target, echo, std::move(address), expires}).second;
  FENCEPOST_CHECK(fresh);
}

std::optional<OpenProbes::Match> OpenProbes::Receive(MonoTime now, std::string_view from,
                                                     ByteView message, IpVersion version) {
  const ParsedEcho parsed = ParseEchoReply(message, version);
  if (!parsed.echo) {
    ++(parsed.fault == NotAnEcho::kTooShort ? counters_.malformed : counters_.foreign);
    return std::nullopt;
  }
  const auto found = open_.find(parsed.echo->probe);
  if (found == open_.end() || found->second.expires <= now) {
    ++counters_.late;
    return std::nullopt;
  }
  if (found->second.echo != *parsed.echo || found->second.address != from) {
    ++counters_.forged;
    return std::nullopt;
  }
  ++counters_.accepted;
  const Match match{found->second.target, found->first};
  open_.erase(found);
  return match;
}

void OpenProbes::Expire(MonoTime now) {
  std::erase_if(open_, [now](const auto& entry) { return entry.second.expires <= now; });
}

}  // namespace fencepost::ping
