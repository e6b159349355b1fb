// What the scheduler knows, indexed: which node may be given work, and where a resource may be
// active. Everything doubtful counts as active.
//
// Errors: none; nodes and resources that the Cib does not know are left out.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "membership/policy/policy.h"

namespace fencepost::policy {

class Situation {
 public:
  // Refers to both; they must outlive it.
  Situation(const Cib& cib, const ClusterView& view);

  [[nodiscard]] const Cib& cib() const { return cib_; }
  [[nodiscard]] const NodeView& View(NodeId node) const { return views_.at(node); }
  [[nodiscard]] std::string_view Name(NodeId node) const { return configured_.at(node)->name; }
  // Members and leaving members, lowest id first.
  [[nodiscard]] const std::vector<NodeId>& members() const { return members_; }
  [[nodiscard]] bool IsMember(NodeId node) const;
  [[nodiscard]] bool HasFenceDevice(NodeId node) const;
  // No member, and believed to run nothing that needs `needed`, or to do no harm by it.
  [[nodiscard]] bool IsCovered(NodeId node, const Coverage& needed) const;
  // A member that is being fenced, or must be because a stop failed on it.
  [[nodiscard]] bool IsDoomed(NodeId node) const;
  // Permanent, transient and built-in ones (#uname, #id, #kind).
  [[nodiscard]] const Attributes& AttributesOf(NodeId node) const { return attributes_.at(node); }
  // Why no resource at all may be given to the node: "is in standby".
  [[nodiscard]] std::optional<std::string> WhyUnusable(NodeId node) const;

  // REQUIRES of the following: node is a member.
  [[nodiscard]] const ResourceStatus& Status(const std::string& resource, NodeId node) const;
  [[nodiscard]] bool IsBusy(const std::string& resource, NodeId node) const;
  // It cannot be excluded that it is active, or becomes so by what was already ordered.
  [[nodiscard]] bool MayBeActive(const std::string& resource, NodeId node) const;
  // It was seen to be active, or was ordered to be.
  [[nodiscard]] bool IsKnownActive(const std::string& resource, NodeId node) const;

  [[nodiscard]] std::vector<NodeId> MayBeActiveOn(const std::string& resource) const;
  [[nodiscard]] std::vector<NodeId> KnownActiveOn(const std::string& resource) const;
  // Its stickiness counts here: it is active on this node alone, or on its way to it from nowhere.
  [[nodiscard]] bool SticksTo(const std::string& resource, NodeId node) const;
  // Rule S5: why it may not be started anywhere now; nullopt: its start may go ahead.
  [[nodiscard]] std::optional<std::string> WhyNoStart(const Primitive& primitive) const;
  // "fencing in progress", or why the node is not being fenced.
  [[nodiscard]] std::string FenceProgress(NodeId node) const;

 private:
  [[nodiscard]] std::optional<std::string> FindWhyNothingStarts() const;
  [[nodiscard]] bool HasPending(const std::string& resource, NodeId node,
                                std::optional<ResourceAction> action) const;

  const Cib& cib_;
  const ClusterView& view_;
  std::map<NodeId, const CibNode*> configured_;
  std::map<NodeId, NodeView> views_;  // one for each configured node
  std::map<NodeId, Attributes> attributes_;
  bool cib_looks_at_attributes_ = false;
  std::vector<NodeId> members_;
  std::map<std::pair<NodeId, std::string>, ResourceStatus> statuses_;  // all of all members
  std::optional<std::string> why_nothing_starts_;                      // whatever it needs
};

}  // namespace fencepost::policy
