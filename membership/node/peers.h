// What this node knows of one other node: what it heard over the network, what the quorum disk
// shows, and, while this node coordinates, why it may believe that the other runs nothing.
//
// Promise: a packet is taken only if its (incarnation, counter) is above all taken before: old and
//          repeated packets, and those of an earlier start, are refused.
//          Evidence counts only from `since`: the later of becoming quorate and losing the node. A
//          claim of the node itself (quiesced) counts when two changes of its slot were seen after
//          that: the second one was written entirely after it. Without a quorum disk its message
//          that it left counts when it answers one of ours that was sent after that.
//          What devices cut a node off from, while it may live, counts only when it was seen by a
//          query begun after the last authority that the node may have had is over: until then it
//          could have switched itself on again, and have obeyed an order that came late. A node
//          that is cut off is no member again before it runs nothing.
// Time:    handed in. Errors: none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/lease.h"
#include "membership/messaging/wire_format.h"
#include "membership/policy/policy.h"
#include "qdiskd/disk_voter.h"

namespace fencepost::node {

// Without a quorum disk a node that leaves says so in its heartbeats, in answer to the receiver's
// `echo`: it runs nothing, and this incarnation never will again. A quorate coordinator that
// believes it says that.
[[nodiscard]] inline bool SaysLeft(const messaging::Heartbeat& beat) {
  return beat.leaving && beat.quiesced && !beat.quorate && beat.echo != 0;
}
[[nodiscard]] inline bool SaysLeftIsBelieved(const messaging::Heartbeat& beat) {
  return beat.quorate && beat.echo != 0 && beat.remaining == Duration();
}

class Peer {
 public:
  // False: stale or repeated. Takes note of the counter otherwise.
  bool Accept(const messaging::Packet& packet);
  void Hear(MonoTime now, const messaging::Packet& packet, const messaging::Heartbeat& heartbeat);
  void SeeOnDisk(const qdiskd::NodeOnDisk& on_disk, MonoTime read_began);
  void DiskUnreadable() { disk_.reset(); }
  // It gave this term up; a heartbeat that says so may have been overtaken.
  void TermIsOver(Term term) { heartbeat_.quorate = heartbeat_.quorate && heartbeat_.term != term; }
  // Without a quorum disk, after Hear; `own`: this daemon's incarnation.
  void WeighMessage(Incarnation own);

  [[nodiscard]] bool IsHeard(MonoTime now, Duration timeout) const {
    return ever_heard_ && !silent_ && now - heard_at_ < timeout;
  }
  [[nodiscard]] bool EverHeard() const { return ever_heard_; }
  [[nodiscard]] const messaging::Heartbeat& heartbeat() const { return heartbeat_; }
  [[nodiscard]] std::uint64_t heartbeat_counter() const { return heartbeat_counter_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }
  [[nodiscard]] const std::optional<qdiskd::NodeOnDisk>& on_disk() const { return disk_; }
  // Its current qdiskd is alive on the disk that this node reads.
  [[nodiscard]] bool SharesTheDisk() const;

  // Coordinator's side. Lose: it is no member from now on, evidence starts at `now`.
  // `obeys_until`: when the last authority it may have been given is over. `sent`: the newest
  // counter that this node had sent by then.
  void Lose(MonoTime now, MonoTime obeys_until = kNever, std::uint64_t sent = kNoAnswerCounts);
  // Likewise, and whatever boot it is in may have obeyed another coordinator.
  void BeginReign(MonoTime now, MonoTime obeys_until = kNever,
                  std::uint64_t sent = kNoAnswerCounts);
  void Join();
  [[nodiscard]] bool IsMember() const { return member_; }
  [[nodiscard]] bool WasMemberInThisIncarnation() const {
    return member_incarnation_ == incarnation_ && incarnation_.value() != 0;
  }
  [[nodiscard]] MonoTime lost_at() const { return since_; }
  // Its power device answered off to a query begun at `asked`.
  void PowerIsOff(MonoTime asked);
  // Its devices cut it off from this, as a query begun at `asked` saw.
  void CutOff(MonoTime asked, const Coverage& from);
  [[nodiscard]] const Coverage& cut() const { return cut_; }
  [[nodiscard]] MonoTime obeys_until() const { return obeys_until_; }
  [[nodiscard]] bool MayJoin() const {
    return !cut_.Any() || evidence_.has_value() || heartbeat_.quiesced;
  }
  // A named operator vouches that it is off. Any sign of life withdraws that.
  // REQUIRES: it is no member.
  void Confirm();
  [[nodiscard]] std::optional<policy::Grade> evidence() const { return evidence_; }

 private:
  static constexpr std::uint64_t kNoAnswerCounts = UINT64_MAX;
  void WeighClaims(MonoTime read_began);

  bool ever_heard_ = false;
  bool silent_ = false;  // it was seen off after it was heard last
  MonoTime heard_at_{};
  Incarnation incarnation_;
  std::uint64_t counter_ = 0;            // the highest of any packet
  std::uint64_t heartbeat_counter_ = 0;  // of the newest heartbeat
  messaging::Heartbeat heartbeat_;
  std::optional<qdiskd::NodeOnDisk> disk_;

  bool member_ = false;
  Incarnation member_incarnation_;
  // The boot in which it may have run something, and the incarnation of its qdiskd in that boot.
  BootId member_boot_;
  Incarnation member_disk_incarnation_;
  MonoTime since_{};
  MonoTime obeys_until_ = kNever;
  Coverage cut_;
  std::uint64_t sent_before_ = kNoAnswerCounts;  // up to `since_`
  std::optional<std::uint64_t> baseline_;  // its changes in the first view read after `since_`
  std::optional<policy::Grade> evidence_;
  std::uint64_t confirmed_changes_ = 0;  // of its slot, when it was confirmed to be off
};

// In words: why it is believed to do no harm; empty: it is not.
[[nodiscard]] std::string EvidenceText(const Peer& peer);

}  // namespace fencepost::node
