// Faults for a simulated cluster, drawn from a seed: which exist at all in this run (a swarm), when
// they strike, whom, and for how long.
//
// Promise: the same seed draws the same faults. Whatever it breaks it can mend: after End nothing
//          is broken, everything has power and every daemon was started, as an operator would. Only
//          what the assumptions of DESIGN allow is done: clocks keep within drift, nobody rolls
//          state back, power devices do not lie.
// Time:    true time. Errors: none.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"

namespace fencepost::sim {

// A cluster that a seed picks: nodes, disks, clocks, scores, kind of fencing.
[[nodiscard]] ClusterSettings DrawCluster(std::uint64_t seed);

class Chaos {
 public:
  Chaos(Cluster& cluster, std::uint64_t seed);
  void Begin(Duration lasts);
  void End();   // mends everything
  void Mend();  // what an operator does meanwhile: power on, daemons started
  [[nodiscard]] const std::map<std::string, int>& struck() const { return struck_; }

 private:
  struct Fault {
    const char* name;
    void (Chaos::*strike)();
  };
  void Next();
  void Strike();
  // Undone after a while, and at the end.
  void For(Duration low, Duration high, std::function<void()> undo);
  void Note(const std::string& text);
  Node& Anyone();
  Duration Draw(Duration low, Duration high);
  bool OneIn(std::uint64_t n) { return rng_.OneIn(n); }

  void LosePower();
  void KillMember();
  void KillDisk();
  void KillBoth();
  void FreezeMember();
  void FreezeDisk();
  void FreezeBoth();
  void MakeLate();
  void Split();
  void CutOneWay();
  void BadWeather();
  void CutDisk();
  void HangDisk();
  void KillTarget();
  void SlowDisk();
  void DiskReadErrors();
  void BadPowerDevice();
  void BadAgents();
  void ServiceDies();
  void Leave();
  void StateFull();

  Cluster& cluster_;
  Prng rng_;
  std::vector<Fault> swarm_;
  Duration gap_{};
  TrueTime until_{};
  bool ended_ = false;
  std::uint64_t last_fault_ = 0;
  std::map<std::uint64_t, std::function<void()>> undo_;
  std::map<std::string, int> struck_;
};

}  // namespace fencepost::sim
