#include "env/linux/echo_sockets.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/text.h"

namespace fencepost {
namespace {

constexpr std::uint8_t kEchoRequest6 = 128;
constexpr std::uint8_t kTtl = 64;
constexpr int kReceiveBufferBytes = 1 << 20;  // a burst of answers while this process is paused
constexpr std::size_t kIcmpHeader = 8;
constexpr std::uint16_t kIpv4IcmpFilterId = 4;  // offset of the identifier in the ICMP header
constexpr const char* kAllow =
    "run as root, with CAP_NET_RAW, or put your group into sysctl net.ipv4.ping_group_range";

// Answers of other pinging programs never reach us: the kernel drops what has not our identifier.
Status FilterById(int fd, bool ipv6, std::uint16_t id) {
  std::array<sock_filter, 5> code4 = {{
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),  // X = length of the IPv4 header
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, kIpv4IcmpFilterId),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xFFFF),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  std::array<sock_filter, 4> code6 = {{
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kIpv4IcmpFilterId),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, id, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xFFFF),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog program4{static_cast<unsigned short>(code4.size()), code4.data()};
  const sock_fprog program6{static_cast<unsigned short>(code6.size()), code6.data()};
  const sock_fprog& program = ipv6 ? program6 : program4;
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
    return OsError("the ICMP socket", "set its filter", errno);
  }
  return Ok{};
}

sockaddr_storage SocketAddress(const Route& route, bool ipv6) {
  sockaddr_storage out{};
  if (ipv6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
    v6->sin6_family = AF_INET6;
    inet_pton(AF_INET6, route.address.c_str(), &v6->sin6_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !route.device.empty()) {
      v6->sin6_scope_id = DeviceIndex(route.device);
    }
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
    v4->sin_family = AF_INET;
    inet_pton(AF_INET, route.address.c_str(), &v4->sin_addr);
  }
  return out;
}

socklen_t SizeOf(bool ipv6) { return ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }

std::string AddressText(const sockaddr_storage& from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw =
      from.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&from)->sin6_addr)
          : &reinterpret_cast<const sockaddr_in*>(&from)->sin_addr;
  return inet_ntop(from.ss_family, raw, text.data(), text.size()) == nullptr ? "" : text.data();
}

}  // namespace

Result<std::unique_ptr<LinuxEcho>> LinuxEcho::Open(Loop& loop, Privilege privilege,
                                                   std::uint16_t id) {
  std::unique_ptr<LinuxEcho> out(new LinuxEcho(loop));
  if (privilege == Privilege::kAny) {
    const Status v4 = out->OpenRaw(false, id);
    const Status v6 = out->OpenRaw(true, id);
    out->raw_ = v4.ok() || v6.ok();
  }
  if (!out->raw_) {
    const Status v4 = out->OpenPing(false);
    const Status v6 = out->OpenPing(true);
    if (!v4.ok() && !v6.ok()) return v4.error();
  }
  if (out->v4_.fd) out->Watch(out->v4_, false);
  if (out->v6_.fd) out->Watch(out->v6_, true);
  return out;
}

LinuxEcho::~LinuxEcho() {
  loop_.Unwatch(v4_.watch);
  loop_.Unwatch(v6_.watch);
}

Status LinuxEcho::OpenRaw(bool ipv6, std::uint16_t id) {
  Socket& to = ipv6 ? v6_ : v4_;
  UniqueFd fd(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     ipv6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP)));
  if (!fd) return OsError("a raw ICMP socket", "open it", errno, kAllow);
  if (ipv6) {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
  } else {
    constexpr int kIcmpFilter = 1;  // ICMP_FILTER of linux/icmp.h, which glibc's headers exclude
    const std::uint32_t blocked = ~(1U << ICMP_ECHOREPLY);
    setsockopt(fd.get(), SOL_RAW, kIcmpFilter, &blocked, sizeof blocked);
  }
  const Status filtered = FilterById(fd.get(), ipv6, id);
  if (!filtered.ok()) return filtered;
  to.fd = std::move(fd);
  to.id = id;
  return Ok{};
}

