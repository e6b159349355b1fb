// The mind of fencepostd on one node: its vote, its candidacy, what it may do and under whose
// authority, and, when it coordinates, what the cluster does. Sans-IO: events in, effects out.
//
// Promise:
//   - It acts as coordinator only while leases of one term on more than E/2 are in its hand (S1).
//   - As a member it obeys an order only inside the authority of the order's term, counted from
//     before this node sent what the coordinator's grant answers (R8); a claim "quiesced" makes all
//     answers to older messages worthless.
//   - It fences only with votes asked for after the decision (R8), and gives up a term only when no
//     switching fence agent lives (R6, R8).
//   - Without authority everything is stopped (no-quorum-policy=stop, R9).
//   - With a watchdog of W authority ends W before the leases do: what does not stop in time is
//     reset by then. The watchdog is fed only under authority, or while nothing runs and nothing
//     can start (R9); nothing is started before it is armed. What is found running at the start
//     has no authority to show: it is not fed for.
//   - Nothing is recovered without evidence whose scope covers it (S5): see peers.h and policy.h.
// Time:    handed in, local, monotonic. Errors: trouble is a fact, and a reason in Status().
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/cib.h"
#include "base/fact.h"
#include "membership/executor/executor.h"
#include "membership/messaging/wire_format.h"
#include "membership/node/peers.h"
#include "membership/node/settled_attributes.h"
#include "membership/policy/policy.h"
#include "membership/quorum/candidate.h"
#include "membership/quorum/node_voter.h"
#include "qdiskd/local_protocol.h"
#include "stonith/fencer.h"

