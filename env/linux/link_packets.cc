#include "env/linux/link_packets.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace fencepost {
namespace {

constexpr HardwareAddress kEverybody{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
constexpr HardwareAddress kAllNodes{0x33, 0x33, 0, 0, 0, 1};
constexpr HardwareAddress kNobody{};
constexpr int kMaxFramesPerTurn = 64;

Result<HardwareAddress> OwnHardware(libnet_t* context, const std::string& device) {
  const libnet_ether_addr* own = libnet_get_hwaddr(context);
  HardwareAddress out{};
  if (own == nullptr) return LibnetError(context, Cat("hardware address of ", device));
  std::copy_n(own->ether_addr_octet, out.size(), out.begin());
  if (out == kNobody) {
    return Error{Cat("device ", device), "has no hardware address",
                 "only Ethernet-like devices have neighbours"};
  }
  return out;
}

// The first IPv4 address of the device; 0 if it has none: then the question is an RFC 5227 probe.
std::uint32_t OwnIpv4(const std::string& device) {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::copy_n(device.begin(), std::min<std::size_t>(device.size(), IFNAMSIZ - 1),
              std::begin(request.ifr_name));
  if (!fd || ioctl(fd.get(), SIOCGIFADDR, &request) != 0) return 0;
  sockaddr_in address{};
  std::memcpy(&address, &request.ifr_addr, sizeof address);
  return address.sin_addr.s_addr;
}

// Payload first, Ethernet last, as libnet wants it.
bool BuildArp(libnet_t* l, std::uint16_t operation, const HardwareAddress& from_hardware,
              std::uint32_t from, const HardwareAddress& to_hardware, std::uint32_t to) {
  const auto* from_ip = reinterpret_cast<const std::uint8_t*>(&from);
  const auto* to_ip = reinterpret_cast<const std::uint8_t*>(&to);
  libnet_clear_packet(l);
  return libnet_build_arp(ARPHRD_ETHER, ETHERTYPE_IP, ETHER_ADDR_LEN, 4, operation,
                          from_hardware.data(), from_ip, to_hardware.data(), to_ip, nullptr, 0, l,
                          LIBNET_PTAG_INITIALIZER) != -1 &&
         libnet_build_ethernet(kEverybody.data(), from_hardware.data(), ETHERTYPE_ARP, nullptr, 0,
                               l, LIBNET_PTAG_INITIALIZER) != -1;
}

}  // namespace

std::optional<HardwareAddress> ParseHardwareAddress(std::string_view text) {
  std::string digits;
  if (text.size() == 17) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i % 3 != 2) {
        digits += text[i];
      } else if (text[i] != ':' && text[i] != '-') {
        return std::nullopt;
      }
    }
  } else {
    digits = std::string(text);
  }
  const auto bytes = FromHex(digits);
  HardwareAddress out{};
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  const bool station = (out[0] & 1U) == 0 && out != kNobody;
  return station ? std::optional(out) : std::nullopt;
}

LinuxArp::~LinuxArp() {
  for (auto& [device, link] : links_) loop_.Unwatch(link.watch);
}

Result<LinuxArp::Link*> LinuxArp::FindLink(const std::string& device) {
  Link& out = links_[device];
  const unsigned index = DeviceIndex(device);
  if (index == 0) return NoSuchDevice(device);
  if (out.context && out.index == index) return &out;
  loop_.Unwatch(out.watch);
  out = Link{};
  auto context = OpenLibnet(LIBNET_LINK, device);
  if (!context.ok()) return context.error();
  const auto own = OwnHardware(context->get(), device);
  if (!own.ok()) return own.error();
  UniqueFd fd(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ARP);
  at.sll_ifindex = static_cast<int>(index);
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    return OsError(Cat("device ", device), "listen for ARP", errno);
  }
  out.context = std::move(*context);
  out.socket = std::move(fd);
  out.index = index;
  out.own = *own;
  out.watch =
      loop_.WatchFd(out.socket.get(), EPOLLIN, [this, device](std::uint32_t) { Read(device); });
  return &out;
}

