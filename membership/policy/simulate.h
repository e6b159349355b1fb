// What would happen: the scheduler's plans carried out in thought, every step successful, until
// there is nothing left to do.
//
// Promise: pure. A fenced node is off and runs nothing; a probe finds nothing. It ends after
//          kMaxSimulatedRounds plans; `settled` says whether that was the end by itself.
// Errors:  none.
#pragma once
#include <vector>

#include "membership/policy/policy.h"

namespace fencepost::policy {

inline constexpr int kMaxSimulatedRounds = 1000;

struct Simulation {
  std::vector<Order> actions;         // in the order in which they were taken
  std::vector<std::string> reasons;   // of each action: why the resource was not where it should be
  std::vector<FenceRequest> fences;   // likewise
  std::vector<Placement> placements;  // at the end
  std::vector<std::string> unsafe;    // of the last plan
  bool settled = false;
};

[[nodiscard]] Simulation Simulate(const Cib& cib, ClusterView view);

}  // namespace fencepost::policy
