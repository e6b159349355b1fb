// What the coordinator does while it is quorate: who is a member, what each may run, who must be
// fenced, and how it is proved.
#include <algorithm>

#include "membership/node/member.h"

namespace fencepost::node {

void Member::Coordinate() {
  if (!Quorate() || !MayStart()) return;
  // Others take a blank slot, or one that says "left", for a node that runs nothing.
  if (settings_.disk_votes.value() != 0 && !shown_on_disk_) return WaitForDisk();
  JudgeMembers();
  KeepEvidence();
  plan_ = policy::Decide(settings_.cib, ClusterNow());
  GiveOrders();
  FenceWhoMustBe();
}

// Nothing is ordered before; the reason is for people.
void Member::WaitForDisk() {
  const std::string trouble = DiskTrouble();
  const std::string why =
      Cat("waits for the quorum disk: ", trouble.empty() ? "this node is not on it yet" : trouble);
  plan_ = {};
  for (const std::string& resource : resources_) {
    plan_.placements.push_back({resource, std::nullopt, {}, why});
  }
}

std::string Member::DiskTrouble() const {
  if (!disk_connected_) return "qdiskd does not run on this node";
  if (!disk_) return "qdiskd says nothing of it";
  if (disk_->view.readable) return "";
  return disk_->view.trouble.empty() ? "it is not readable yet" : disk_->view.trouble;
}

// Whom we hear and do not take in: for the disk, which must be one and show it.
std::string Member::WhatItWaitsFor(NodeId id, const Peer& peer) const {
  const bool heard = peer.IsHeard(now_, settings_.peer_timeout);
  if (heard && !peer.MayJoin()) {
    return Cat(NameOf(id), ", which is cut off from its ", ToText(peer.cut()),
               ", to stop what it runs");
  }
  if (!heard || settings_.disk_votes.value() == 0 || peer.SharesTheDisk()) return "";
  if (const std::string trouble = DiskTrouble(); !trouble.empty()) {
    return Cat("the quorum disk: ", trouble);
  }
  if (!peer.heartbeat().disk_ok)
    return Cat("the quorum disk, which ", NameOf(id), " does not read");
  return Cat("a sign of life of ", NameOf(id), " on the quorum disk");
}

void Member::JudgeMembers() {
  for (auto& [id, peer] : peers_) {
    const bool heard = peer.IsHeard(now_, settings_.peer_timeout);
    if (peer.lost_at() < quorate_since_ && !peer.IsMember()) {
      peer.BeginReign(now_, RestartDeadline(now_, settings_.times), counter_);
    }
    const bool left =
        (peer.on_disk() && peer.on_disk()->slot.report.left) || node::SaysLeft(peer.heartbeat());
    if (peer.IsMember() && (!heard || left || !peer.WasMemberInThisIncarnation())) {
      Say(Severity::kWarning, "member-lost").With("peer", NameOf(id));
      Decide(qdiskd::DecisionKind::kMemberLost, id,
             !heard ? "not heard any more"
             : left ? "it left"
                    : "it was started anew");
      peer.Lose(now_, ObeysUntil(), counter_);
      std::erase_if(pending_,
                    [lost = id](const auto& entry) { return entry.second.order.node == lost; });
    }
    if (peer.IsMember() || !heard || fencing_.count(id) != 0) continue;
    if (peer.heartbeat().digest != settings_.digest) continue;
    if ((left && !peer.SharesTheDisk()) || !peer.MayJoin()) continue;
    const bool on_disk = settings_.disk_votes.value() == 0 || peer.SharesTheDisk();
    if (!on_disk && !peer.WasMemberInThisIncarnation()) continue;
    Say(Severity::kNotice, "member-joined").With("peer", NameOf(id));
    Decide(qdiskd::DecisionKind::kMemberJoined, id);
    peer.Join();
    StepFencer(stonith::NodeIsBack{id});
    next_heartbeat_ = now_;
  }
}

// No authority that was given to a member so far reaches beyond this, by its clock or ours.
MonoTime Member::ObeysUntil() const {
  const auto until = candidate_.QuorateUntil(now_);
  if (!until) return RestartDeadline(now_, settings_.times);
  return now_ + Inflate(*until - now_, settings_.times.drift) + settings_.times.eps;
}

// Everything that it could do harm by was taken from it.
bool Member::IsCutEnough(const Peer& peer) const {
  return peer.cut().Any() && peer.cut().Covers(policy::NeededBy(settings_.cib));
}

policy::NodeState Member::StateOf(const Peer& peer) const {
  if (peer.IsMember()) {
    // Its states are current once it says that it obeys this term.
    if (peer.heartbeat().authority != candidate_.term()) return policy::NodeState::kJoining;
    return peer.heartbeat().leaving ? policy::NodeState::kLeaving : policy::NodeState::kMember;
  }
  if (peer.evidence() || IsCutEnough(peer)) return policy::NodeState::kGone;
  const bool heard = peer.IsHeard(now_, settings_.peer_timeout);
  const bool fresh = peer.on_disk() && peer.on_disk()->fresh;
  // It may join any moment, or quiesce by itself: that is not worth its life.
  if (heard) return policy::NodeState::kJoining;
  const Duration patience = !peer.EverHeard() ? settings_.times.lease_max + settings_.stale_after
                            : fresh           ? settings_.stale_after
                                              : Duration();
  return now_ - peer.lost_at() < patience ? policy::NodeState::kJoining : policy::NodeState::kGone;
}

policy::ClusterView Member::ClusterNow() const {
  policy::ClusterView view;
  policy::NodeView self;
  self.id = settings_.self;
  self.state = leaving_ ? policy::NodeState::kLeaving : policy::NodeState::kMember;
  self.resources = Statuses();
  self.attributes = settled_.Of(settings_.self);
  self.attributes_known = settled_.IsKnown(settings_.self);
  view.nodes.push_back(self);
  for (const auto& [id, peer] : peers_) {
    policy::NodeView node;
    node.id = id;
    node.state = StateOf(peer);
    if (peer.IsMember()) {
      const auto& statuses = peer.heartbeat().statuses;
      for (std::size_t i = 0; i < statuses.size() && i < resources_.size(); ++i) {
        const messaging::StatusOnWire& s = statuses[i];
        node.resources.push_back({resources_[i], s.state, s.busy, s.failed_action, s.failure,
                                  s.fail_count, s.start_failed, s.unfit});
      }
      node.attributes = settled_.Of(id);
      node.attributes_known = settled_.IsKnown(id);
    } else {
      node.evidence = peer.evidence();
      node.cut = peer.cut();
      node.note = WhatItWaitsFor(id, peer);
    }
    const auto fencing = fencing_.find(id);
    node.fencing = fencing != fencing_.end();
    if (node.fencing) node.fence_note = fencing->second.note;
    view.nodes.push_back(node);
  }
  for (const auto& [operation, pending] : pending_) view.pending.push_back(pending.order);
  view.previous = plan_.placements;
  return view;
}

void Member::GiveOrders() {
  const auto until = ActsUntil(now_);
  for (const policy::Order& order : plan_.orders) {
    const std::uint64_t operation = next_operation_++;
    Fact& fact = Say(Severity::kNotice, "order")
                     .With("action", std::string(ToText(order.action)))
                     .With("resource", order.resource)
                     .With("on", NameOf(order.node));
    if (order.action == ResourceAction::kStop) fact.With("why", ReasonOf(order.resource));
    if (order.action != ResourceAction::kProbe) {
      const std::string why =
          order.action == ResourceAction::kStop ? ReasonOf(order.resource) : std::string();
      Decide(qdiskd::DecisionKind::kOrders, order.node,
             Cat(ToText(order.action), " ", order.resource, why.empty() ? "" : ", because: ", why));
    }
    if (order.node == settings_.self) {
      pending_[operation] = {order, settings_.incarnation, kNever};
      StepExecutor(
          executor::Order{operation, candidate_.term(), order.resource, order.action, *until});
    } else {
      pending_[operation] = {order, peers_.at(order.node).incarnation(), now_};
    }
  }
  if (!plan_.orders.empty()) SendOrders();
}

// Orders are repeated until their end is heard: a member does each only once.
void Member::SendOrders() {
  if (!Quorate()) return;
  for (auto& [operation, pending] : pending_) {
    if (pending.order.node == settings_.self || now_ < pending.send_at) continue;
    pending.send_at = now_ + settings_.heartbeat;
    Send(pending.order.node,
         messaging::OrderMessage{candidate_.term(), operation,
                                 ResourceIndex(pending.order.resource), pending.order.action});
  }
}

std::string Member::ReasonOf(const std::string& resource) const {
  for (const policy::Placement& placement : plan_.placements) {
    if (placement.resource == resource) return placement.reason;
  }
  return "";
}

std::uint16_t Member::ResourceIndex(const std::string& resource) const {
  const auto it = std::find(resources_.begin(), resources_.end(), resource);
  FENCEPOST_CHECK(it != resources_.end());
  return static_cast<std::uint16_t>(it - resources_.begin());
}

void Member::EndPending(std::uint64_t operation) { pending_.erase(operation); }

// R8: a fence relies only on votes asked for after it was decided.
void Member::FenceWhoMustBe() {
  for (const policy::FenceRequest& request : plan_.fences) {
    if (request.node == settings_.self) AskToStandDown("it must be fenced itself", false);
    if (request.node == settings_.self || fencing_.count(request.node) != 0) continue;
    Say(Severity::kWarning, "fence-decided")
        .With("target", NameOf(request.node))
        .With("why", request.reason);
    Decide(qdiskd::DecisionKind::kFenceDecided, request.node, request.reason);
    Peer& peer = peers_.at(request.node);
    const bool of_member = peer.IsMember();
    if (of_member) peer.Lose(now_, ObeysUntil(), counter_);
    fencing_[request.node] = {now_, now_, 0, of_member, request.reason, ""};
  }
  for (auto it = fencing_.begin(); it != fencing_.end();) {
    const NodeId node = it->first;
    Fencing& fencing = it->second;
    // Evidence came without us, or it is back: nobody is shot in vain.
    const bool waits = fencing.request == 0;
    const Peer& peer = peers_.at(node);
    const bool back = peer.IsHeard(now_, settings_.peer_timeout) && !fencing.of_member;
    if (waits && (peer.evidence() || IsCutEnough(peer) || back)) {
      it = fencing_.erase(it);
      continue;
    }
    const auto until = candidate_.QuorateUntil(now_, fencing.decided);
    if (waits && now_ >= fencing.retry_at && until) {
      fencing.request = next_request_++;
      StepFencer(stonith::FenceAsked{fencing.request, node, settings_.cib.stonith_action,
                                     candidate_.term(), *until, policy::NeededBy(settings_.cib)});
      it = fencing_.upper_bound(node);  // an answer may have come at once, and erased it
      continue;
    }
    ++it;
  }
}

void Member::ForgetCoordination() {
  pending_.clear();
  fencing_.clear();
  plan_ = {};
  for (auto& [id, peer] : peers_) peer.Lose(now_, kNever, counter_);
}

}  // namespace fencepost::node
