#include "membership/node/member.h"

#include <algorithm>

namespace fencepost::node {
namespace {

constexpr std::size_t kMaxNonces = 256;  // heartbeats whose answer would still be believed

quorum::CandidateSettings CandidateOf(const MemberSettings& settings) {
  quorum::CandidateSettings out{
      settings.self, {}, settings.disk_votes, settings.times, settings.interval};
  for (const MemberNode& node : settings.nodes) out.nodes[node.id] = node.votes;
  return out;
}

stonith::FencerConfig FencerOf(const MemberSettings& settings) {
  stonith::FencerConfig out = stonith::ConfigFrom(settings.cib);
  for (const MemberNode& node : settings.nodes) out.node_names[node.id] = node.name;
  out.self = settings.self;
  out.guard_nodes = static_cast<int>(settings.nodes.size());
  return out;
}

// What is found running at the start may wait so long for an authority. With a watchdog the one of
// the daemon before may still tick: it leaves half of the time to find one, the rest to stop.
Duration GraceOf(const MemberSettings& settings) {
  return settings.watchdog == Duration() ? settings.times.lease_max : settings.watchdog / 2;
}

// What lasts `d` on a clock that may be faster lasts at least this long on ours.
Duration Deflate(Duration d, DriftPpm drift) { return d - (Inflate(d, drift) - d); }

}  // namespace

Member::Member(MemberSettings settings, MonoTime started)
    : settings_(std::move(settings)),
      now_(started),
      started_(started),
      voter_(settings_.self, settings_.times, settings_.voter_state, started),
      candidate_(CandidateOf(settings_), settings_.term_counter),
      executor_(settings_.cib, settings_.ocf_root),
      fencer_(FencerOf(settings_)),
      grace_until_(started + GraceOf(settings_)),
      settled_(settings_.attribute_settle),
      next_heartbeat_(started) {
  for (const Group& group : settings_.cib.groups) {
    for (const Primitive& primitive : group.members) resources_.push_back(primitive.id);
  }
  for (const MemberNode& node : settings_.nodes) {
    if (node.id != settings_.self) peers_[node.id];
  }
}

MemberEffects Member::Step(MonoTime now, const MemberEvent& event) {
  out_ = {};
  const bool first = now_ == started_ && counter_ == 0;
  now_ = std::max(now_, now);
  if (first) {
    StepExecutor(executor::Begin{});
    stand_at_ = started_ + settings_.peer_timeout;
  }
  std::visit([&](const auto& e) { On(e); }, event);
  Duties();
  return std::move(out_);
}

void Member::On(const event::PacketReceived& e) {
  const messaging::Packet& packet = e.packet;
  if (packet.from == settings_.self && packet.incarnation != settings_.incarnation) {
    Say(Severity::kCritical, "another-node-has-our-id").With("id", settings_.self);
    return;
  }
  const auto peer = peers_.find(packet.from);
  if (peer == peers_.end() || packet.to != settings_.self || !peer->second.Accept(packet)) return;
  if (const auto* m = std::get_if<messaging::Heartbeat>(&packet.body)) {
    OnHeartbeat(packet.from, packet, *m);
  } else if (const auto* ask = std::get_if<messaging::VoteAsk>(&packet.body)) {
    // Nodes of different configurations never make a quorum together.
    if (!peer->second.EverHeard() || peer->second.heartbeat().digest != settings_.digest) return;
    StepVoter(quorum::voter::Ask{packet.from, ask->term, ask->ask_id});
  } else if (const auto* answer = std::get_if<messaging::VoteAnswer>(&packet.body)) {
    StepCandidate(quorum::candidate::Answered{packet.from, answer->term, answer->ask_id,
                                              answer->granted, answer->highest});
  } else if (const auto* release = std::get_if<messaging::VoteRelease>(&packet.body)) {
    if (release->term.node() != packet.from) return;
    StepVoter(quorum::voter::Release{release->term});
    if (release->term == authority_term_ && !coordinator_ended_) {
      coordinator_ended_ = true;
      StepExecutor(executor::Revoke{});
    }
    peer->second.TermIsOver(release->term);
    stand_at_ = std::min(stand_at_, now_ + settings_.interval);
  } else if (const auto* order = std::get_if<messaging::OrderMessage>(&packet.body)) {
    OnOrder(packet.from, *order);
  }
}

void Member::OnHeartbeat(NodeId from, const messaging::Packet& packet,
                         const messaging::Heartbeat& m) {
  Peer& peer = peers_.at(from);
  if (peer.EverHeard() && peer.heartbeat().digest != m.digest && m.digest != settings_.digest) {
    Say(Severity::kError, "configuration-differs").With("of", NameOf(from));
  } else if (!peer.EverHeard() && m.digest != settings_.digest) {
    Say(Severity::kError, "configuration-differs").With("of", NameOf(from));
  }
  peer.Hear(now_, packet, m);
  if (settings_.disk_votes == Votes(0)) peer.WeighMessage(settings_.incarnation);
  if (node::SaysLeftIsBelieved(m) && m.echo_of == settings_.incarnation && SaysLeft()) {
    left_believed_ = true;
  }
  StepCandidate(quorum::candidate::SawTerm{m.highest_term});
  if (Quorate()) {
    for (const messaging::DoneOrder& done : m.done) {
      const auto it = pending_.find(done.operation);
      if (m.authority == candidate_.term() && it != pending_.end() &&
          it->second.order.node == from) {
        EndPending(done.operation);
      }
    }
  }
  // Authority: only from a quorate coordinator of our configuration, and only in answer to a
  // heartbeat of this incarnation that is not older than the last claim.
  if (!m.quorate || m.term.node() != from || m.digest != settings_.digest || leave_final_) return;
  if (!Quorate()) HearFenced(m);
  if (m.echo_of != settings_.incarnation || m.echo <= nonce_floor_) return;
  const auto sent = sent_.find(m.echo);
  if (sent == sent_.end()) return;
  const MonoTime until =
      sent->second + Deflate(m.remaining, settings_.times.drift) - settings_.watchdog;
  // Terms of quorate coordinators rise: what a lower one said is outdated, however long it lasts.
  if (until <= now_ || Quorate() || m.term < highest_obeyed_) return;
  if (!ClaimIsWithdrawn()) return;
  highest_obeyed_ = m.term;
  if (m.term != authority_term_) {
    Say(Severity::kNotice, "follows").With("coordinator", NameOf(from)).With("term", m.term);
    authority_term_ = m.term;
    Decide(qdiskd::DecisionKind::kFollows, from);
    authority_until_ = until;
    coordinator_ended_ = false;
    seen_orders_.clear();
    done_.clear();
  }
  authority_until_ = std::max(authority_until_, until);
}

void Member::OnOrder(NodeId from, const messaging::OrderMessage& m) {
  if (m.term.node() != from || m.term != authority_term_ || !FollowsAnother()) return;
  if (coordinator_ended_ || m.resource >= resources_.size()) return;
  if (const auto seen = seen_orders_.find(m.operation); seen != seen_orders_.end()) {
    if (seen->second) SayDone({m.operation, *seen->second});  // it may not have been heard
    return;
  }
  const bool fenced_off = m.action == ResourceAction::kStart && !IsUnfenced();
  if (!MayStart() || fenced_off) return;  // it is repeated
  seen_orders_[m.operation] = std::nullopt;
  StepExecutor(
      executor::Order{m.operation, m.term, resources_[m.resource], m.action, authority_until_});
}

void Member::On(const event::DiskConnected&) {
  disk_connected_ = true;
  hello_due_ = true;
  AskToStandDown("qdiskd was started anew", false);
}

void Member::On(const event::DiskGone&) {
  disk_connected_ = false;
  disk_.reset();
  disk_waits_.reset();
  for (auto& [id, peer] : peers_) peer.DiskUnreadable();
  Say(Severity::kWarning, "qdiskd-gone");
  // qdiskd will publish the term as conceded, and others free their votes of it: it must end here.
  AskToStandDown("qdiskd is gone", false);
}

void Member::On(const event::FromDisk& e) {
  if (const auto* view = std::get_if<qdiskd::local::View>(&e.message)) {
    OnDiskView(*view);
  } else if (const auto* held = std::get_if<qdiskd::notice::Held>(&e.message)) {
    disk_waits_.reset();
    if (DiskIsShared()) StepCandidate(quorum::candidate::DiskHeld{held->lease});
  } else if (const auto* waiting = std::get_if<qdiskd::notice::Waiting>(&e.message)) {
    disk_waits_ = *waiting;
    queries_[waiting->before.node()].next = now_;
  } else if (const auto* drop = std::get_if<qdiskd::notice::MustDrop>(&e.message)) {
    OnMustDrop(*drop);
  } else if (const auto* refused = std::get_if<qdiskd::notice::Refused>(&e.message)) {
    disk_waits_.reset();
    StepCandidate(quorum::candidate::DiskRefused{refused->term, refused->seen});
  }
}

void Member::OnMustDrop(const qdiskd::notice::MustDrop& m) {
  drop_for_disk_ = std::max(drop_for_disk_, m.term);
  if (candidate_.term() == m.term) AskToStandDown(m.why, true);
}

void Member::OnDiskView(const qdiskd::local::View& view) {
  disk_ = view;
  disk_seen_at_ = now_;
  StepCandidate(quorum::candidate::SawTerm{view.view.highest_promise});
  for (auto& [id, peer] : peers_) {
    if (!view.view.readable) peer.DiskUnreadable();
  }
  if (!view.view.readable) return;
  for (const qdiskd::NodeOnDisk& node : view.view.nodes) {
    const auto peer = peers_.find(node.node);
    if (peer != peers_.end()) peer->second.SeeOnDisk(node, view.view.began);
    if (node.node == settings_.self) SeeOwnSlot(node.slot);
    // A holder that conceded counts nothing of that term: its grant of our vote is over.
    if (node.node == granted_seen_.node() && node.node != settings_.self &&
        node.slot.conceded >= granted_seen_ && !granted_seen_.IsNone()) {
      StepVoter(quorum::voter::Release{granted_seen_});
      stand_at_ = std::min(stand_at_, now_);
    }
  }
  // The loser of a split drops its authority at once: the winner need not wait for it.
  const qdiskd::Election& election = view.view.election;
  const NodeId coordinator = authority_term_.node();
  if (FollowsAnother() && election.sides > 1 && !election.Elects(settings_.self) &&
      !peers_.at(coordinator).IsHeard(now_, settings_.peer_timeout)) {
    GiveUpAuthority("another side wins the split: " + election.why, now_);
  }
}

void Member::On(const event::VoterStored& e) { StepVoter(quorum::voter::Stored{e.ok}); }
void Member::On(const event::CounterStored& e) {
  StepCandidate(quorum::candidate::CounterStored{e.ok});
}
void Member::On(const event::AgentProcessEnded& e) { StepExecutor(e.end); }
void Member::On(const event::FenceAgentEnded& e) { StepFencer(e.end); }
void Member::On(const event::Cleanup& e) {
  StepExecutor(executor::Forget{e.resource});
  if (stopping_all_) StepExecutor(executor::StopAll{});  // it may be tried again
}

void Member::On(const event::Leave&) {
  if (leaving_) return;
  Say(Severity::kNotice, "leaving");
  Decide(qdiskd::DecisionKind::kLeaves, NodeId(), "the operator asked for it");
  leave_asked_ = now_;
  leaving_ = true;
  next_heartbeat_ = now_;
}

void Member::Send(NodeId to, messaging::Body body) {
  out_.packets.push_back({settings_.self, to, settings_.incarnation, ++counter_, std::move(body)});
  if (!std::holds_alternative<messaging::Heartbeat>(out_.packets.back().body)) return;
  sent_[counter_] = now_;
  while (sent_.size() > kMaxNonces) sent_.erase(sent_.begin());
}

Fact& Member::Say(Severity severity, std::string_view name) {
  return out_.facts.emplace_back(Fact{severity, name, {}}).With("node", NameOf(settings_.self));
}

std::string Member::NameOf(NodeId id) const {
  for (const MemberNode& node : settings_.nodes) {
    if (node.id == id) return node.name;
  }
  return "nobody";
}

}  // namespace fencepost::node
