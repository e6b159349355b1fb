#include "stonith/rehearsal/fence_plan.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace fencepost::stonith {
namespace {

std::string AddressOf(const FenceDevice& device) {
  for (const char* name : {"ip", "ipaddr", "hostname"}) {
    const auto it = device.parameters.find(name);
    if (it != device.parameters.end()) return it->second;
  }
  return "";
}

// One outlet: every attempt with its verification, at the device's limits.
Duration WorstOf(const Device& device) {
  return device.config.off_attempts *
         (device.config.off_timeout + device.config.status_timeout + device.retry_gap);
}

Duration WorstOf(const FencerConfig& config, const Level& level) {
  std::map<std::size_t, Duration> of_device;
  for (const Outlet& outlet : level.outlets) {
    const Device& device = config.devices[outlet.device];
    Duration& sum = of_device[outlet.device];
    const bool at_once = device.config.action_limit != 1;
    sum = at_once ? std::max(sum, WorstOf(device)) : sum + WorstOf(device);
  }
  Duration worst{};
  for (const auto& [device, took] : of_device) worst = std::max(worst, took);
  return worst;
}

void WarnOfCommonFailures(const FencerConfig& config, NodeId node, const std::vector<Level>& levels,
                          const std::map<NodeId, std::string>& addresses, FencePlan* plan) {
  std::map<std::string, std::set<int>> levels_at;
  for (const Level& level : levels) {
    for (const Outlet& outlet : level.outlets) {
      const std::string address = AddressOf(config.devices[outlet.device].config);
      if (!address.empty()) levels_at[address].insert(level.index);
      for (const auto& [other, its] : addresses) {
        if (address.empty() || its != address) continue;
        plan->warnings.push_back(Cat(outlet.name, " is reached at ", address,
                                     ", the cluster address of a node: it fails together with ",
                                     other == node ? "the node itself" : "that node"));
      }
    }
  }
  for (const auto& [address, at] : levels_at) {
    if (levels.size() < 2 || at.size() < levels.size()) continue;
    plan->warnings.push_back(
        Cat("every level needs the device at ", address, ": if it fails, none of them works"));
  }
}

void Warn(const FencerConfig& config, NodeId node, const std::vector<Level>& levels,
          FencePlan* plan) {
  const auto warn = [&](std::string text) { plan->warnings.push_back(std::move(text)); };
  if (levels.empty()) {
    return warn(
        "no fence device is configured for it: if it is lost, nothing is recovered before "
        "somebody confirms by hand that it is off");
  }
  if (levels.size() == 1) warn("there is no second way: if this one fails, somebody must confirm");
  const bool configured =
      std::any_of(config.levels.begin(), config.levels.end(),
                  [&](const FenceLevel& level) { return level.target == node; });
  if (!configured && levels.size() > 1) {
    warn(
        "each device alone counts as the whole: if they feed two power supplies, put them into "
        "one <fencing-level>");
  }
  bool node_is_covered = false;
  for (const Level& level : levels) {
    node_is_covered = node_is_covered || level.coverage.node;
    if (level.coverage.node) continue;
    if (!level.coverage.Any()) {
      warn(Cat("level ", level.index,
               " takes only a part of its storage or network, which proves nothing: put all its "
               "devices of that kind into the level"));
      continue;
    }
    warn(Cat("level ", level.index, " takes only its ", ToText(level.coverage),
             ": only resources that need no more of a lost node are recovered by it"));
  }
  if (!node_is_covered) {
    warn(
        "no level proves that the node is off: only resources with requires=unfencing or a "
        "fencepost_scope are recovered by them");
  }
  std::set<std::size_t> seen;
  for (const Level& level : levels) {
    for (const Outlet& outlet : level.outlets) {
      const FenceDevice& device = config.devices[outlet.device].config;
      if (device.monitor_interval > Duration() || !seen.insert(outlet.device).second) continue;
      warn(Cat(device.id, " is not looked after: give it <op name=\"monitor\" interval=\"60s\"/>"));
    }
  }
}

}  // namespace

FencePlan MakePlan(const FencerConfig& config, NodeId node, Duration budget,
                   const std::map<NodeId, std::string>& addresses) {
  FencePlan plan;
  for (const auto& [id, name] : config.node_names) {
    if (id == node) plan.node = name;
    if (id != node) plan.by.push_back(name);
  }
  const std::vector<Level> levels = LevelsOf(config, node);
  const auto count = static_cast<int>(levels.size());
  Duration ended{};  // when all levels so far have failed
  for (int i = 0; i < count; ++i) {
    const Level& level = levels[static_cast<std::size_t>(i)];
    PlannedLevel planned;
    planned.index = level.index;
    planned.coverage = level.coverage;
    planned.worst = WorstOf(config, level);
    const bool shares = std::any_of(levels.begin(), levels.begin() + i, [&](const Level& before) {
      return ShareADevice(before, level);
    });
    const Duration overlap = i * std::min(config.overlap_after, budget / count);
    planned.begins = shares ? ended : std::min(overlap, ended);
    ended = std::max(ended, planned.begins + planned.worst);
    for (const Outlet& outlet : level.outlets) {
      const FenceDevice& device = config.devices[outlet.device].config;
      const std::string address = AddressOf(device);
      const std::string plug = outlet.plug.empty() ? "" : Cat(", plug ", outlet.plug);
      planned.outlets.push_back(Cat(outlet.name, " (", device.agent,
                                    address.empty() ? "" : Cat(" at ", address), plug, ")"));
    }
    plan.levels.push_back(std::move(planned));
  }
  plan.worst = std::min(ended, budget);
  Warn(config, node, levels, &plan);
  WarnOfCommonFailures(config, node, levels, addresses, &plan);
  return plan;
}

std::string PlanText(const FencePlan& plan) {
  std::string out = Cat("to fence ", plan.node, ", done by the coordinator, one of:");
  for (const std::string& by : plan.by) out += Cat(" ", by);
  out += "\n";
  for (const PlannedLevel& level : plan.levels) {
    out += Cat("  level ", level.index, ", from +", level.begins, ", at worst ", level.worst,
               ", takes the ", ToText(level.coverage), "\n");
    for (const std::string& outlet : level.outlets) out += Cat("    off, verify: ", outlet, "\n");
  }
  if (!plan.levels.empty()) {
    out += Cat("  proved off, or failed, after ", plan.worst,
               " at worst: the limits of the devices, cut at what one lease allows\n");
  }
  for (const std::string& warning : plan.warnings) out += Cat("  WARNING: ", warning, "\n");
  return out;
}

}  // namespace fencepost::stonith
