#include "membership/policy/explain.h"

#include "base/text.h"

namespace fencepost::policy {
namespace {

std::string Names(const Situation& situation, const std::vector<NodeId>& nodes) {
  std::string out;
  for (const NodeId node : nodes) out += Cat(out.empty() ? "" : " and ", situation.Name(node));
  return out;
}

// A stop that failed holds everything else up, so it comes first.
std::string ExplainStuck(const Situation& situation, const Primitive& member) {
  for (const NodeId node : situation.MayBeActiveOn(member.id)) {
    const ResourceStatus& status = situation.Status(member.id, node);
    const std::string_view name = situation.Name(node);
    if (status.state == ResourceState::kStopFailed) {
      const std::string what = Cat("its stop on ", name, " failed: ", ToText(status.failure));
      if (situation.IsDoomed(node)) {
        return Cat(what, "; waits for evidence that node ", name,
                   " is off: ", situation.FenceProgress(node));
      }
      return Cat(what, "; blocked (", situation.FenceProgress(node),
                 "): stop it by hand, then forget its failures");
    }
    if (situation.IsDoomed(node)) {
      return Cat("may be on node ", name,
                 ", which is to be fenced: ", situation.FenceProgress(node));
    }
  }
  return "";
}

std::string ScoreText(Score score) {
  return score == kInfinity    ? "INFINITY"
         : score == -kInfinity ? "-INFINITY"
                               : fencepost::ToText(score);
}

// Why a member is not to stay on the node where it runs.
std::string WhyLeaves(const Situation& situation, const Group& group, const GroupTarget& target,
                      const Primitive& member, NodeId node) {
  const std::string_view name = situation.Name(node);
  if (!member.enabled) return "its target-role is Stopped";
  // What it builds on may be what has to go.
  for (const Primitive& earlier : group.members) {
    if (const auto why = WhyNotOn(situation, group, earlier, node)) return Cat(name, " ", *why);
    if (earlier.id == member.id) break;
  }
  const std::string seen = RulesSeen(situation, group, node);
  const Score here = TotalScore(situation, group, group.members.size(), node);
  if (here < 0) {
    return Cat(name, " has the score ", ScoreText(here), seen.empty() ? "" : Cat(" (", seen, ")"));
  }
  if (!target.node || *target.node == node) return "";
  const std::string_view there = situation.Name(*target.node);
  const std::string rules = seen.empty() ? ""
                                         : Cat(" (", name, ": ", seen, "; ", there, ": ",
                                               RulesSeen(situation, group, *target.node), ")");
  return Cat(there, " has the score ",
             ScoreText(TotalScore(situation, group, target.runnable, *target.node)), ", ", name,
             " ", ScoreText(TotalScore(situation, group, target.runnable, node)), rules);
}

// Seen to be active on this node only, but not as it should be.
std::string ExplainActive(const Situation& situation, const Group& group, const GroupTarget& target,
                          const Primitive& member, NodeId node, bool wanted_there) {
  const ResourceStatus& status = situation.Status(member.id, node);
  const std::string_view name = situation.Name(node);
  switch (status.state) {
    case ResourceState::kStarting:
      return Cat("is starting on ", name);
    case ResourceState::kStopping:
      return Cat("is stopping on ", name);
    case ResourceState::kFailed:
      return Cat("its ", ToText(status.failed_action), " on ", name,
                 " failed: ", ToText(status.failure), "; is stopped first");
    case ResourceState::kStopped:
      return Cat("its start is ordered on ", name);
    default:
      break;
  }
  if (wanted_there) return Cat("is stopped on ", name, " first: what it builds on starts anew");
  const std::string why = WhyLeaves(situation, group, target, member, node);
  return Cat("is to be stopped on ", name, why.empty() ? "" : ": ", why);
}

// Not seen to be active, but perhaps it is.
std::string ExplainDoubt(const Situation& situation, const Primitive& member, NodeId node) {
  const bool unknown = situation.Status(member.id, node).state == ResourceState::kUnknown;
  return Cat(unknown ? "waits for its probe on " : "has an operation in flight on ",
             situation.Name(node));
}

std::string ExplainNowhere(const Situation& situation, const Group& group,
                           const Primitive& member) {
  std::string out = "no node may run it:";
  for (const CibNode& node : situation.cib().nodes) {
    const auto why = WhyNotOn(situation, group, member, node.id);
    const std::string_view separator = out.ends_with("run it:") ? " " : "; ";
    const Score score = TotalScore(situation, group, group.members.size(), node.id);
    if (!why && score < 0) {
      const std::string seen = RulesSeen(situation, group, node.id);
      out += Cat(separator, node.name, " has the score ", ScoreText(score),
                 seen.empty() ? "" : " by ", seen);
      continue;
    }
    out += Cat(separator, node.name, " ", why ? *why : "may, but not with the rest of its group");
  }
  return out;
}

// Of the members before `index`, the first that does not run on the node.
const Primitive* FirstNotRunning(const Situation& situation, const Group& group, std::size_t index,
                                 NodeId node) {
  for (std::size_t i = 0; i < index; ++i) {
    const Primitive& member = group.members[i];
    if (situation.Status(member.id, node).state != ResourceState::kRunning) return &member;
  }
  return nullptr;
}

std::string ExplainStopped(const Situation& situation, const Group& group,
                           const GroupTarget& target, std::size_t index) {
  const Primitive& member = group.members[index];
  if (!member.enabled) return "target-role is Stopped";
  if (!target.node || index >= target.runnable) {
    for (std::size_t i = 0; i < index; ++i) {
      const Primitive& earlier = group.members[i];
      if (!earlier.enabled) return Cat("waits for ", earlier.id, ", whose target-role is Stopped");
      if (i >= target.runnable) return Cat("waits for ", earlier.id, ", which no node may run");
    }
    return ExplainNowhere(situation, group, member);
  }
  if (auto why = situation.WhyNoStart(member)) return *why;
  const std::string_view name = situation.Name(*target.node);
  for (std::size_t i = index + 1; i < group.members.size(); ++i) {
    const auto active = situation.MayBeActiveOn(group.members[i].id);
    if (active.empty()) continue;
    return Cat("waits until ", group.members[i].id, " has stopped on ", Names(situation, active));
  }
  if (const Primitive* earlier = FirstNotRunning(situation, group, index, *target.node)) {
    return Cat("waits for ", earlier->id, " to run on ", name);
  }
  return Cat("is to be started on ", name);
}

}  // namespace

std::string Explain(const Situation& situation, const Group& group, const GroupTarget& target,
                    std::size_t index) {
  const Primitive& member = group.members[index];
  const auto known = situation.KnownActiveOn(member.id);
  const bool wanted = target.node && index < target.runnable;
  const bool in_place = wanted && known.size() == 1 && known[0] == *target.node;
  if (in_place && !situation.IsBusy(member.id, *target.node) &&
      !FirstNotRunning(situation, group, index + 1, *target.node)) {
    return "";
  }
  if (std::string stuck = ExplainStuck(situation, member); !stuck.empty()) return stuck;
  if (known.size() > 1) {
    return Cat("is active on ", Names(situation, known),
               ": is stopped on all, then started on one");
  }
  if (known.size() == 1) {
    return ExplainActive(situation, group, target, member, known[0], in_place);
  }
  const auto doubtful = situation.MayBeActiveOn(member.id);
  if (!doubtful.empty()) return ExplainDoubt(situation, member, doubtful[0]);
  return ExplainStopped(situation, group, target, index);
}

}  // namespace fencepost::policy