Status LinuxEcho::OpenPing(bool ipv6) {
  Socket& to = ipv6 ? v6_ : v4_;
  UniqueFd fd(socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     ipv6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP)));
  if (!fd) return OsError("a ping socket", "open it", errno, kAllow);
  sockaddr_storage any{};  // the kernel chooses the identifier, and shows it as the port
  any.ss_family = ipv6 ? AF_INET6 : AF_INET;
  socklen_t size = SizeOf(ipv6);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&any), size) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&any), &size) != 0) {
    return OsError("a ping socket", "bind it", errno, kAllow);
  }
  to.id = ntohs(ipv6 ? reinterpret_cast<sockaddr_in6*>(&any)->sin6_port
                     : reinterpret_cast<sockaddr_in*>(&any)->sin_port);
  to.fd = std::move(fd);
  return Ok{};
}

void LinuxEcho::Watch(Socket& socket, bool ipv6) {
  setsockopt(socket.fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes,
             sizeof kReceiveBufferBytes);
  socket.watch =
      loop_.WatchFd(socket.fd.get(), EPOLLIN, [this, ipv6](std::uint32_t) { Read(ipv6); });
}

void LinuxEcho::Read(bool ipv6) {
  std::array<std::uint8_t, 2048> buffer;
  const int fd = ipv6 ? v6_.fd.get() : v4_.fd.get();
  for (int i = 0; i < kMaxEchoesPerTurn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) {
      if (errno == EINTR) continue;
      return;
    }
    ByteView message(buffer.data(), static_cast<std::size_t>(got));
    if (raw_ && !ipv6) {  // a raw IPv4 socket shows the IP header, too
      const std::size_t header = message.empty() ? 0 : (message[0] & 15U) * 4U;
      message = message.subspan(std::min(header, message.size()));
    }
    if (receive_) receive_(AddressText(from), ipv6, message);
  }
}

std::uint16_t LinuxEcho::Identifier(bool ipv6) const { return ipv6 ? v6_.id : v4_.id; }

Status LinuxEcho::SendEcho(const Route& route, std::uint16_t sequence, ByteView payload) {
  const bool ipv6 = IsIpv6(route.address);
  if (!(ipv6 ? v6_.fd : v4_.fd)) {
    return Error{route.address, Cat("this node has no IPv", ipv6 ? 6 : 4), ""};
  }
  if (!route.device.empty() && DeviceIndex(route.device) == 0) return NoSuchDevice(route.device);
  if (!raw_) return SendPing(route, ipv6, sequence, payload);
  const auto injector = FindInjector(ipv6, route.device);
  if (!injector.ok()) return injector.error();
  return ipv6 ? SendRaw6(**injector, route, sequence, payload)
              : SendRaw4(**injector, route, sequence, payload);
}

Result<LinuxEcho::Injector*> LinuxEcho::FindInjector(bool ipv6, const std::string& device) {
  Injector& out = injectors_[{ipv6, device}];
  const unsigned index = device.empty() ? 0 : DeviceIndex(device);
  if (out.context && out.device_index == index) return &out;
  out = Injector{};
  auto context = OpenLibnet(ipv6 ? LIBNET_RAW6 : LIBNET_RAW4, device);
  if (!context.ok()) return context.error();
  out.context = std::move(*context);
  out.device_index = index;
  return &out;
}

Status LinuxEcho::SendRaw4(Injector& to, const Route& route, std::uint16_t sequence,
                           ByteView payload) {
  libnet_t* l = to.context.get();
  const auto size = static_cast<std::uint32_t>(payload.size());
  to.icmp =
      libnet_build_icmpv4_echo(ICMP_ECHO, 0, 0, v4_.id, sequence, payload.data(), size, l, to.icmp);
  to.ip = libnet_build_ipv4(static_cast<std::uint16_t>(LIBNET_IPV4_H + LIBNET_ICMPV4_ECHO_H + size),
                            0, sequence, 0, kTtl, IPPROTO_ICMP, 0, Ipv4Of(route.source),
                            Ipv4Of(route.address), nullptr, 0, l, to.ip);
  if (to.icmp == -1 || to.ip == -1 || libnet_write(l) == -1) {
    const Error error = LibnetError(l, route.address);
    to.context.reset();  // its tags may be half built
    return error;
  }
  return Ok{};
}

