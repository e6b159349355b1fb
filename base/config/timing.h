// The times of a cluster, the inequalities that make them fit each other, and what they promise.
//
// Promise: CheckTiming is complete: a Timing for which every inequality holds is one the daemons
// may
//          run with. Each inequality has a name, both sides and what breaks without it.
// Time:    every Duration is local time of one node; nothing here compares clocks of two nodes.
// Errors:  none; a value out of its own limits is refused by the parser of the configuration.
// Source:  DESIGN rules R1-R9 and the derivations in docs/timing.md.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/lease.h"
#include "base/time.h"

namespace fencepost::config {

struct Timing {
  Duration interval{};     // I: a qdiskd cycle starts this often; node leases are asked this often
  Duration io_timeout{};   // O: deadline of one disk read or write
  Duration lease{};        // L: how long a holder counts a vote, from before it asked
  Duration lease_max{};    // Lmax: the largest L this cluster ever used; restart waits use it
  Duration guard{};        // G: a daemon of ours acts at most this late on this hardware
  Duration eps{};          // e: what a voter waits beyond the lease it granted
  DriftPpm drift_ppm = 0;  // r: the most the clocks of two nodes differ in rate
  std::uint32_t tko = 0;   // a slot without change for tko intervals is stale
  std::uint32_t tolerated = 0;  // k: failed disk renewals in a row that must go unnoticed
  Duration heartbeat{};         // H: a node sends to its peers this often
  Duration peer_timeout{};      // T: a peer unheard for this long is out of the network view
  Duration fence_timeout{};     // F: one fence attempt, its verification included
  Duration path_failover{};     // M: the longest path failover below the disk; 0: none to ride out
  Duration watchdog{};          // W: time-out of the hardware watchdog; 0: no watchdog is used

  [[nodiscard]] LeaseTimes Lease() const { return {lease, lease_max, drift_ppm, eps}; }
  // A voter's wait for a lease of its own or another's granting: (1+r)*L + e.
  [[nodiscard]] Duration VoterWait() const { return Inflate(lease, drift_ppm) + eps; }
  // From any instant, the end of the next cycle that begins after it: I + 2*O.
  [[nodiscard]] Duration NextCycle() const { return interval + 2 * io_timeout; }
  // A slot whose writer fell silent is stale to every reader after this.
  [[nodiscard]] Duration StaleAfter() const { return interval * tko; }
  friend bool operator==(const Timing&, const Timing&) = default;
};

inline constexpr std::array<std::string_view, 4> kProfileNames = {"fast", "default", "san",
                                                                  "slow-san"};
// One of kProfileNames; its watchdog is what its lease has room for.
[[nodiscard]] std::optional<Timing> StockTiming(std::string_view profile);

// left >= right, or it does not hold.
struct Inequality {
  std::string_view name;     // "lease-outlives-failures"
  std::string_view formula;  // "L - W >= I + k*max(I, 2*O) + 2*O + G"
  Duration left{}, right{};
  std::string_view breaks;  // what goes wrong where it does not hold
  std::string_view remedy;
  [[nodiscard]] Duration Slack() const { return left - right; }
  [[nodiscard]] bool Holds() const { return left >= right; }
};
// Those that apply: without a watchdog or path failover, theirs are left out.
[[nodiscard]] std::vector<Inequality> CheckTiming(const Timing& timing);

// The longest from the fault until resources may be started elsewhere (their own start not
// counted).
struct Failover {
  std::string_view fault;  // "silent death, its power device answers off"
  std::string_view formula;
  Duration worst{};
};
[[nodiscard]] std::vector<Failover> WorstFailover(const Timing& timing);

}  // namespace fencepost::config
