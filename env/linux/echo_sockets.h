// EchoPort: ICMP and ICMPv6 echoes built by libnet; without the right to raw sockets, by the
// kernel's ping sockets.
//
// Promise: each IP version that this machine has is usable, the other one's Sends fail and say so.
//          Of raw sockets only answers that carry our identifier reach us. A device that is removed
//          and comes back, with another index, is found again. A flood cannot hold up the loop:
//          kMaxEchoesPerTurn.
// Errors:  Open, when neither kind of socket is allowed: net.ipv4.ping_group_range or CAP_NET_RAW.
// Ownership: the loop outlives it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "env/linux/libnet_packet.h"
#include "env/linux/loop.h"
#include "env/probes.h"

namespace fencepost {

inline constexpr int kMaxEchoesPerTurn = 256;

class LinuxEcho final : public EchoPort {
 public:
  enum class Privilege { kAny, kUnprivileged };  // kUnprivileged: ping sockets even as root
  static Result<std::unique_ptr<LinuxEcho>> Open(Loop& loop, Privilege privilege, std::uint16_t id);
  ~LinuxEcho() override;
  LinuxEcho(const LinuxEcho&) = delete;
  LinuxEcho& operator=(const LinuxEcho&) = delete;

  [[nodiscard]] std::uint16_t Identifier(bool ipv6) const override;
  Status SendEcho(const Route& route, std::uint16_t sequence, ByteView payload) override;
  void OnReceive(Receive receive) override { receive_ = std::move(receive); }
  [[nodiscard]] bool IsRaw() const { return raw_; }

 private:
  struct Socket {
    UniqueFd fd;
    WatchId watch = 0;
    std::uint16_t id = 0;
  };
  struct Injector {  // one for each IP version and device
    Libnet context;
    unsigned device_index = 0;  // 0: no device
    libnet_ptag_t icmp = LIBNET_PTAG_INITIALIZER, ip = LIBNET_PTAG_INITIALIZER;
  };
  explicit LinuxEcho(Loop& loop) : loop_(loop) {}
  Status OpenRaw(bool ipv6, std::uint16_t id);
  Status OpenPing(bool ipv6);
  void Watch(Socket& socket, bool ipv6);
  void Read(bool ipv6);
  Result<Injector*> FindInjector(bool ipv6, const std::string& device);
  Result<std::string> SourceFor(const Route& route);
  Status SendRaw4(Injector& to, const Route& route, std::uint16_t sequence, ByteView payload);
  Status SendRaw6(Injector& to, const Route& route, std::uint16_t sequence, ByteView payload);
  Status SendPing(const Route& route, bool ipv6, std::uint16_t sequence, ByteView payload);

  Loop& loop_;
  bool raw_ = false;
  Socket v4_, v6_;
  std::map<std::pair<bool, std::string>, Injector> injectors_;
  Receive receive_;
};

}  // namespace fencepost