namespace fencepost::node {

inline constexpr std::size_t kMaxConfirmations = 16;  // shown; older ones are in the log

struct MemberNode {
  NodeId id;
  std::string name;
  Votes votes{1};
  std::int32_t score = 0;
};

struct MemberSettings {
  NodeId self;
  BootId boot;
  Incarnation incarnation;        // of this daemon, durable before it starts
  std::vector<MemberNode> nodes;  // all, self included
  Votes disk_votes;               // 0: no quorum disk
  LeaseTimes times;
  Duration interval{};      // votes are asked for this often
  Duration heartbeat{};     // peers are told this often
  Duration peer_timeout{};  // a peer unheard for so long is not in this node's view
  Duration stale_after{};   // a slot unchanged for so long is stale
  Duration watchdog{};      // its time-out; 0: none
  // Changes of nodes' attributes are acted upon when they have come to rest for so long.
  Duration attribute_settle{};
  std::string score_attribute;  // its value on this node adds to its score; empty: nothing does
  Cib cib;
  std::string ocf_root = executor::kOcfRoot;
  messaging::Digest digest{};  // of configuration and CIB
  std::optional<quorum::VoterState> voter_state;
  std::uint64_t term_counter = 0;  // durable
};

namespace event {
struct PacketReceived {
  messaging::Packet packet;
};
struct DiskConnected {};  // to qdiskd
struct DiskGone {};
struct FromDisk {
  qdiskd::FromQdiskd message;
};
struct VoterStored {
  bool ok;
};
struct CounterStored {
  bool ok;
};
struct AgentProcessEnded {  // a resource agent
  executor::ProcessEnded end;
};
struct FenceAgentEnded {
  stonith::AgentEnded end;
};
struct WatchdogArmed {};  // answers the first MemberEffects::feed_before
struct Leave {};          // the operator: hand over, then end
struct Cleanup {          // the operator: forget the failures of a resource
  std::string resource;
};
// Of this node; no value: it is removed. One that lapses is removed when it was not set again for
// so long: who tells it is dead or hangs, and what it saw last says nothing of now. 0: it stays
// until this daemon ends. REQUIRES: base/attributes.h allows name and value, and lapses_after if it
// is not 0.
struct SetAttribute {
  std::string name;
  std::optional<std::string> value;
  Duration lapses_after{};
};
// An operator vouches that a node that shows no sign of life is off; recorded with both texts.
struct Confirm {
  NodeId node;
  std::string by, reason;
};
// A tool of this node (fence_node) saw its power off by a query begun at that instant.
struct ToldOff {
  NodeId node;
  MonoTime begun_at{};
  std::string by, device;
};
struct Wake {};
}  // namespace event
using MemberEvent =
    std::variant<event::PacketReceived, event::DiskConnected, event::DiskGone, event::FromDisk,
                 event::VoterStored, event::CounterStored, event::AgentProcessEnded,
                 event::FenceAgentEnded, event::WatchdogArmed, event::Leave, event::Cleanup,
                 event::SetAttribute, event::Confirm, event::ToldOff, event::Wake>;

struct MemberEffects {
  std::vector<messaging::Packet> packets;
  std::vector<qdiskd::ToQdiskd> to_disk;
  std::optional<quorum::VoterState> store_voter;
  std::optional<std::uint64_t> store_counter;
  std::vector<executor::StartProcess> start_processes;
  std::vector<executor::ProcessNumber> kill_processes;
  std::vector<stonith::StartAgent> start_agents;
  std::vector<stonith::RunId> kill_agents;
  std::vector<Fact> facts;
  // The watchdog is to be fed, the first time to be armed; not any more at this instant.
  std::optional<MonoTime> feed_before;
  bool left = false;  // after Leave: the daemon may end
  MonoTime wake_at = kNever;
};

// For people and tools. A copy: nothing in it changes later.
struct PeerStatus {
  NodeId id;
  std::string name;
  bool self = false, heard = false, member = false, on_disk = false;
  std::string state;       // "member", "quiesced", "off", "lost: waits for evidence"
  std::string evidence;    // grade in words; empty: none
  bool vote_held = false;  // by this node, as candidate
  Duration vote_left{};
  std::optional<std::int32_t> score = {};  // as its slot shows it: higher wins a split
  Attributes attributes = {};              // transient ones, as last heard
};
struct FenceDeviceStatus {  // of its recurring monitor on this node
  std::string id;
  bool asked = false, ok = false;
  Duration age{};
  std::string trouble;
};
struct MemberStatus {
  NodeId self, coordinator;  // coordinator: known to this node, 0 none
  bool quorate = false, has_authority = false, leaving = false, quiesced = false;
  bool watchdog_fed = false;  // it may be, see MayFeed
  Term term;                  // obeyed, or own
  Duration authority_left{};
  std::uint64_t votes_held = 0, expected = 0;  // as candidate
  bool disk_connected = false;
  bool disk_vote_held = false;
  Duration disk_vote_left{};
  std::optional<qdiskd::local::View> disk;
  Lease own_vote;            // granted to whom; none: nobody
  std::string vote_trouble;  // why this node does not vote
  std::vector<PeerStatus> nodes;
  bool settling = false;                      // attributes have changed that are not acted upon yet
  std::vector<ResourceStatus> resources;      // on this node
  std::vector<policy::Placement> placements;  // as coordinator
  std::vector<std::string> unsafe;
  std::vector<std::string> fence_log;            // newest last
  std::vector<FenceDeviceStatus> fence_devices;  // those that are looked after
};

class Member {
 public:
  Member(MemberSettings settings, MonoTime started);
  MemberEffects Step(MonoTime now, const MemberEvent& event);
  [[nodiscard]] MemberStatus Status(MonoTime now) const;
  // Why an operator's word on this node would not be taken; nullopt: it would.
  [[nodiscard]] std::optional<Error> WhyNotConfirmed(NodeId node) const;
  // R9: the watchdog may be fed: what runs here is covered until it would bite, or nothing runs and
  // nothing can start.
  [[nodiscard]] bool MayFeed() const { return HoldsNothing() || now_ < fed_until_; }
  // Until when what runs here is under an authority; the watchdog bites before.
  [[nodiscard]] MonoTime CoveredUntil() const { return fed_until_ + settings_.watchdog; }
  [[nodiscard]] bool RunsNothing() const { return AllStopped() && !fencer_.MaySwitch(); }
  // Nothing runs here, and nothing can start before authority is given anew.
  [[nodiscard]] bool HoldsNothing() const {
    return (stopping_all_ || !HasAuthority()) && RunsNothing();
  }
  [[nodiscard]] const Attributes& attributes() const { return attributes_; }  // of this node
  // The coordinator's proof, for the simulator's oracle: nullopt while it may not act.
  [[nodiscard]] std::optional<MonoTime> QuorateUntil(MonoTime now) const {
    return candidate_.QuorateUntil(now);
  }

