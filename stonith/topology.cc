#include "stonith/topology.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::stonith {

FencerConfig ConfigFrom(const Cib& cib) {
  FencerConfig out;
  for (const FenceDevice& device : cib.fence_devices) out.devices.emplace_back().config = device;
  for (const CibNode& node : cib.nodes) out.node_names[node.id] = node.name;
  out.levels = cib.fence_levels;
  return out;
}

std::vector<Outlet> OutletsOf(const FencerConfig& config, std::size_t device, NodeId node) {
  std::vector<Outlet> out;
  const auto& targets = config.devices[device].config.targets;
  const auto plugs = targets.find(node);
  if (plugs == targets.end()) return out;
  const std::string& id = config.devices[device].config.id;
  for (const std::string& plug : Split(plugs->second, ',')) {
    if (!plug.empty()) out.push_back({device, plug, Cat(id, ":", plug)});
  }
  if (out.empty()) out.push_back({device, "", id});
  if (out.size() == 1) out[0].name = id;
  return out;
}

namespace {

void Add(const FencerConfig& config, std::size_t device, NodeId node, Level* level) {
  for (Outlet& outlet : OutletsOf(config, device, node)) {
    if (std::find(level->outlets.begin(), level->outlets.end(), outlet) != level->outlets.end()) {
      continue;
    }
    level->outlets.push_back(std::move(outlet));
  }
}

bool HasDevice(const Level& level, std::size_t device) {
  return std::any_of(level.outlets.begin(), level.outlets.end(),
                     [&](const Outlet& outlet) { return outlet.device == device; });
}

// One power device of a level takes the node; of the others it needs all that the node has.
Coverage CoverageOf(const FencerConfig& config, const Level& level, NodeId node) {
  Coverage some, missing;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    const FenceDevice& device = config.devices[i].config;
    if (!device.targets.contains(node)) continue;
    Coverage& to = HasDevice(level, i) ? some : missing;
    to.node = to.node || device.scope == FenceScope::kNode;
    to.storage = to.storage || device.scope == FenceScope::kStorage;
    to.network = to.network || device.scope == FenceScope::kNetwork;
  }
  return {some.node, some.storage && !missing.storage, some.network && !missing.network};
}

Level FromConfigured(const FencerConfig& config, const FenceLevel& configured) {
  Level level;
  level.index = configured.index;
  for (const std::string& id : configured.devices) {
    const auto device =
        std::find_if(config.devices.begin(), config.devices.end(),
                     [&](const Device& candidate) { return candidate.config.id == id; });
    const bool serves =
        device != config.devices.end() && device->config.targets.contains(configured.target);
    if (!serves) return Level{};  // half a level proves nothing
    Add(config, static_cast<std::size_t>(device - config.devices.begin()), configured.target,
        &level);
  }
  level.coverage = CoverageOf(config, level, configured.target);
  return level;
}

}  // namespace

std::vector<Level> LevelsOf(const FencerConfig& config, NodeId node) {
  std::vector<Level> out;
  bool configured = false;
  for (const FenceLevel& level : config.levels) {
    if (level.target != node) continue;
    configured = true;
    Level whole = FromConfigured(config, level);
    if (!whole.outlets.empty()) out.push_back(std::move(whole));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Level& a, const Level& b) { return a.index < b.index; });
  if (configured) return out;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    if (!config.devices[i].config.targets.contains(node)) continue;
    Level level;
    level.index = static_cast<int>(out.size()) + 1;
    Add(config, i, node, &level);
    level.coverage = CoverageOf(config, level, node);
    out.push_back(std::move(level));
  }
  return out;
}

std::vector<Outlet> UnfencingOutlets(const FencerConfig& config, NodeId node) {
  std::vector<Outlet> out;
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    if (!config.devices[i].config.unfencing) continue;
    for (Outlet& outlet : OutletsOf(config, i, node)) out.push_back(std::move(outlet));
  }
  return out;
}

bool ShareADevice(const Level& a, const Level& b) {
  return std::any_of(a.outlets.begin(), a.outlets.end(), [&](const Outlet& x) {
    return std::any_of(b.outlets.begin(), b.outlets.end(),
                       [&](const Outlet& y) { return x.device == y.device; });
  });
}

}  // namespace fencepost::stonith
