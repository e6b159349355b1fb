// This node's own vote: granted as a lease to one candidate at a time.
//
// Promise (rules R1, R2): while a grant is live it answers busy to every other term and keeps no
//          trace of it; a term below the highest it ever granted is never granted; what it grants
//          is durable before it answers. After a start it grants nothing for a full lease of the
//          longest kind, unless its last stop was clean: no grant live, own restart wait over, and
//          that recorded durably. The record is erased in the same write that grants the next term.
//          A voter that has no durable state refuses to vote until it is initialised by an
//          operator.
// Time:    handed in; the voter counts a grant from its answer (R3).
// Errors:  a Store that failed is final for this run: the voter votes no more and says so.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/fact.h"
#include "base/lease.h"
#include "base/result.h"

namespace fencepost::quorum {

// What survives power loss.
struct VoterState {
  Term highest_granted;
  Duration lease_max{};     // the longest lease this voter ever granted
  bool clean_stop = false;  // no grant was live at the last stop, and no restart wait was due
  friend bool operator==(const VoterState&, const VoterState&) = default;
};
[[nodiscard]] Bytes EncodeVoterState(const VoterState& state);
[[nodiscard]] Result<VoterState> DecodeVoterState(ByteView bytes);

namespace voter {
struct Ask {  // a candidate wants, or renews, this vote
  NodeId from;
  Term term;
  std::uint64_t ask_id;  // echoed, so that the candidate knows what it asked when
};
struct Stored {
  bool ok;
};
struct Release {  // the holder counts nothing of this term any more
  Term term;
};
struct Stop {};  // orderly end: record it if it is true
}  // namespace voter
using NodeVoterEvent = std::variant<voter::Ask, voter::Stored, voter::Release, voter::Stop>;

struct Answer {
  NodeId to;
  Term term;
  std::uint64_t ask_id = 0;
  bool granted = false;
  Term highest;     // granted by this voter so far: a candidate must go above it
  Duration busy{};  // how long a live grant or the restart wait will stand in the way, at most
};

struct NodeVoterEffects {
  std::optional<VoterState> store;
  std::vector<Answer> answers;
  std::vector<Fact> facts;
  bool stopped = false;  // after Stop: what had to be stored is stored
};

class NodeVoter {
 public:
  // `state`: nullopt when nothing was ever stored on this node.
  NodeVoter(NodeId self, LeaseTimes times, std::optional<VoterState> state, MonoTime started);
  NodeVoterEffects Step(MonoTime now, const NodeVoterEvent& event);

  // The live grant, if any, for status and for R8.
  [[nodiscard]] std::optional<Lease> Grant(MonoTime now) const;
  [[nodiscard]] bool HasState() const { return state_.has_value(); }
  [[nodiscard]] MonoTime GrantsFrom() const { return grants_from_; }

 private:
  void On(MonoTime now, const voter::Ask& e);
  void On(MonoTime now, const voter::Stored& e);
  void On(MonoTime now, const voter::Release& e);
  void On(MonoTime now, const voter::Stop& e);
  void Give(MonoTime now, const voter::Ask& ask);
  void Refuse(MonoTime now, const voter::Ask& e);
  [[nodiscard]] bool Live(MonoTime now) const;

  NodeId self_;
  LeaseTimes times_;
  std::optional<VoterState> state_;  // what is durable, or is being stored
  MonoTime grants_from_{};           // R2
  bool broken_ = false;              // a store failed
  bool storing_ = false;
  std::optional<voter::Ask> waiting_;  // granted in mind, answered when durable
  bool stopping_ = false;
  Term granted_;      // the current grant; none: nobody holds it
  Term released_;     // never granted again
  MonoTime until_{};  // the voter's deadline of the current grant
  NodeVoterEffects out_;
};

}  // namespace fencepost::quorum
