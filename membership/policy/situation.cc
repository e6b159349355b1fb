#include "membership/policy/situation.h"

#include <algorithm>

#include "base/text.h"
#include "membership/policy/rules.h"

namespace fencepost::policy {

Situation::Situation(const Cib& cib, const ClusterView& view) : cib_(cib), view_(view) {
  for (const CibNode& node : cib.nodes) {
    configured_[node.id] = &node;
    views_[node.id].id = node.id;
  }
  for (const NodeView& node : view.nodes) {
    if (views_.contains(node.id)) views_[node.id] = node;
  }
  for (const auto& [id, node] : views_) {
    attributes_[id] = AllAttributes(*configured_.at(id), node.attributes);
    if (!IsMember(id)) continue;
    members_.push_back(id);
    for (const Group& group : cib.groups) {
      for (const Primitive& member : group.members) {
        statuses_[{id, member.id}].resource = member.id;
      }
    }
    for (const ResourceStatus& status : node.resources) {
      const auto known = statuses_.find({id, status.resource});
      if (known != statuses_.end()) known->second = status;
    }
  }
  for (const Location& location : cib.locations) {
    cib_looks_at_attributes_ =
        cib_looks_at_attributes_ ||
        std::any_of(location.rules.begin(), location.rules.end(), LooksAtAttributes);
  }
  why_nothing_starts_ = FindWhyNothingStarts();
}

bool Situation::IsMember(NodeId node) const {
  const NodeState state = View(node).state;
  return state == NodeState::kMember || state == NodeState::kLeaving;
}

bool Situation::HasFenceDevice(NodeId node) const {
  return std::any_of(cib_.fence_devices.begin(), cib_.fence_devices.end(),
                     [&](const FenceDevice& device) { return device.targets.contains(node); });
}

bool Situation::IsCovered(NodeId node, const Coverage& needed) const {
  if (IsMember(node)) return false;
  if (View(node).evidence) return true;
  if (View(node).state != NodeState::kGone) return false;
  return View(node).cut.Covers(needed) || !cib_.stonith_enabled;
}

bool Situation::IsDoomed(NodeId node) const {
  if (!IsMember(node)) return false;
  if (View(node).fencing) return true;
  if (!cib_.stonith_enabled || !HasFenceDevice(node)) return false;
  return std::any_of(statuses_.begin(), statuses_.end(), [&](const auto& entry) {
    return entry.first.first == node && entry.second.state == ResourceState::kStopFailed;
  });
}

std::optional<std::string> Situation::WhyUnusable(NodeId node) const {
  if (!IsMember(node)) return "is no member";
  if (View(node).state == NodeState::kLeaving) return "is leaving";
  if (IsDoomed(node)) return "is to be fenced";
  const auto standby = AttributesOf(node).find(kStandbyAttribute);
  if (standby != AttributesOf(node).end() && IsTrue(standby->second)) return "is in standby";
  return std::nullopt;
}

const ResourceStatus& Situation::Status(const std::string& resource, NodeId node) const {
  return statuses_.at({node, resource});
}

bool Situation::HasPending(const std::string& resource, NodeId node,
                           std::optional<ResourceAction> action) const {
  return std::any_of(view_.pending.begin(), view_.pending.end(), [&](const Order& order) {
    return order.node == node && order.resource == resource && (!action || order.action == *action);
  });
}

bool Situation::IsBusy(const std::string& resource, NodeId node) const {
  const ResourceStatus& status = Status(resource, node);
  return status.busy || status.state == ResourceState::kStarting ||
         status.state == ResourceState::kStopping || HasPending(resource, node, std::nullopt);
}

bool Situation::MayBeActive(const std::string& resource, NodeId node) const {
  return Status(resource, node).state != ResourceState::kStopped || IsBusy(resource, node);
}

bool Situation::IsKnownActive(const std::string& resource, NodeId node) const {
  const ResourceState state = Status(resource, node).state;
  if (HasPending(resource, node, ResourceAction::kStart)) return true;
  return state != ResourceState::kStopped && state != ResourceState::kUnknown;
}

std::vector<NodeId> Situation::MayBeActiveOn(const std::string& resource) const {
  std::vector<NodeId> nodes;
  for (const NodeId node : members_) {
    if (MayBeActive(resource, node)) nodes.push_back(node);
  }
  return nodes;
}

std::vector<NodeId> Situation::KnownActiveOn(const std::string& resource) const {
  std::vector<NodeId> nodes;
  for (const NodeId node : members_) {
    if (IsKnownActive(resource, node)) nodes.push_back(node);
  }
  return nodes;
}

bool Situation::SticksTo(const std::string& resource, NodeId node) const {
  const std::vector<NodeId> active = KnownActiveOn(resource);
  // As in Pacemaker, what is active twice has no place to stick to.
  if (!active.empty()) return active.size() == 1 && active[0] == node;
  return std::any_of(view_.previous.begin(), view_.previous.end(), [&](const Placement& previous) {
    return previous.resource == resource && previous.target == node;
  });
}

std::string Situation::FenceProgress(NodeId node) const {
  const NodeView& view = View(node);
  const std::string note = view.fence_note.empty() ? "" : Cat(" (", view.fence_note, ")");
  if (view.fencing) return Cat("fencing in progress", note);
  if (!cib_.stonith_enabled) return "stonith-enabled=false";
  if (!HasFenceDevice(node)) return "no fence device lists it; confirm by hand that it is off";
  return Cat("fencing requested", note);
}

std::optional<std::string> Situation::WhyNoStart(const Primitive& primitive) const {
  const Coverage& needed = primitive.needs;
  for (const auto& [id, view] : views_) {
    if (IsMember(id) || IsCovered(id, needed)) continue;
    if (view.state == NodeState::kJoining) {
      return view.note.empty() ? Cat("waits for node ", Name(id), " to join")
                               : Cat("waits for ", view.note);
    }
    const std::string cut =
        needed.node ? "" : Cat("cut off from its ", fencepost::ToText(needed), " or ");
    return Cat("waits for evidence that node ", Name(id), " is ", cut, "off: ", FenceProgress(id));
  }
  return why_nothing_starts_;
}

std::optional<std::string> Situation::FindWhyNothingStarts() const {
  for (const NodeId id : members_) {
    if (View(id).attributes_known || !cib_looks_at_attributes_) continue;
    return Cat("waits for the attributes of node ", Name(id), " to settle");
  }
  for (const auto& [key, status] : statuses_) {
    if (status.state == ResourceState::kUnknown) {
      return Cat("waits for the probe of ", key.second, " on ", Name(key.first));
    }
  }
  return std::nullopt;
}

}  // namespace fencepost::policy
