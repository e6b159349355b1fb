// What tests of the fencer have in common: devices of two nodes, and picking effects.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "stonith/fencer.h"

namespace fencepost::stonith {

inline const NodeId kOne{1}, kTwo{2}, kThree{3};
constexpr MonoTime At(std::int64_t ms) { return MonoTime(Millis(ms)); }

template <class T>
std::vector<T> Of(const std::vector<FencerEffect>& effects) {
  std::vector<T> out;
  for (const FencerEffect& e : effects) {
    if (const auto* t = std::get_if<T>(&e)) out.push_back(*t);
  }
  return out;
}

inline StartAgent Only(const std::vector<FencerEffect>& effects) {
  const auto starts = Of<StartAgent>(effects);
  EXPECT_EQ(starts.size(), 1U);
  return starts.empty() ? StartAgent{} : starts[0];
}

inline AgentEnded Exit(RunId run, int code, std::string errors = "") {
  return {run, true, false, code, std::move(errors)};
}
inline AgentEnded Killed(RunId run) { return {run, true, true, -1, ""}; }

inline FenceAsked Ask(RequestId id, FenceAction action = FenceAction::kOff,
                      MonoTime not_after = At(90'000), Term term = Term(5, NodeId(1))) {
  return {id, kTwo, action, term, not_after};
}

inline Device MakeDevice(std::string id, std::map<NodeId, std::string> targets) {
  Device device;
  device.config = {std::move(id), "fence_x", std::move(targets), {}};
  return device;
}

inline FenceLevel MakeLevel(NodeId target, int index, std::vector<std::string> devices) {
  return {Cat("level-", target, "-", index), target, index, std::move(devices)};
}

// Node 2 (beta): its BMC first, then both PDUs that feed it. Node 3 (gamma): both PDUs.
inline FencerConfig TwoSupplies() {
  FencerConfig config;
  config.devices = {MakeDevice("bmc", {{kTwo, ""}}),
                    MakeDevice("pdu-a", {{kTwo, "7"}, {kThree, "8"}}),
                    MakeDevice("pdu-b", {{kTwo, "7"}, {kThree, "8"}})};
  config.node_names = {{kOne, "alpha"}, {kTwo, "beta"}, {kThree, "gamma"}};
  config.levels = {MakeLevel(kTwo, 1, {"bmc"}), MakeLevel(kTwo, 2, {"pdu-a", "pdu-b"}),
                   MakeLevel(kThree, 1, {"pdu-a", "pdu-b"})};
  config.self = kOne;
  return config;
}

}  // namespace fencepost::stonith
