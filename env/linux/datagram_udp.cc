#include "env/linux/datagram_udp.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>

#include "base/text.h"

namespace fencepost {
namespace {

// One turn of the loop takes at most this many, so that a flood cannot hold up timers.
constexpr int kMaxDatagramsPerTurn = 64;
// Room for a burst from every node while this one is paused; the kernel may grant less.
constexpr int kReceiveBufferBytes = kMaxNodes * 2 * static_cast<int>(kMaxDatagram);

std::string Name(const UdpAddress& node) {
  return Cat("address ", node.host, " port ", node.port, " of node ", node.node);
}

}  // namespace

Result<UdpDatagram::Address> UdpDatagram::Resolve(const UdpAddress& node) {
  if (node.node.value() < 1 || node.node.value() > kMaxNodes) {
    return Error{Name(node), "the node id is not valid", Cat("use 1 to ", kMaxNodes)};
  }
  if (node.port == 0) return Error{Name(node), "a port is missing", "use 1 to 65535"};
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(node.host.c_str(), ToText(node.port).c_str(), &hints, &found);
  if (error != 0 || found == nullptr) {
    return Error{Name(node), Cat("is not a numeric IP address (", gai_strerror(error), ")"),
                 "names are not looked up: write the address itself"};
  }
  Address address;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

Result<UniqueFd> UdpDatagram::Bind(const UdpAddress& self, const Address& address) {
  const int family = address.bytes.ss_family;
  UniqueFd fd(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return OsError(Name(self), "open a socket", errno);
  const int on = 1;
  if (family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0) {
    const int error = errno;
    return OsError(Name(self), "listen there", error,
                   error == EADDRINUSE      ? "another daemon uses this port: stop it"
                   : error == EADDRNOTAVAIL ? "this node does not have the address (yet)"
                                            : "");
  }
  return fd;
}

Result<std::unique_ptr<UdpDatagram>> UdpDatagram::Open(Loop& loop, NodeId self,
                                                       const std::vector<UdpAddress>& nodes) {
  std::map<NodeId, Address> addresses;
  const UdpAddress* own = nullptr;
  for (const UdpAddress& node : nodes) {
    Result<Address> address = Resolve(node);
    if (!address) return address.error();
    if (!addresses.emplace(node.node, *address).second) {
      return Error{Name(node), "the node is named twice", "give every node one address"};
    }
    if (node.node == self) own = &node;
  }
  if (own == nullptr) {
    return Error{Cat("node ", self), "has no address", "name the address of this node, too"};
  }
  const Address& own_address = addresses.at(self);
  for (const UdpAddress& node : nodes) {
    if (addresses.at(node.node).bytes.ss_family != own_address.bytes.ss_family) {
      return Error{Name(node), Cat("is not of the IP version of ", Name(*own)),
                   "use IPv4 for all nodes or IPv6 for all"};
    }
  }
  Result<UniqueFd> fd = Bind(*own, own_address);
  if (!fd) return fd.error();
  return std::unique_ptr<UdpDatagram>(new UdpDatagram(loop, std::move(*fd), std::move(addresses)));
}

UdpDatagram::UdpDatagram(Loop& loop, UniqueFd socket, std::map<NodeId, Address> nodes)
    : loop_(loop), socket_(std::move(socket)), nodes_(std::move(nodes)) {
  watch_ = loop_.WatchFd(socket_.get(), EPOLLIN, [this](std::uint32_t) { Receive(); });
}

UdpDatagram::~UdpDatagram() { loop_.Unwatch(watch_); }

void UdpDatagram::Send(NodeId to, ByteView bytes) {
  const auto node = nodes_.find(to);
  const bool sent =
      node != nodes_.end() && bytes.size() <= kMaxDatagram &&
      sendto(socket_.get(), bytes.data(), bytes.size(), 0,
             reinterpret_cast<const sockaddr*>(&node->second.bytes), node->second.size) >= 0;
  ++(sent ? counters_.sent : counters_.send_failed);
}

void UdpDatagram::OnReceive(std::function<void(ByteView)> receive) {
  receive_ = std::move(receive);
}

void UdpDatagram::Receive() {
  for (int i = 0; i < kMaxDatagramsPerTurn; ++i) {
    // MSG_TRUNC: the true length, so that a longer datagram is told from one that just fits.
    const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR) ++counters_.receive_failed;
      return;
    }
    if (static_cast<std::size_t>(size) > buffer_.size()) {
      ++counters_.too_long;
      continue;
    }
    ++counters_.received;
    if (receive_) receive_(ByteView(buffer_).first(static_cast<std::size_t>(size)));
  }
}

}  // namespace fencepost
