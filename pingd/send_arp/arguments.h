// The command line of send_arp, in the three forms that exist.
//
// Promise: what ParseArguments returns is complete: a device, an address, which packets, how many
//          rounds, and how far apart the packets are.
//   send_arp  -i MS -r COUNT -p PIDFILE DEVICE IP MAC|auto [ignored] [ignored]   (heartbeat)
//   send_arp  -U|-A -c COUNT [-w S] -I DEVICE IP                                 (iputils arping)
//   send_ua   -i MS -c COUNT IP PREFIX DEVICE                                    (heartbeat, IPv6)
// Errors:  name the argument and what is allowed.
// Source:  resource-agents 4.12, IPaddr2: how it calls them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/probes.h"

namespace fencepost::announce {

inline constexpr std::int64_t kMaxRounds = 10'000;
inline constexpr std::int64_t kMaxGapMs = 60'000;

struct Arguments {
  bool help = false, version = false;
  std::string device;
  std::string address;                   // numeric, canonical
  std::string hardware;                  // empty: the device's own
  std::string pid_file;                  // empty: none
  std::vector<Announcer::Kind> packets;  // of a round, in order
  std::int64_t rounds = 5;
  Duration gap = Millis(100);  // between two packets
};

// `program`: what it was called as; "send_ua" takes the third form.
[[nodiscard]] Result<Arguments> ParseArguments(const std::string& program,
                                               const std::vector<std::string>& words);
[[nodiscard]] std::string UsageText();

}  // namespace fencepost::announce