 private:
  // Events (member.cc).
  void On(const event::PacketReceived& e);
  void On(const event::DiskConnected& e);
  void On(const event::DiskGone& e);
  void On(const event::FromDisk& e);
  void On(const event::VoterStored& e);
  void On(const event::CounterStored& e);
  void On(const event::AgentProcessEnded& e);
  void On(const event::FenceAgentEnded& e);
  void On(const event::WatchdogArmed&) { armed_ = true; }
  void On(const event::Leave& e);
  void On(const event::Cleanup& e);
  void On(const event::SetAttribute& e);
  void On(const event::Confirm& e);
  void On(const event::ToldOff& e);
  void On(const event::Wake&) {}
  void OnHeartbeat(NodeId from, const messaging::Packet& packet, const messaging::Heartbeat& m);
  void OnOrder(NodeId from, const messaging::OrderMessage& m);
  void OnDiskView(const qdiskd::local::View& view);
  void OnMustDrop(const qdiskd::notice::MustDrop& m);
  // Cores (member_cores.cc): step one, perform what it says.
  void StepVoter(const quorum::NodeVoterEvent& event);
  void StepCandidate(const quorum::CandidateEvent& event);
  void StepExecutor(const executor::Event& event);
  void StepFencer(const stonith::FencerEvent& event);
  void SayDone(const messaging::DoneOrder& done);
  void OnPowerStatus(const stonith::StatusAnswer& answer);
  void OnFenceAnswer(const stonith::FenceAnswer& answer);
  // member_fencing.cc
  void OnUnfenceAnswer(const stonith::UnfenceAnswer& answer);
  void BelieveOff(NodeId node, MonoTime begun_at);
  void Unfence();
  // What this node knows of fences, for the next coordinator; and what it is told of them.
  void TellFenced(messaging::Heartbeat* beat) const;
  void HearFenced(const messaging::Heartbeat& beat);
  [[nodiscard]] bool IsUnfenced() const;
  [[nodiscard]] std::vector<ResourceStatus> Statuses() const;
  [[nodiscard]] Term ObeyedTerm() const;  // whose authority this node is in; none: nobody's
  // After each event (member_duties.cc).
  void Duties();
  void KeepAuthority();
  void StandOrNot();
  // `at_once`: another side is waiting for this one to stop.
  void AskToStandDown(const std::string& why, bool at_once);
  void DropForDisk();
  void MayStandDown();
  // No more orders from now on; what runs may run until `grace`.
  void GiveUpAuthority(const std::string& why, MonoTime grace);
  void Quiesce();
  void Feed();
  [[nodiscard]] bool ClaimIsWithdrawn();
  void SeeOwnSlot(const qdiskd::Slot& slot);
  void WatchDisk();
  void FollowLeave();
  // Without a quorum disk: this node is done, and tells the others so.
  [[nodiscard]] bool SaysLeft() const;
  [[nodiscard]] bool LeaveIsTold() const;
  void AskPower();
  void Heartbeats();
  void SendRelease();
  void ReportToDisk();
  // Attributes (member_attributes.cc).
  void LapseAttributes();
  void SettleAttributes();
  [[nodiscard]] std::int32_t OwnScore() const;
  // The flight recorder (member_recorder.cc): for people, and nothing depends on it. `about` 0:
  // about this node. The term is the one this node acts in now.
  void Decide(qdiskd::DecisionKind kind, NodeId about = NodeId(), const std::string& text = "");
  void KeepEvidence();
  void TellRecorder();
  // As coordinator (member_coordinator.cc).
  void Coordinate();
  void JudgeMembers();
  [[nodiscard]] policy::ClusterView ClusterNow() const;
  [[nodiscard]] policy::NodeState StateOf(const Peer& peer) const;
  [[nodiscard]] MonoTime ObeysUntil() const;
  [[nodiscard]] bool IsCutEnough(const Peer& peer) const;
  [[nodiscard]] std::string WhatItWaitsFor(NodeId id, const Peer& peer) const;
  [[nodiscard]] std::string DiskTrouble() const;  // empty: this node reads it
  void WaitForDisk();
  void GiveOrders();
  void SendOrders();
  void FenceWhoMustBe();
  void EndPending(std::uint64_t operation);
  void ForgetCoordination();

  void Send(NodeId to, messaging::Body body);
  Fact& Say(Severity severity, std::string_view name);
  // As coordinator: until when it acts, kept back from its leases' end what the watchdog needs.
  [[nodiscard]] std::optional<MonoTime> ActsUntil(MonoTime now) const {
    const auto until = candidate_.QuorateUntil(now);
    if (!until || now + settings_.watchdog >= *until) return std::nullopt;
    return *until - settings_.watchdog;
  }
  [[nodiscard]] bool Quorate() const { return ActsUntil(now_).has_value(); }
  [[nodiscard]] bool MayStart() const { return armed_ || settings_.watchdog == Duration(); }
  [[nodiscard]] bool HasAuthority() const { return Quorate() || FollowsAnother(); }
  [[nodiscard]] bool FollowsAnother() const {
    return !authority_term_.IsNone() && now_ < authority_until_;
  }
  [[nodiscard]] NodeId HeardCoordinator() const;
  [[nodiscard]] std::uint64_t HeardView() const;
  [[nodiscard]] bool DiskIsShared() const;
  [[nodiscard]] bool OthersAreElected() const;  // another side of a split, on the disk
  [[nodiscard]] bool AllStopped() const;
  [[nodiscard]] bool MustBeFenced() const;  // a resource of this node does not stop
  [[nodiscard]] std::string NameOf(NodeId id) const;
  [[nodiscard]] std::string ReasonOf(const std::string& resource) const;  // in the plan
  [[nodiscard]] std::uint16_t ResourceIndex(const std::string& resource) const;
  [[nodiscard]] bool HasFenceDevice(NodeId id) const;

