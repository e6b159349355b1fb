// Messages between nodes as UDP unicast, IPv4 or IPv6.
//
// Promise: binds the own address only, never a wildcard. Never blocks. At most kMaxDatagram bytes
//          pass either way; longer ones are dropped and counted, not cut.
// Errors:  Open names the node and address at fault. Afterwards failures are only counted.
// Ownership: the loop outlives the datagram port; what OnReceive gets is valid during the call.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "env/datagram.h"
#include "env/linux/loop.h"

namespace fencepost {

struct UdpAddress {
  NodeId node;
  std::string host;  // numeric: "10.97.0.1", "fd00::1", "fe80::1%eth0"
  std::uint16_t port = 0;
};

class UdpDatagram final : public Datagram {
 public:
  struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t send_failed = 0;  // no route, full buffer, too long, unknown node
    std::uint64_t too_long = 0;     // received, more than kMaxDatagram bytes
    std::uint64_t receive_failed = 0;
  };
  // `nodes` holds every node of the cluster once, `self` among them, all of one address family.
  static Result<std::unique_ptr<UdpDatagram>> Open(Loop& loop, NodeId self,
                                                   const std::vector<UdpAddress>& nodes);
  ~UdpDatagram() override;
  UdpDatagram(const UdpDatagram&) = delete;
  UdpDatagram& operator=(const UdpDatagram&) = delete;

  void Send(NodeId to, ByteView bytes) override;
  void OnReceive(std::function<void(ByteView)> receive) override;
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
  };
  UdpDatagram(Loop& loop, UniqueFd socket, std::map<NodeId, Address> nodes);
  static Result<Address> Resolve(const UdpAddress& node);
  static Result<UniqueFd> Bind(const UdpAddress& self, const Address& address);
  void Receive();

  Loop& loop_;
  UniqueFd socket_;
  WatchId watch_ = 0;
  std::map<NodeId, Address> nodes_;
  std::function<void(ByteView)> receive_;
  std::array<std::uint8_t, kMaxDatagram> buffer_{};
  Counters counters_;
};

}  // namespace fencepost
