// cluster.conf of RHCS as far as fencing goes: nodes, their methods, the fence devices.
//
// Promise: a method is a level; all its devices must be off. As RHCS's own engine does it, what a
//          <fencedevice> says wins over what a node's <device> says. Lines with action="on" are
//          left out: the fencer powers on what it switched off, unless only "off" is written.
//          Several ports of one device in a method are several outlets.
// Errors:  with file and line: an element that refers to nothing, a name or number that is none.
// Source:  cluster.conf(5) and fence/libfence of RHCS 3.
#pragma once
#include <map>
#include <string_view>
#include <vector>

#include "base/cib.h"
#include "base/result.h"

namespace fencepost::fence_node {

inline constexpr int kMaxMethods = 8, kMaxMethodDevices = 8;  // RHCS's

struct ClusterConf {
  std::string name;
  Cib cib;                                // nodes, fence devices and levels only
  std::map<NodeId, FenceAction> actions;  // what fencing the node means
  std::map<NodeId, std::vector<FenceDevice>> unfence;
};

[[nodiscard]] Result<ClusterConf> ParseClusterConf(std::string_view text, std::string_view file);

}  // namespace fencepost::fence_node
