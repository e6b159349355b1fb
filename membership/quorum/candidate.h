// This node as a candidate and, when it wins, as the coordinator: it collects leases on votes.
//
// Promise: QuorateUntil is the instant (of this node's clock, exclusive) up to which leases of one
//          term add up to more than E/2. Each lease counts from before it was asked for (R3).
//          An answer of another term, or to a term given up, is ignored. A term is used once, and
//          its counter is durable before the first question.
//          QuorateUntil(now, since) counts only votes asked for at or after `since`: what an act
//          decided at `since` may rely on (R8).
// Time:    handed in. Errors: none; lost answers are asked for again each interval.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fact.h"
#include "base/lease.h"

namespace fencepost::quorum {

struct CandidateSettings {
  NodeId self;
  std::map<NodeId, Votes> nodes;  // all configured voters, self included
  Votes disk_votes;               // 0: no quorum disk
  LeaseTimes times;
  Duration interval{};  // between questions
};

namespace candidate {
struct Stand {};  // become a candidate with a new term
struct CounterStored {
  bool ok;
};
struct Answered {
  NodeId from;
  Term term;
  std::uint64_t ask_id;
  bool granted;
  Term highest;
};
struct DiskHeld {
  Lease lease;
};
struct DiskRefused {
  Term term;
  Term seen;
};
struct DiskLost {  // the disk's lease is given up: it counts no more
  Term term;
};
struct SawTerm {  // a term seen anywhere: later ones must be higher
  Term term;
};
// Give up. REQUIRES: nothing that relies on the term runs any more (no fence child lives).
struct StandDown {};
struct Tick {};
}  // namespace candidate
using CandidateEvent =
    std::variant<candidate::Stand, candidate::CounterStored, candidate::Answered,
                 candidate::DiskHeld, candidate::DiskRefused, candidate::DiskLost,
                 candidate::SawTerm, candidate::StandDown, candidate::Tick>;

struct Question {
  NodeId to;
  Term term;
  std::uint64_t ask_id;
};
struct WantDisk {
  Term term;
  bool enough_votes;  // R4
};

struct CandidateEffects {
  std::optional<std::uint64_t> store_counter;  // durable, then CounterStored
  std::vector<Question> questions;
  std::optional<WantDisk> want_disk;
  Term released;        // not none: tell every voter and the disk that it is over
  bool outbid = false;  // the term is hopeless: a voter granted, or the disk promised, a higher one
  std::vector<Fact> facts;
  MonoTime wake_at = kNever;
};

struct HeldVote {
  Votes votes;
  MonoTime asked{};
  MonoTime deadline{};
};

class Candidate {
 public:
  Candidate(CandidateSettings settings, std::uint64_t stored_counter);
  CandidateEffects Step(MonoTime now, const CandidateEvent& event);

  [[nodiscard]] Term term() const { return term_; }  // none: not a candidate
  [[nodiscard]] Term highest_seen() const { return seen_; }
  [[nodiscard]] std::uint64_t expected() const { return expected_; }  // E
  [[nodiscard]] std::uint64_t VotesHeld(MonoTime now) const;
  // nullopt: not quorate now.
  [[nodiscard]] std::optional<MonoTime> QuorateUntil(MonoTime now,
                                                     MonoTime since = MonoTime()) const;
  [[nodiscard]] const std::map<NodeId, HeldVote>& node_votes() const { return held_; }
  [[nodiscard]] const std::optional<HeldVote>& disk_vote() const { return disk_; }

 private:
  void On(MonoTime now, const candidate::Stand& e);
  void On(MonoTime now, const candidate::CounterStored& e);
  void On(MonoTime now, const candidate::Answered& e);
  void On(MonoTime now, const candidate::DiskHeld& e);
  void On(MonoTime now, const candidate::DiskRefused& e);
  void On(MonoTime now, const candidate::DiskLost& e);
  void On(MonoTime now, const candidate::SawTerm& e);
  void On(MonoTime now, const candidate::StandDown& e);
  void On(MonoTime now, const candidate::Tick& e);
  void StoreCounter();
  void AskAll(MonoTime now);
  void AskDisk(MonoTime now);
  [[nodiscard]] std::uint64_t NodeVotesHeld(MonoTime now) const;

  CandidateSettings settings_;
  std::uint64_t expected_ = 0;
  std::uint64_t used_;  // durable counter
  Term term_;
  std::optional<std::uint64_t> storing_;  // the counter under way; term_ is not used before
  Term seen_;
  std::uint64_t next_ask_ = 1;
  std::map<std::uint64_t, std::pair<NodeId, MonoTime>> asked_;  // of this term, not answered yet
  std::map<NodeId, HeldVote> held_;
  std::optional<HeldVote> disk_;
  MonoTime next_questions_{};
  CandidateEffects out_;
};

}  // namespace fencepost::quorum
