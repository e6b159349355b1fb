// What else a member has to do with fencing: unfencing of itself, what an operator says of another
// node, and what it is told by another tool of this node.
#include <algorithm>

#include "membership/node/member.h"

namespace fencepost::node {
namespace {

constexpr Duration kUnfenceAgain = std::chrono::seconds(2);  // after it failed

}  // namespace

Term Member::ObeyedTerm() const {
  return Quorate() ? candidate_.term() : FollowsAnother() ? authority_term_ : Term();
}

bool Member::IsUnfenced() const { return unfenced_ || !fencer_.NeedsUnfencing(settings_.self); }

// Until then this node is fit for nothing.
std::vector<ResourceStatus> Member::Statuses() const {
  std::vector<ResourceStatus> out = executor_.Statuses();
  if (IsUnfenced()) return out;
  for (ResourceStatus& status : out) {
    if (status.state == ResourceState::kStopped) status.unfit = true;
  }
  return out;
}

// A node that was cut off from storage or network starts nothing before it switched itself on
// again, in the authority of who will have it run something; and anew after it was in none, for
// then it may have been cut off.
void Member::Unfence() {
  const Term term = ObeyedTerm();
  if (term.IsNone()) unfenced_ = false;
  if (term.IsNone() || IsUnfenced() || unfence_request_ != 0 || now_ < unfence_at_) return;
  const auto until = candidate_.QuorateUntil(now_);
  unfence_request_ = next_request_++;
  StepFencer(stonith::UnfenceAsked{unfence_request_, settings_.self, term,
                                   until ? *until : authority_until_});
}

void Member::OnUnfenceAnswer(const stonith::UnfenceAnswer& answer) {
  if (answer.id != unfence_request_) return;
  unfence_request_ = 0;
  if (answer.result.ok()) {
    unfenced_ = HasAuthority();
    Say(Severity::kNotice, "unfenced");
  } else {
    unfence_at_ = now_ + kUnfenceAgain;
    Say(Severity::kError, "unfencing-failed").With("why", answer.result.error().Text());
  }
  next_heartbeat_ = now_;
}

void Member::TellFenced(messaging::Heartbeat* beat) const {
  const auto ago = [this](MonoTime when) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now_ - when);
    return static_cast<std::uint16_t>(seconds.count());
  };
  for (const stonith::FencedBefore& before : fencer_.Fenced(now_)) {
    if (beat->fenced.size() == messaging::kMaxFencedNodes) return;
    messaging::FencedNode& fenced = beat->fenced.emplace_back();
    fenced.node = before.node;
    if (before.off_begun) fenced.off_begun = ago(*before.off_begun);
    for (std::size_t i = 0; i < before.proved_off.size() && i < fenced.proved_off.size(); ++i) {
      fenced.proved_off[i] = ago(before.proved_off[i]);
    }
  }
}

void Member::HearFenced(const messaging::Heartbeat& beat) {
  for (const messaging::FencedNode& fenced : beat.fenced) {
    stonith::FencedBefore before;
    before.node = fenced.node;
    if (fenced.off_begun) before.off_begun = now_ - std::chrono::seconds(*fenced.off_begun);
    for (const auto& seconds : fenced.proved_off) {
      if (seconds) before.proved_off.push_back(now_ - std::chrono::seconds(*seconds));
    }
    StepFencer(before);
  }
}

// R5: an off seen by a query that began after the grant was seen ends every wait for that node,
// whoever asked.
void Member::BelieveOff(NodeId node, MonoTime begun_at) {
  if (granted_seen_.node() == node && begun_at >= granted_seen_at_) {
    StepVoter(quorum::voter::Release{granted_seen_});
    stand_at_ = std::min(stand_at_, now_);
  }
  if (disk_connected_) out_.to_disk.push_back(qdiskd::event::PowerIsOff{node, begun_at});
  const auto peer = peers_.find(node);
  if (peer != peers_.end()) peer->second.PowerIsOff(begun_at);
}

std::optional<Error> Member::WhyNotConfirmed(NodeId node) const {
  const std::string what = Cat("node ", NameOf(node));
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) {
    return Error{what, "is no other node of this cluster", "see 'fencepost status'"};
  }
  if (peer->second.IsHeard(now_, settings_.peer_timeout)) {
    return Error{what, "is alive: it is heard on the network", "it cannot be confirmed to be off"};
  }
  if (peer->second.on_disk() && peer->second.on_disk()->fresh) {
    return Error{what, "is alive: it writes to the quorum disk",
                 "it cannot be confirmed to be off"};
  }
  if (Quorate()) return std::nullopt;
  if (FollowsAnother()) {
    return Error{what, Cat("the coordinator is ", NameOf(authority_term_.node())),
                 "say it there: it decides what is recovered"};
  }
  return Error{what, "this node is not quorate, so nothing would be recovered",
               "a confirmation is no vote: bring back the disk or other nodes first"};
}

// Evidence for recovery, never for voting (R5). It falls as soon as the node shows a sign of life.
void Member::On(const event::Confirm& e) {
  if (WhyNotConfirmed(e.node)) return;
  peers_.at(e.node).Confirm();
  Say(Severity::kCritical, "confirmed-off-by-hand")
      .With("target", NameOf(e.node))
      .With("by", e.by)
      .With("reason", e.reason);
  confirmations_.push_back(Cat(NameOf(e.node), " confirmed off by ", e.by, ": ", e.reason));
  if (confirmations_.size() > kMaxConfirmations) confirmations_.erase(confirmations_.begin());
}

void Member::On(const event::ToldOff& e) {
  if (e.begun_at > now_) return;
  Say(Severity::kWarning, "power-is-off")
      .With("of", NameOf(e.node))
      .With("by", e.by)
      .With("device", e.device);
  BelieveOff(e.node, e.begun_at);
}

}  // namespace fencepost::node
