// What a member tells people and tools.
#include "membership/node/member.h"

namespace fencepost::node {
namespace {

std::string StateInWords(const Peer& peer, bool heard, bool fencing) {
  if (peer.IsMember()) return peer.heartbeat().leaving ? "member, leaving" : "member";
  if (fencing) return "being fenced";
  if (peer.evidence() || peer.cut().Any()) return EvidenceText(peer);
  if (heard) return "heard, not a member";
  return peer.EverHeard() ? "lost" : "not heard yet";
}

template <class Naming>
void ShowFencing(const stonith::Fencer& fencer, MonoTime now, const Naming& name_of,
                 MemberStatus* status) {
  for (const stonith::HistoryRecord& record : fencer.history()) {
    status->fence_log.push_back(Cat(name_of(record.node),
                                    record.proved_off ? " proved off" : " failed", " under term ",
                                    record.term, " in ", stonith::PhasesInWords(record)));
  }
  for (const stonith::DeviceHealth& health : fencer.Health()) {
    status->fence_devices.push_back({health.device, health.asked, health.ok,
                                     health.asked ? now - health.ended : Duration(),
                                     health.trouble});
  }
}

}  // namespace

MemberStatus Member::Status(MonoTime now) const {
  MemberStatus status;
  const auto until = ActsUntil(now);
  const bool follows = !authority_term_.IsNone() && now < authority_until_;
  status.self = settings_.self;
  status.quorate = until.has_value() || follows;
  status.has_authority = status.quorate;
  status.coordinator = until ? settings_.self : follows ? authority_term_.node() : NodeId();
  status.term = until ? candidate_.term() : follows ? authority_term_ : Term();
  if (until) status.authority_left = *until - now;
  if (!until && follows) status.authority_left = authority_until_ - now;
  status.leaving = leaving_;
  status.quiesced = quiesced_;
  status.watchdog_fed = MayFeed();
  status.votes_held = candidate_.VotesHeld(now);
  status.expected = candidate_.expected();
  status.disk_connected = disk_connected_;
  status.disk = disk_;
  if (candidate_.disk_vote() && now < candidate_.disk_vote()->deadline) {
    status.disk_vote_held = true;
    status.disk_vote_left = candidate_.disk_vote()->deadline - now;
  }
  if (const auto grant = voter_.Grant(now)) status.own_vote = *grant;
  if (!voter_.HasState()) {
    status.vote_trouble = "this node has no voter state: run 'fencepost init' on a new node";
  } else if (now < voter_.GrantsFrom()) {
    status.vote_trouble = Cat("restart wait, votes in ", voter_.GrantsFrom() - now);
  }
  for (const MemberNode& node : settings_.nodes) {
    PeerStatus entry;
    entry.id = node.id;
    entry.name = node.name;
    entry.self = node.id == settings_.self;
    if (const auto vote = candidate_.node_votes().find(node.id);
        vote != candidate_.node_votes().end() && now < vote->second.deadline) {
      entry.vote_held = true;
      entry.vote_left = vote->second.deadline - now;
    }
    if (entry.self) {
      entry.heard = true;
      entry.attributes = attributes_;
      entry.score = OwnScore() + (disk_ ? disk_->fitness.score : 0);
      entry.member = status.quorate;
      entry.state = status.quorate ? "member" : quiesced_ ? "quiesced" : "without authority";
    } else {
      const Peer& peer = peers_.at(node.id);
      entry.heard = peer.IsHeard(now, settings_.peer_timeout);
      entry.member = peer.IsMember();
      if (entry.heard) entry.attributes = peer.heartbeat().attributes;
      if (peer.on_disk() && !peer.on_disk()->slot.IsBlank()) {
        entry.score = peer.on_disk()->slot.report.score;
      }
      entry.on_disk = peer.on_disk() && peer.on_disk()->fresh;
      entry.state = StateInWords(peer, entry.heard, fencing_.count(node.id) != 0);
      entry.evidence = EvidenceText(peer);
    }
    status.nodes.push_back(entry);
  }
  status.settling = settled_.IsSettling();
  status.resources = executor_.Statuses();
  status.placements = plan_.placements;
  status.unsafe = plan_.unsafe;
  ShowFencing(
      fencer_, now, [this](NodeId id) { return NameOf(id); }, &status);
  for (const std::string& text : confirmations_) status.fence_log.push_back(text);
  return status;
}

}  // namespace fencepost::node
