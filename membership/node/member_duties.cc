// What a member does after each event, whatever it was: authority, candidacy, quiescence, leaving,
// and telling the others.
#include <algorithm>

#include "membership/node/member.h"
#include "qdiskd/election.h"

namespace fencepost::node {
namespace {

using qdiskd::NodeBit;
constexpr Duration kPowerQueryEvery = Millis(500);  // of one node, while its state matters
constexpr Duration kPowerQueryLimit = std::chrono::seconds(10);
// Between candidates: the one with the lower id first.
constexpr int kIntervalsPerRank = 2;
constexpr int kFeedsPerTimeout = 4;  // of the watchdog
// How long a leaving coordinator waits for the others to have taken over.
constexpr Duration kLeaveLimit = std::chrono::seconds(60);

messaging::StatusOnWire OnWire(const ResourceStatus& status) {
  return {status.state,         status.busy,    status.start_failed, status.unfit,
          status.failed_action, status.failure, status.fail_count};
}

}  // namespace

void Member::Duties() {
  WatchDisk();
  // A term that is being given up is not renewed: what others wait for must come to its end.
  if (stand_down_why_.empty()) StepCandidate(quorum::candidate::Tick{});
  StepExecutor(executor::Tick{});
  if (fencer_wake_ <= now_) {
    fencer_wake_ = kNever;
    StepFencer(stonith::Tick{});
  }
  KeepAuthority();
  Unfence();
  if (leaving_) FollowLeave();
  StandOrNot();
  MayStandDown();
  LapseAttributes();
  SettleAttributes();
  Coordinate();
  AskPower();
  Quiesce();
  Feed();
  Heartbeats();
  SendRelease();
  ReportToDisk();
  TellRecorder();
  MonoTime wake = std::min({next_heartbeat_, executor_.NextDeadline(), fencer_wake_,
                            candidate_wake_, settled_.wake_at()});
  for (const auto& [name, at] : lapses_) wake = std::min(wake, at);
  if (FollowsAnother()) wake = std::min(wake, authority_until_);
  if (const auto until = ActsUntil(now_)) wake = std::min(wake, *until);
  if (settings_.watchdog != Duration() && MayFeed()) wake = std::min(wake, next_feed_);
  if (grace_until_ > now_) wake = std::min(wake, grace_until_);
  if (unfence_at_ > now_) wake = std::min(wake, unfence_at_);
  if (claim_again_at_ > now_) wake = std::min(wake, claim_again_at_);
  if (candidate_.term().IsNone() && stand_at_ > now_) wake = std::min(wake, stand_at_);
  out_.wake_at = std::max(wake, now_ + Millis(1));
}

NodeId Member::HeardCoordinator() const {
  for (const auto& [id, peer] : peers_) {
    if (peer.IsHeard(now_, settings_.peer_timeout) && peer.heartbeat().quorate) return id;
  }
  return NodeId();
}

std::uint64_t Member::HeardView() const {
  std::uint64_t view = NodeBit(settings_.self);
  for (const auto& [id, peer] : peers_) {
    if (peer.IsHeard(now_, settings_.peer_timeout)) view |= NodeBit(id);
  }
  return view;
}

// "Is it one disk?": the vote counts only if whom we hear is alive on the disk that we read.
bool Member::DiskIsShared() const {
  for (const auto& [id, peer] : peers_) {
    if (!peer.IsHeard(now_, settings_.peer_timeout) || !peer.heartbeat().disk_ok) continue;
    if (!peer.SharesTheDisk()) return false;
  }
  return true;
}

void Member::KeepAuthority() {
  const auto until = ActsUntil(now_);
  if (until.has_value() != was_quorate_) {
    was_quorate_ = until.has_value();
    if (was_quorate_) {
      quorate_since_ = now_;
      Say(Severity::kNotice, "quorate").With("term", candidate_.term());
      Decide(qdiskd::DecisionKind::kCoordinates);
      evidence_kept_.clear();
      authority_term_ = Term();  // from now on it is its own
      highest_obeyed_ = std::max(highest_obeyed_, candidate_.term());
      // What they said before is no evidence any more.
      for (auto& [id, query] : queries_) query.next = now_;
    } else {
      Say(Severity::kWarning, "quorum-lost").With("term", candidate_.term());
      Decide(qdiskd::DecisionKind::kQuorumLost);
      StepFencer(stonith::RightsLost{candidate_.term()});
      ForgetCoordination();
      // The fencer will not act under it again, and others may wait for its end.
      AskToStandDown("its quorum was lost", false);
    }
    next_heartbeat_ = now_;
  }
  if (until) {
    grace_until_ = fed_until_ = *until;
    StepExecutor(executor::Authority{candidate_.term(), *until});
  } else if (FollowsAnother()) {
    grace_until_ = fed_until_ = authority_until_;
    if (!coordinator_ended_) {
      StepExecutor(executor::Authority{authority_term_, authority_until_});
    }
  } else if (!authority_term_.IsNone()) {
    Decide(qdiskd::DecisionKind::kGivesUp, NodeId(), "its coordinator was not heard in time");
    authority_term_ = Term();
    Say(Severity::kWarning, "authority-ended");
  }
  if (HasAuthority() && stopping_all_ && !leave_final_) {
    stopping_all_ = quiesced_ = false;
    StepExecutor(executor::Resume{});
  }
}

// R9, and the claim. After it only answers to later heartbeats give authority again.
void Member::Quiesce() {
  if (HasAuthority() || (now_ < grace_until_ && !leave_final_)) return;
  if (!stopping_all_) {
    stopping_all_ = true;
    StepExecutor(executor::Revoke{});
    StepExecutor(executor::StopAll{});
    if (!executor_.IsQuiesced()) {
      Say(Severity::kWarning, "stopping-everything");
      Decide(qdiskd::DecisionKind::kStopsAll, NodeId(), "it has no authority");
    }
  }
  const bool may_claim = leave_final_ || now_ >= claim_again_at_;
  if (!quiesced_ && may_claim && HoldsNothing()) {
    quiesced_ = claim_stands_ = true;
    nonce_floor_ = counter_;
    authority_term_ = Term();
    next_heartbeat_ = now_;
    Say(Severity::kNotice, "quiesced");
    Decide(qdiskd::DecisionKind::kQuiesced);
  } else if (!executor_.IsQuiesced()) {
    quiesced_ = false;
  }
}

// R9. Its time-out is kept back from every authority, so a feed within one ends within the lease;
// and what is started later was given an authority that reaches as far.
void Member::Feed() {
  if (settings_.watchdog == Duration() || now_ < next_feed_ || !MayFeed()) return;
  next_feed_ = now_ + settings_.watchdog / kFeedsPerTimeout;
  out_.feed_before = HoldsNothing() ? kNever : fed_until_;
}

// A claim on the disk says that no message of before its writing gives authority, and it is written
// anew with every cycle. So authority is taken only after the claim was taken back, in answer to a
// message of after that: a coordinator that believed the claim did not send it.
bool Member::ClaimIsWithdrawn() {
  if (!quiesced_ && !claim_stands_) return true;
  claim_again_at_ = now_ + settings_.peer_timeout;  // the offer may come to nothing
  if (quiesced_) {
    quiesced_ = false;
    nonce_floor_ = counter_;
    next_heartbeat_ = now_;
  }
  // Without a readable disk nothing new is written there.
  if (!disk_ || !disk_->view.readable) claim_stands_ = false;
  return false;
}

void Member::SeeOwnSlot(const qdiskd::Slot& slot) {
  if (slot.IsBlank() || slot.boot != settings_.boot) return;
  shown_on_disk_ = shown_on_disk_ || !slot.report.left;
  if (!claim_stands_ || quiesced_ || slot.report.quiesced) return;
  claim_stands_ = false;
  nonce_floor_ = counter_;
  next_heartbeat_ = now_;
}

// A qdiskd that hangs says nothing: what it said last is no view of the disk any more.
void Member::WatchDisk() {
  if (!disk_ || now_ - disk_seen_at_ < settings_.stale_after / 2) return;
  Say(Severity::kWarning, "qdiskd-silent");
  disk_.reset();
  for (auto& [id, peer] : peers_) peer.DiskUnreadable();
}

void Member::GiveUpAuthority(const std::string& why, MonoTime grace) {
  if (!authority_term_.IsNone()) {
    Say(Severity::kNotice, "gives-up-authority").With("why", why);
    Decide(qdiskd::DecisionKind::kGivesUp, NodeId(), why);
  }
  authority_term_ = Term();
  authority_until_ = now_;
  grace_until_ = grace;
  fed_until_ = std::min(fed_until_, grace);
  nonce_floor_ = counter_;
  StepExecutor(executor::Revoke{});
}

bool Member::OthersAreElected() const {
  return disk_ && disk_->view.readable && disk_->view.election.sides > 1 &&
         !disk_->view.election.Elects(settings_.self);
}

void Member::StandOrNot() {
  const NodeId coordinator = HeardCoordinator();
  if (coordinator.value() != 0) {
    stand_at_ = kNever;
    if (!candidate_.term().IsNone() && !Quorate()) AskToStandDown("another coordinates", false);
    return;
  }
  if (!candidate_.term().IsNone() || leave_final_ || !voter_.HasState()) return;
  if (leaving_ && !AllStopped()) return;
  if (MustBeFenced() && HeardView() != NodeBit(settings_.self)) return;  // by another
  if (stand_at_ == kNever) {
    int rank = 1;
    for (const auto& [id, peer] : peers_) {
      rank += id < settings_.self && peer.IsHeard(now_, settings_.peer_timeout) ? 1 : 0;
    }
    stand_at_ = now_ + rank * kIntervalsPerRank * settings_.interval;
  }
  if (now_ < stand_at_ || leaving_ || OthersAreElected()) return;
  stand_at_ = kNever;
  StepCandidate(quorum::candidate::Stand{});
}

void Member::AskToStandDown(const std::string& why, bool at_once) {
  if (candidate_.term().IsNone()) return;
  stand_down_at_once_ = stand_down_at_once_ || at_once;
  if (stand_down_why_.empty()) stand_down_why_ = why;
}

// Nobody concedes while a fence child of his lives (R8).
void Member::MayStandDown() {
  if (!stand_down_why_.empty()) {
    // Also what does not switch now: a verification that fails would be followed by another off.
    StepFencer(stonith::RightsLost{candidate_.term()});
    if (fencer_.MaySwitch()) return;  // killed; its end comes as an event
    const Term term = candidate_.term();
    const MonoTime counted = ActsUntil(now_).value_or(grace_until_);
    const MonoTime grace = stand_down_at_once_ ? now_ : counted;
    Say(Severity::kNotice, "stands-down").With("term", term).With("why", stand_down_why_);
    Decide(qdiskd::DecisionKind::kStandsDown, NodeId(), stand_down_why_);
    stand_down_why_.clear();
    stand_down_at_once_ = false;
    drop_for_disk_ = std::max(drop_for_disk_, term);
    if (Quorate()) {
      was_quorate_ = false;
      ForgetCoordination();
    }
    StepCandidate(quorum::candidate::StandDown{});
    GiveUpAuthority("stood down", grace);
    stand_at_ = kNever;
    next_heartbeat_ = now_;
  }
  DropForDisk();
}

void Member::DropForDisk() {
  if (hello_due_ && candidate_.term().IsNone()) {
    hello_due_ = false;
    out_.to_disk.push_back(qdiskd::local::Hello{});
    reported_.reset();
  }
  if (drop_for_disk_.IsNone() || drop_for_disk_ == candidate_.term()) return;
  if (disk_connected_) out_.to_disk.push_back(qdiskd::event::Dropped{drop_for_disk_});
  drop_for_disk_ = Term();
  disk_waits_.reset();
}

bool Member::AllStopped() const {
  for (const ResourceStatus& status : executor_.Statuses()) {
    if (status.state != ResourceState::kStopped || status.busy) return false;
  }
  return true;
}

void Member::FollowLeave() {
  if (!leave_final_) {
    if (!AllStopped()) return;  // the coordinator empties this node, or fences it
    if (Quorate()) {
      bool others = false;
      for (const auto& [id, peer] : peers_) others = others || peer.IsMember();
      // The plan may be older than the stops here: only what is active elsewhere was taken over.
      const bool placed = std::all_of(
          plan_.placements.begin(), plan_.placements.end(), [&](const policy::Placement& p) {
            return !p.target || std::any_of(p.active.begin(), p.active.end(),
                                            [&](NodeId id) { return id != settings_.self; });
          });
      const bool patient = now_ - leave_asked_ < kLeaveLimit;
      if (others && patient && (!pending_.empty() || !plan_.orders.empty() || !placed)) return;
    }
    leave_final_ = true;
    AskToStandDown("it leaves", true);
    if (candidate_.term().IsNone()) GiveUpAuthority("it leaves", now_);
  }
  if (!candidate_.term().IsNone() || !quiesced_ || !fencer_.Idle()) return;
  if (!voter_stop_sent_) {
    voter_stop_sent_ = true;
    left_at_ = now_;
    StepVoter(quorum::voter::Stop{});
  }
  bool published = !disk_connected_;
  if (disk_) {
    for (const qdiskd::NodeOnDisk& node : disk_->view.nodes) {
      published = published || (node.node == settings_.self && node.slot.report.left);
    }
  }
  out_.left = voter_stopped_ && published && LeaveIsTold();
}

bool Member::SaysLeft() const {
  return settings_.disk_votes == Votes(0) && leave_final_ && quiesced_ &&
         candidate_.term().IsNone();
}

// Who coordinates next must hear it in its own reign; that begins at the latest when every vote
// that was given to this node is free again.
bool Member::LeaveIsTold() const {
  if (!SaysLeft() || left_believed_ || HeardView() == NodeBit(settings_.self)) return true;
  const Duration patience = settings_.times.lease_max + settings_.times.eps;
  return now_ - left_at_ >= patience + 2 * settings_.peer_timeout;
}

bool Member::MustBeFenced() const {
  for (const ResourceStatus& status : executor_.Statuses()) {
    if (status.state == ResourceState::kStopFailed) return true;
  }
  return false;
}

bool Member::HasFenceDevice(NodeId id) const {
  for (const FenceDevice& device : settings_.cib.fence_devices) {
    if (device.targets.count(id) != 0) return true;
  }
  return false;
}

// Asking needs no quorum: it ends the waits for a node that is off.
void Member::AskPower() {
  for (auto& [id, peer] : peers_) {
    if (peer.IsHeard(now_, settings_.peer_timeout) || !HasFenceDevice(id)) continue;
    const bool holds_vote = granted_seen_.node() == id && voter_.Grant(now_).has_value();
    const bool held_disk = disk_waits_ && disk_waits_->before.node() == id;
    const bool may_run = Quorate() && !peer.evidence();
    // Its slot was fresh when it fell silent, and wins the split until it is known to be off.
    const bool in_the_way = OthersAreElected() && disk_->view.election.Elects(id);
    if (!holds_vote && !held_disk && !may_run && !in_the_way) continue;
    Query& query = queries_[id];
    const bool answer_too_old = held_disk && query.asked < disk_waits_->since;
    if (query.under_way || (now_ < query.next && !answer_too_old)) continue;
    query.id = next_request_++;
    query.asked = now_;
    query.next = now_ + kPowerQueryEvery;
    query.under_way = true;
    StepFencer(stonith::StatusAsked{query.id, id, now_ + kPowerQueryLimit});
  }
}

void Member::Heartbeats() {
  if (now_ < next_heartbeat_) return;
  next_heartbeat_ = now_ + settings_.heartbeat;
  reported_.reset();  // repeated with each heartbeat: qdiskd takes a silent consumer for hung
  auto until = ActsUntil(now_);
  if (until) *until += settings_.watchdog;  // each member keeps it back by itself
  messaging::Heartbeat beat;
  beat.boot = settings_.boot;
  beat.digest = settings_.digest;
  beat.view = HeardView();
  beat.highest_term = candidate_.highest_seen();
  beat.term = candidate_.term();
  beat.quorate = until.has_value();
  beat.authority = ObeyedTerm();
  beat.leaving = leaving_;
  beat.quiesced = quiesced_;
  beat.disk_ok = disk_ && disk_->view.readable;
  if (disk_) {
    for (const qdiskd::NodeOnDisk& node : disk_->view.nodes) {
      if (node.node == settings_.self) beat.disk_incarnation = node.slot.incarnation;
    }
  }
  for (const ResourceStatus& status : Statuses()) beat.statuses.push_back(OnWire(status));
  beat.done = done_;
  beat.attributes = attributes_;
  if (until) TellFenced(&beat);
  for (const auto& [id, peer] : peers_) {
    const bool member = until && peer.IsMember();
    beat.remaining = member ? *until - now_ : Duration();
    const bool believes =
        until && settings_.disk_votes == Votes(0) && peer.evidence() == policy::Grade::kLeftCleanly;
    const bool answers = member || believes || SaysLeft();
    beat.echo = answers ? peer.heartbeat_counter() : 0;
    beat.echo_of = answers ? peer.incarnation() : Incarnation();
    Send(id, beat);
  }
  SendOrders();
}

// It is said once, and a packet that was overtaken by a later one is refused: so it is the last of
// its step. Where it is lost the voters wait for the end of their grants.
void Member::SendRelease() {
  if (release_due_.IsNone()) return;
  for (const auto& [id, peer] : peers_) Send(id, messaging::VoteRelease{release_due_});
  release_due_ = Term();
}

void Member::ReportToDisk() {
  if (!disk_connected_ || hello_due_) return;
  qdiskd::NodeReport report;
  report.view = HeardView();
  report.score = OwnScore();
  for (const MemberNode& node : settings_.nodes) {
    if (node.id != settings_.self) continue;
    report.votes = node.votes;
  }
  report.quorate = HasAuthority();
  report.quiesced = quiesced_;
  report.left = leave_final_ && quiesced_ && candidate_.term().IsNone();
  if (reported_ == report) return;
  reported_ = report;
  out_.to_disk.push_back(qdiskd::event::Report{report});
}

}  // namespace fencepost::node
