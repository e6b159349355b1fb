// Asking a host of the network whether it is there: ICMP echo, a TCP connection, ARP; and telling
// the neighbours on a link that an address has moved here.
//
// Promise: nothing blocks. Echo answers are handed on as they came: whoever asked decides whether
//          to believe them. ArpPort hands on answers to this node only.
// Time:    TcpPort::Connect is over by its deadline; echoes and ARP requests are fire and forget.
// Errors:  a Status says why a packet could not be sent (no route, no such device, no permission).
// Ownership: what a callback is given is valid during the call.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace fencepost {

struct Route {
  std::string address;  // numeric, canonical
  std::string source;   // numeric, same IP version; empty: the system's choice
  std::string device;   // empty: by route
};

class EchoPort {
 public:
  // `message` begins with the ICMP header.
  using Receive = std::function<void(std::string_view from, bool ipv6, ByteView message)>;
  virtual ~EchoPort() = default;
  // What echoes of this IP version carry as identifier, and so do their answers.
  [[nodiscard]] virtual std::uint16_t Identifier(bool ipv6) const = 0;
  virtual Status SendEcho(const Route& route, std::uint16_t sequence, ByteView payload) = 0;
  virtual void OnReceive(Receive receive) = 0;
};

class TcpPort {
 public:
  virtual ~TcpPort() = default;
  // Success: the connection was accepted; it is closed at once. Refused is an error.
  virtual void Connect(const Route& route, std::uint16_t port, MonoTime deadline,
                       std::function<void(Status)> done) = 0;
};

class ArpPort {
 public:
  using Receive = std::function<void(std::string_view device, std::string_view address)>;
  virtual ~ArpPort() = default;
  virtual Status Ask(const Route& route) = 0;  // REQUIRES: a device, an IPv4 address
  virtual void OnReceive(Receive receive) = 0;
};

class Announcer {
 public:
  enum class Kind {
    kArpRequest,    // gratuitous, asking for the own address
    kArpReply,      // gratuitous, answering nobody
    kAdvertisement  // IPv6: unsolicited neighbour advertisement to all nodes, with override
  };
  virtual ~Announcer() = default;
  virtual Status Announce(Kind kind) = 0;
};

}  // namespace fencepost
