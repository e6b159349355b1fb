#include "membership/policy/policy.h"

#include <algorithm>

#include "base/text.h"
#include "membership/policy/explain.h"
#include "membership/policy/place.h"
#include "membership/policy/situation.h"

namespace fencepost::policy {
namespace {

// The next steps for one group.
class GroupSchedule {
 public:
  GroupSchedule(const Situation& situation, const Group& group, const GroupTarget& target)
      : situation_(situation), group_(group), target_(target) {}

  void AppendTo(Plan& plan) const {
    for (const Primitive& member : group_.members) AppendProbes(member, plan);
    AppendStops(plan);
    AppendStart(plan);
  }

 private:
  [[nodiscard]] const std::string& Id(std::size_t i) const { return group_.members[i].id; }

  void AppendProbes(const Primitive& member, Plan& plan) const {
    for (const NodeId node : situation_.members()) {
      if (situation_.Status(member.id, node).state != ResourceState::kUnknown) continue;
      if (situation_.IsBusy(member.id, node)) continue;
      plan.orders.push_back({ResourceAction::kProbe, member.id, node});
    }
  }

  [[nodiscard]] bool RunsInPlace(std::size_t i) const {
    if (!target_.node || i >= target_.runnable) return false;
    const std::vector<NodeId> active = situation_.KnownActiveOn(Id(i));
    return active.size() == 1 && active[0] == *target_.node &&
           situation_.Status(Id(i), *target_.node).state == ResourceState::kRunning;
  }

  // It is active on the node and may not stay as it is: in the wrong place, failed, active twice,
  // or built on a member for which that holds.
  [[nodiscard]] bool MustStop(std::size_t i, NodeId node) const {
    if (!situation_.MayBeActive(Id(i), node)) return false;
    if (node != target_.node) return true;
    for (std::size_t j = 0; j <= i; ++j) {
      if (!RunsInPlace(j)) return true;
    }
    return false;
  }

  [[nodiscard]] bool CanBeStopped(std::size_t i, NodeId node) const {
    const ResourceState state = situation_.Status(Id(i), node).state;
    return !situation_.IsDoomed(node) && !situation_.IsBusy(Id(i), node) &&
           (state == ResourceState::kRunning || state == ResourceState::kFailed);
  }

  // In reverse order: only the last member that is active anywhere. A member active on several
  // nodes is stopped on all of them at once, so that none is mistaken for the only one.
  void AppendStops(Plan& plan) const {
    for (std::size_t i = group_.members.size(); i-- > 0;) {
      const std::vector<NodeId> active = situation_.MayBeActiveOn(Id(i));
      if (active.empty()) continue;
      if (IsWaitingForOthers(i)) return;
      for (const NodeId node : active) {
        if (MustStop(i, node) && CanBeStopped(i, node)) {
          plan.orders.push_back({ResourceAction::kStop, Id(i), node});
        }
      }
      return;
    }
  }

  [[nodiscard]] bool IsWaitingForOthers(std::size_t i) const {
    const std::vector<NodeId> active = situation_.KnownActiveOn(Id(i));
    return active.size() > 1 && std::any_of(active.begin(), active.end(), [&](NodeId node) {
             return !situation_.IsDoomed(node) && situation_.IsBusy(Id(i), node) &&
                    situation_.Status(Id(i), node).state != ResourceState::kStopping;
           });
  }

  void AppendStart(Plan& plan) const {
    if (!target_.node) return;
    std::size_t next = 0;
    while (next < target_.runnable && RunsInPlace(next)) {
      if (situation_.IsBusy(Id(next), *target_.node)) return;  // perhaps with a stop
      ++next;
    }
    if (next == target_.runnable || situation_.WhyNoStart(group_.members[next])) return;
    for (std::size_t i = next; i < group_.members.size(); ++i) {
      if (!situation_.MayBeActiveOn(Id(i)).empty()) return;
    }
    plan.orders.push_back({ResourceAction::kStart, Id(next), *target_.node});
  }

  const Situation& situation_;
  const Group& group_;
  const GroupTarget& target_;
};

void AppendFences(const Situation& situation, Plan& plan) {
  for (const CibNode& node : situation.cib().nodes) {
    const NodeView& view = situation.View(node.id);
    if (view.fencing || !situation.cib().stonith_enabled) continue;
    if (!situation.HasFenceDevice(node.id)) continue;
    if (situation.IsDoomed(node.id)) {
      plan.fences.push_back({node.id, "a stop failed on it"});
    } else if (view.state == NodeState::kGone && !view.evidence &&
               !(view.cut.Any() && view.cut.Covers(NeededBy(situation.cib())))) {
      plan.fences.push_back({node.id, "it is no member, and nothing proves that it is off"});
    }
  }
}

void AppendUnsafe(const Situation& situation, Plan& plan) {
  std::string careless;
  for (const Group& group : situation.cib().groups) {
    for (const Primitive& member : group.members) {
      if (!member.needs.Any()) careless += Cat(careless.empty() ? "" : ", ", member.id);
    }
  }
  if (!careless.empty()) {
    plan.unsafe.push_back(
        Cat("requires=quorum: ", careless, " may be started while a lost node still runs it"));
  }
  if (situation.cib().stonith_enabled) return;
  plan.unsafe.push_back("stonith-enabled=false: a lost node counts as off without proof");
  for (const CibNode& node : situation.cib().nodes) {
    if (!situation.IsCovered(node.id, {true, false, false})) continue;
    const Grade grade = situation.View(node.id).evidence.value_or(Grade::kUnproven);
    if (grade != Grade::kUnproven) continue;
    plan.unsafe.push_back(Cat("node ", node.name, " counts as off; the evidence is unproven"));
  }
}

}  // namespace

std::string_view ToText(Grade grade) {
  switch (grade) {
    case Grade::kPoweredOff:
      return "powered off and verified";
    case Grade::kNewBoot:
      return "new boot identity";
    case Grade::kLeftCleanly:
      return "left cleanly";
    case Grade::kQuiesced:
      return "quiesced";
    case Grade::kWatchdogReset:
      return "reset by its watchdog";
    case Grade::kConfirmed:
      return "confirmed by an operator";
    case Grade::kUnproven:
      return "unproven";
  }
  return "no such grade";
}

Coverage NeededBy(const Cib& cib) {
  Coverage needed;
  for (const Group& group : cib.groups) {
    for (const Primitive& member : group.members) needed.Add(member.needs);
  }
  return needed;
}

Plan Decide(const Cib& cib, const ClusterView& view) {
  const Situation situation(cib, view);
  Plan plan;
  std::map<NodeId, std::size_t> load;
  for (const Group& group : cib.groups) {
    const GroupTarget target = PlaceGroup(situation, group, load);
    if (target.node) load[*target.node] += target.runnable;
    GroupSchedule(situation, group, target).AppendTo(plan);
    for (std::size_t i = 0; i < group.members.size(); ++i) {
      const std::string& id = group.members[i].id;
      Placement placement{id, std::nullopt, situation.MayBeActiveOn(id),
                          Explain(situation, group, target, i)};
      if (i < target.runnable) placement.target = target.node;
      plan.placements.push_back(std::move(placement));
    }
  }
  AppendFences(situation, plan);
  AppendUnsafe(situation, plan);
  return plan;
}

}  // namespace fencepost::policy
