// What would be done to fence a node: who, with which outlets, in which order, how long at worst,
// and what the ways have in common that can fail together. Nothing is asked of any device.
//
// Promise: pure. The worst case is that of the fencer: outlets of one device one after the other,
//          devices of a level side by side, levels overlapping where they share no device; cut at
//          `budget`, the time that one fence may take under one lease.
// Time:    durations. Errors: what is doubtful stands in the warnings.
#pragma once
#include <string>
#include <vector>

#include "stonith/topology.h"

namespace fencepost::stonith {

struct PlannedLevel {
  int index = 1;
  std::vector<std::string> outlets;  // "pdu:7 (fence_apc_snmp at 10.0.0.9)"
  Coverage coverage;
  Duration begins{}, worst{};  // counted from the request
};
struct FencePlan {
  std::string node;
  std::vector<std::string> by;  // any of these may have to do it, as coordinator
  std::vector<PlannedLevel> levels;
  Duration worst{};  // until off is proved or all has failed
  std::vector<std::string> warnings;
};

// addresses: those of the cluster's nodes on the network that they speak over.
[[nodiscard]] FencePlan MakePlan(const FencerConfig& config, NodeId node, Duration budget,
                                 const std::map<NodeId, std::string>& addresses);
[[nodiscard]] std::string PlanText(const FencePlan& plan);

}  // namespace fencepost::stonith
