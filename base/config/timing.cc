#include "base/config/timing.h"

#include <algorithm>

namespace fencepost::config {
namespace {

// I, O, L, G in milliseconds; tko; H, T, F, W in milliseconds. docs/timing.md says why.
Timing Make(int i, int o, int l, int g, std::uint32_t tko, int h, int t, int f, int w) {
  Timing out;
  out.interval = Millis(i);
  out.io_timeout = Millis(o);
  out.lease = out.lease_max = Millis(l);
  out.guard = out.eps = Millis(g);
  out.drift_ppm = 1000;  // two clocks that NTP slews apart, each by the kernel's 500 ppm
  out.tko = tko;
  out.tolerated = 1;
  out.heartbeat = Millis(h);
  out.peer_timeout = Millis(t);
  out.fence_timeout = Millis(f);
  out.watchdog = Millis(w);
  return out;
}

}  // namespace

std::optional<Timing> StockTiming(std::string_view profile) {
  if (profile == "fast") return Make(250, 400, 4100, 200, 13, 250, 1000, 3000, 2000);
  if (profile == "default") return Make(1000, 1500, 16000, 500, 12, 1000, 4000, 10000, 8000);
  if (profile == "san") return Make(2000, 5000, 33000, 500, 18, 1000, 4000, 20000, 10000);
  if (profile == "slow-san") return Make(2000, 10000, 53000, 500, 33, 1000, 4000, 30000, 10000);
  return std::nullopt;
}

std::vector<Inequality> CheckTiming(const Timing& t) {
  const Duration io = 2 * t.io_timeout;  // a cycle writes, then reads
  std::vector<Inequality> out = {
      {"guard-covers-lateness", "e >= G", t.eps, t.guard,
       "an act checked just before the lease ended could take effect after the vote went to "
       "another node",
       "raise eps to at least guard"},
      {"restart-wait-covers-lease", "Lmax >= L", t.lease_max, t.lease,
       "a voter that restarts could grant its vote while a lease it forgot is still counted",
       "raise lease_max to at least lease"},
      {"lease-outlives-failures", "L - W >= I + k*max(I, 2*O) + 2*O + G", t.lease - t.watchdog,
       t.interval + t.tolerated * std::max(t.interval, io) + io + t.guard,
       "k slow or failed disk renewals cost the coordinator its lease, or reset its node",
       "raise lease, or lower io_timeout, interval or the watchdog's timeout"},
      {"silence-seen-before-expiry", "L - W >= T + I + G", t.lease - t.watchdog,
       t.peer_timeout + t.interval + t.guard,
       "a lost network is noticed only by leases that end, too late to concede in an orderly way",
       "lower peer_timeout, or raise lease"},
      {"fence-fits-lease", "L >= 2*O + G + F", t.lease, io + t.guard + t.fence_timeout,
       "a fence begun after the renewal that entitles to it is cut off when that lease ends",
       "lower fence_timeout or io_timeout, or raise lease"},
      {"stale-after-three-cycles", "tko*I >= 3*(I + 2*O)", t.StaleAfter(), 3 * t.NextCycle(),
       "a node with a slow disk path is taken for silent and loses its vote to a candidate",
       "raise tko"},
      {"silence-after-three-heartbeats", "T >= 3*H + G", t.peer_timeout, 3 * t.heartbeat + t.guard,
       "two lost datagrams look like a dead peer", "raise peer_timeout or lower heartbeat"},
  };
  if (t.watchdog > Duration{}) {
    out.push_back({"watchdog-outlives-two-turns", "W >= 2*(I + G)", t.watchdog,
                   2 * (t.interval + t.guard), "one late turn of a daemon resets a healthy node",
                   "raise the watchdog's timeout or lower interval"});
  }
  if (t.path_failover > Duration{}) {
    out.push_back({"path-failover-unnoticed", "I + k*max(I, 2*O) + 2*O >= M",
                   t.interval + t.tolerated * std::max(t.interval, io) + io, t.path_failover,
                   "a path failover below the disk outlasts the renewals that may fail",
                   "raise io_timeout or tolerated, and lease with them"});
  }
  return out;
}

std::vector<Failover> WorstFailover(const Timing& t) {
  const Duration cycle = t.NextCycle(), wait = t.VoterWait();
  // When a candidate may bid at all: the peer is unheard, its slot stale, the node votes free
  // again.
  const Duration bid = std::max({t.peer_timeout + t.guard, t.StaleAfter() + cycle, wait});
  return {
      {"silent death, its power device says off", "max(T+G, tko*I+C, V) + C + F + C",
       bid + cycle + t.fence_timeout + cycle},
      {"silent death, its power device answers later", "max(T+G, tko*I+C, V) + C + V + C + C + F",
       bid + cycle + wait + cycle + cycle + t.fence_timeout},
      {"network split, both sides see the disk", "T + G + 2*C + 3*C + C + F",
       t.peer_timeout + t.guard + 6 * cycle + t.fence_timeout},
      {"network split, the coordinator loses the disk too",
       "max(T+G, tko*I+C, V) + C + V + C + C + F",
       bid + cycle + wait + cycle + cycle + t.fence_timeout},
  };
}

}  // namespace fencepost::config