// The kernel does not choose the source of a packet whose IPv6 header is ours: it is asked first.
Result<std::string> LinuxEcho::SourceFor(const Route& route) {
  if (!route.source.empty()) return route.source;
  const UniqueFd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return OsError(route.address, "open a socket", errno);
  if (!route.device.empty()) {
    setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, route.device.c_str(),
               static_cast<socklen_t>(route.device.size() + 1));
  }
  sockaddr_storage to = SocketAddress(route, true);
  reinterpret_cast<sockaddr_in6*>(&to)->sin6_port = htons(9);  // any; nothing is sent
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), SizeOf(true)) != 0 ||
      getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) {
    return OsError(route.address, "find a way there", errno);
  }
  return AddressText(own);
}

Status LinuxEcho::SendRaw6(Injector& to, const Route& route, std::uint16_t sequence,
                           ByteView payload) {
  const auto source = SourceFor(route);
  if (!source.ok()) return source.error();
  libnet_t* l = to.context.get();
  const auto size = static_cast<std::uint32_t>(payload.size());
  // libnet's interface knows no const; it copies the payload.
  to.icmp = libnet_build_icmpv6_echo(kEchoRequest6, 0, 0, v6_.id, sequence,
                                     const_cast<std::uint8_t*>(payload.data()), size, l, to.icmp);
  to.ip = libnet_build_ipv6(0, 0, static_cast<std::uint16_t>(LIBNET_ICMPV6_ECHO_H + size),
                            IPPROTO_ICMPV6, kTtl, Ipv6Of(*source), Ipv6Of(route.address), nullptr,
                            0, l, to.ip);
  if (to.icmp == -1 || to.ip == -1 || libnet_write(l) == -1) {
    const Error error = LibnetError(l, route.address);
    to.context.reset();
    return error;
  }
  return Ok{};
}

// Source and device of one datagram, without a socket for each.
Status LinuxEcho::SendPing(const Route& route, bool ipv6, std::uint16_t sequence,
                           ByteView payload) {
  Bytes packet{ipv6 ? kEchoRequest6 : std::uint8_t{ICMP_ECHO},
               0,
               0,
               0,
               0,
               0,
               static_cast<std::uint8_t>(sequence >> 8),
               static_cast<std::uint8_t>(sequence)};
  static_assert(kIcmpHeader == 8);
  packet.insert(packet.end(), payload.begin(), payload.end());
  sockaddr_storage to = SocketAddress(route, ipv6);
  iovec vector{packet.data(), packet.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = SizeOf(ipv6);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  if (!route.device.empty() || !route.source.empty()) {
    const unsigned index = route.device.empty() ? 0 : DeviceIndex(route.device);
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    header->cmsg_type = ipv6 ? IPV6_PKTINFO : IP_PKTINFO;
    if (ipv6) {
      in6_pktinfo info{};
      inet_pton(AF_INET6, route.source.c_str(), &info.ipi6_addr);
      info.ipi6_ifindex = index;
      header->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
      message.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
      in_pktinfo info{};
      info.ipi_spec_dst.s_addr = Ipv4Of(route.source);
      info.ipi_ifindex = static_cast<int>(index);
      header->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
      message.msg_controllen = CMSG_SPACE(sizeof info);
    }
  }
  if (sendmsg(ipv6 ? v6_.fd.get() : v4_.fd.get(), &message, 0) < 0) {
    return OsError(route.address, "send an echo", errno);
  }
  return Ok{};
}

}  // namespace fencepost