  MemberSettings settings_;
  std::vector<std::string> resources_;  // ids, in the order of the CIB
  MonoTime now_{}, started_{};
  quorum::NodeVoter voter_;
  quorum::Candidate candidate_;
  executor::Executor executor_;
  stonith::Fencer fencer_;
  std::map<NodeId, Peer> peers_;
  std::uint64_t counter_ = 0;  // of packets sent

  // The vote.
  Term granted_seen_;  // the grant of the own vote, and when it was first seen
  MonoTime granted_seen_at_{};

  // Authority as a member.
  std::map<std::uint64_t, MonoTime> sent_;  // heartbeats by counter, newest kMaxNonces
  std::uint64_t nonce_floor_ = 0;           // answers to heartbeats up to this are worthless
  Term authority_term_;
  MonoTime authority_until_{};
  MonoTime grace_until_{};  // without authority, what runs may run until then
  MonoTime fed_until_{};    // likewise, and under authority; nothing at the start
  MonoTime next_feed_{};
  bool armed_ = false;              // the watchdog
  bool coordinator_ended_ = false;  // the one obeyed gave up its term: no more of its orders
  Term highest_obeyed_;
  bool stopping_all_ = false, quiesced_ = false;
  bool claim_stands_ = false;  // it was made, and others may still read it
  MonoTime claim_again_at_{};  // it was taken back for an offer of authority; until then
  std::map<std::uint64_t, std::optional<Outcome>> seen_orders_;  // and how they ended
  std::vector<messaging::DoneOrder> done_;

  // Candidacy.
  MonoTime stand_at_ = kNever;
  std::string stand_down_why_;  // not empty: as soon as no fence agent switches
  bool stand_down_at_once_ = false;
  Term release_due_;        // to be told to the voters
  Term drop_for_disk_;      // qdiskd waits for Dropped
  bool hello_due_ = false;  // qdiskd is there anew; first the term it knew must be over
  MonoTime candidate_wake_ = kNever;

  // The disk.
  bool disk_connected_ = false;
  std::optional<qdiskd::local::View> disk_;
  MonoTime disk_seen_at_{};
  bool shown_on_disk_ = false;  // the own slot was read there, and says that this boot is here
  std::optional<qdiskd::notice::Waiting> disk_waits_;
  std::optional<qdiskd::NodeReport> reported_;

  Attributes attributes_;                                // transient ones of this node
  std::map<std::string, MonoTime, std::less<>> lapses_;  // of those of them that lapse
  SettledAttributes settled_;
  // For the flight recorder: what qdiskd was not told yet, at most kMaxUntold.
  std::vector<qdiskd::Decision> untold_;
  qdiskd::Decision last_decided_;
  std::map<NodeId, std::string> evidence_kept_;

  // Power queries.
  struct Query {
    stonith::RequestId id = 0;
    MonoTime asked{}, next{};
    bool under_way = false;
    std::string said;
  };
  std::map<NodeId, Query> queries_;
  stonith::RequestId next_request_ = 1;
  MonoTime fencer_wake_ = kNever;

  // Unfencing of this node, and what operators said.
  stonith::RequestId unfence_request_ = 0;  // 0: none is under way
  MonoTime unfence_at_{};
  bool unfenced_ = false;
  std::vector<std::string> confirmations_;

  // Coordination.
  bool was_quorate_ = false;
  MonoTime quorate_since_{};
  struct Pending {
    policy::Order order;
    Incarnation incarnation;  // of the node it was sent to
    MonoTime send_at{};
  };
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t next_operation_ = 1;
  struct Fencing {
    MonoTime decided{}, retry_at{};
    stonith::RequestId request = 0;  // 0: not started yet
    bool of_member = false;          // it is heard, and must die all the same
    std::string reason, note;
  };
  std::map<NodeId, Fencing> fencing_;
  policy::Plan plan_;

  // Leaving.
  MonoTime leave_asked_{};
  MonoTime left_at_{};
  bool left_believed_ = false;
  bool leaving_ = false, leave_final_ = false, voter_stop_sent_ = false, voter_stopped_ = false;

  MonoTime next_heartbeat_{};
  MemberEffects out_;
};

}  // namespace fencepost::node
