// Which outlets make a node powerless: the devices of a node as levels, each a set of outlets that
// must all be off.
//
// Promise: a node without levels of its own has one for each of its devices, in their order. A
//          device with several plugs for the node ("2,3") has one outlet for each plug. A level
//          that names a device without the node is not there (the configuration's reader refuses
//          it).
//          Coverage says what a node has lost when all outlets of a level are off. Storage is among
//          it only if all storage devices of the node are in the level, for each of them takes only
//          its own paths or disks; likewise network.
// Time:    none. Errors: none.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/cib.h"

namespace fencepost::stonith {

// A device as the configuration has it, with what running its agent needs.
struct Device {
  FenceDevice config;
  bool understands_not_after = true;  // false for agents of other projects
  Duration retry_gap = Millis(200);   // between two attempts
};

struct FencerConfig {
  std::vector<Device> devices;
  std::map<NodeId, std::string> node_names;
  std::vector<FenceLevel> levels = {};
  NodeId self = {};     // never fenced, and its own devices are not looked after; 0: nobody
  int guard_nodes = 0;  // nodes of the cluster, for the majority guard; 0: no guard
  Duration overlap_after = std::chrono::seconds(10);
};
[[nodiscard]] FencerConfig ConfigFrom(const Cib& cib);  // devices, names, levels

struct Outlet {
  std::size_t device = 0;  // its place in FencerConfig::devices
  std::string plug;        // may be empty: the device serves one machine
  std::string name;        // for people: "bmc-2"; of several: "pdu:7"
  friend bool operator==(const Outlet&, const Outlet&) = default;
};

struct Level {
  int index = 1;
  std::vector<Outlet> outlets;  // at least one
  Coverage coverage;
};

[[nodiscard]] std::vector<Level> LevelsOf(const FencerConfig& config, NodeId node);
[[nodiscard]] std::vector<Outlet> OutletsOf(const FencerConfig& config, std::size_t device,
                                            NodeId node);
// Those that must be on before the node runs anything.
[[nodiscard]] std::vector<Outlet> UnfencingOutlets(const FencerConfig& config, NodeId node);
[[nodiscard]] bool ShareADevice(const Level& a, const Level& b);

}  // namespace fencepost::stonith