Status LinuxArp::Ask(const Route& route) {
  const auto link = FindLink(route.device);
  if (!link.ok()) return link.error();
  const std::uint32_t own = route.source.empty() ? OwnIpv4(route.device) : Ipv4Of(route.source);
  libnet_t* l = (*link)->context.get();
  if (!BuildArp(l, ARPOP_REQUEST, (*link)->own, own, kNobody, Ipv4Of(route.address)) ||
      libnet_write(l) == -1) {
    return LibnetError(l, Cat("ARP for ", route.address));
  }
  return Ok{};
}

void LinuxArp::Read(const std::string& device) {
  const Link& link = links_.at(device);
  for (int i = 0; i < kMaxFramesPerTurn; ++i) {
    ether_arp arp{};
    const ssize_t got = recv(link.socket.get(), &arp, sizeof arp, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return;
    const bool answer = static_cast<std::size_t>(got) >= sizeof arp &&
                        ntohs(arp.arp_hrd) == ARPHRD_ETHER && ntohs(arp.arp_pro) == ETHERTYPE_IP &&
                        arp.arp_hln == ETHER_ADDR_LEN && arp.arp_pln == 4 &&
                        ntohs(arp.arp_op) == ARPOP_REPLY &&
                        std::equal(link.own.begin(), link.own.end(), std::begin(arp.arp_tha));
    if (!answer || !receive_) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, std::begin(arp.arp_spa), text.data(), text.size());
    receive_(device, text.data());
  }
}

Result<std::unique_ptr<LinuxAnnouncer>> LinuxAnnouncer::Open(
    const std::string& device, const std::string& address,
    std::optional<HardwareAddress> hardware) {
  if (DeviceIndex(device) == 0) return NoSuchDevice(device);
  auto context = OpenLibnet(LIBNET_LINK, device);
  if (!context.ok()) return context.error();
  if (!hardware) {
    const auto own = OwnHardware(context->get(), device);
    if (!own.ok()) return own.error();
    hardware = *own;
  }
  return std::unique_ptr<LinuxAnnouncer>(
      new LinuxAnnouncer(std::move(*context), address, *hardware));
}

Status LinuxAnnouncer::Announce(Kind kind) {
  return kind == Kind::kAdvertisement ? SendAdvertisement() : SendArp(kind == Kind::kArpReply);
}

Status LinuxAnnouncer::Write(bool built) {
  if (!built || libnet_write(context_.get()) == -1) {
    return LibnetError(context_.get(), Cat("announcing ", address_));
  }
  return Ok{};
}

// A reply names the sender as its target, too: Linux believes a gratuitous one only then while its
// own entry is younger than a second (arp_is_garp in net/ipv4/arp.c).
Status LinuxAnnouncer::SendArp(bool reply) {
  const std::uint32_t ip = Ipv4Of(address_);
  return Write(BuildArp(context_.get(), reply ? ARPOP_REPLY : ARPOP_REQUEST, hardware_, ip,
                        reply ? hardware_ : kNobody, ip));
}

Status LinuxAnnouncer::SendAdvertisement() {
  constexpr std::uint8_t kTypeAdvertisement = 136, kHopLimit = 255;
  constexpr std::uint32_t kOverride = 0x20000000;
  constexpr std::uint8_t kTargetLinkAddress = 2, kOptionUnits = 1;  // of 8 bytes
  std::array<std::uint8_t, 8> option{kTargetLinkAddress, kOptionUnits};
  std::copy(hardware_.begin(), hardware_.end(), option.begin() + 2);
  const libnet_in6_addr own = Ipv6Of(address_), all_nodes = Ipv6Of("ff02::1");
  libnet_t* l = context_.get();
  libnet_clear_packet(l);
  const bool built =
      libnet_build_icmpv6_ndp_nadv(kTypeAdvertisement, 0, 0, kOverride, own, option.data(),
                                   option.size(), l, LIBNET_PTAG_INITIALIZER) != -1 &&
      libnet_build_ipv6(0, 0, LIBNET_ICMPV6_NDP_NADV_H + option.size(), IPPROTO_ICMPV6, kHopLimit,
                        own, all_nodes, nullptr, 0, l, LIBNET_PTAG_INITIALIZER) != -1 &&
      libnet_build_ethernet(kAllNodes.data(), hardware_.data(), ETHERTYPE_IPV6, nullptr, 0, l,
                            LIBNET_PTAG_INITIALIZER) != -1;
  return Write(built);
}

}  // namespace fencepost
