// ARP questions, gratuitous ARP and unsolicited neighbour advertisements, built by libnet.
//
// Promise: frames leave from one device and carry its hardware address, or the one that is given.
//          ArpPort hears answers that were sent to this node's hardware address.
//          A device that is removed and comes back is found again by LinuxArp.
// Errors:  name the device and the cause: it does not exist, is no Ethernet, no CAP_NET_RAW.
// Source:  RFC 826, RFC 5227 section 1.2; RFC 4861 4.4 and 7.2.6, 7.1.2 (hop limit 255); RFC 2464 7
//          (33:33:00:00:00:01).
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "env/linux/libnet_packet.h"
#include "env/linux/loop.h"
#include "env/probes.h"

namespace fencepost {

using HardwareAddress = std::array<std::uint8_t, 6>;

// "02:00:00:00:00:01" or "020000000001"; nullopt: anything else, and what is no single station's.
[[nodiscard]] std::optional<HardwareAddress> ParseHardwareAddress(std::string_view text);

class LinuxArp final : public ArpPort {
 public:
  explicit LinuxArp(Loop& loop) : loop_(loop) {}
  ~LinuxArp() override;
  LinuxArp(const LinuxArp&) = delete;
  LinuxArp& operator=(const LinuxArp&) = delete;

  Status Ask(const Route& route) override;
  void OnReceive(Receive receive) override { receive_ = std::move(receive); }

 private:
  struct Link {
    Libnet context;
    UniqueFd socket;
    WatchId watch = 0;
    unsigned index = 0;
    HardwareAddress own{};
    std::uint32_t own_ip = 0;  // network order
  };
  Result<Link*> FindLink(const std::string& device);
  void Read(const std::string& device);

  Loop& loop_;
  std::map<std::string, Link> links_;
  Receive receive_;
};

class LinuxAnnouncer final : public Announcer {
 public:
  // `hardware`: nullopt for the device's own.
  static Result<std::unique_ptr<LinuxAnnouncer>> Open(const std::string& device,
                                                      const std::string& address,
                                                      std::optional<HardwareAddress> hardware);
  Status Announce(Kind kind) override;

 private:
  LinuxAnnouncer(Libnet context, std::string address, HardwareAddress hardware)
      : context_(std::move(context)), address_(std::move(address)), hardware_(hardware) {}
  Status Write(bool built);
  Status SendArp(bool reply);
  Status SendAdvertisement();

  Libnet context_;
  std::string address_;
  HardwareAddress hardware_;
};

}  // namespace fencepost
