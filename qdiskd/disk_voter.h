// The disk's vote: one value that takes events and answers with effects. It keeps this node's
// heartbeat on one or three quorum disks, and it promises, waits, holds, renews and concedes the
// vote there for one term at a time. A majority of the disks is "the disk".
//
// Promise (rules R3-R6 of DESIGN section 1):
//   - A lease it reports counts from before the cycle's first write was issued, and only if on a
//     majority of disks the write completed, then a read begun after it succeeded, and no read
//     showed a higher promise.
//   - A term is held only after its activation wait: (1+drift)*L+eps from when this value has read,
//     on a majority of disks, a promise above the term held before. Shortened only by that holder's
//     concession, its new boot identity, or its power device reporting off to a query begun later.
//   - A promise is never lowered on any disk; a disk is not written before its own slot there was
//     read in a session behind a write barrier; one write at a time.
//   - The first write of an incarnation waits until the local consumers dropped what an earlier one
//     gave them (ConsumersDropped), or until such a lease is over.
//   - `conceded` is written only after the consumer said Dropped.
// Time:    handed in with each event, local, monotonic.
// Errors:  a failed I/O is an event; trouble is a fact and a Notice. A slot written by somebody
// else
//          under this node's name is fatal: `stopped` names it.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fact.h"
#include "base/lease.h"
#include "qdiskd/disk_memory.h"
#include "qdiskd/election.h"
#include "qdiskd/slot.h"

namespace fencepost::qdiskd {

inline constexpr int kMaxDisks = 3;

struct VoterSettings {
  NodeId self;
  std::vector<NodeId> nodes;  // all configured nodes, self included, in slot order
  int disks = 1;              // 1 or 3
  LeaseTimes times;
  Duration interval{};    // one cycle
  Duration io_timeout{};  // of one write or read
  int tko = 0;            // a slot that did not change for tko cycles is stale
  ElectionRules rules;    // the same on all nodes
  std::string version;
};

namespace event {
struct DiskReady {  // a new session behind its write barrier, right superblock
  int disk;
};
struct DiskLost {  // the session is over; what was under way may or may not have landed
  int disk;
  std::string why;
};
struct WriteDone {  // success only: a write that failed is a DiskLost
  int disk;
};
struct ReadDone {
  int disk;
  RegionRead read;
};
struct Wake {};
struct ConsumersDropped {};  // nobody on this node counts a lease of an earlier incarnation
struct Want {                // the candidate asks for the disk's vote for `term`
  Term term;
  bool enough_votes;  // R4: node votes it holds now + the disk's votes > E/2
};
struct Dropped {  // the consumer counts no lease up to `term` any more
  Term term;
};
struct Report {
  NodeReport report;
};
struct PowerIsOff {  // the node's power device answered off to a query begun at `asked`
  NodeId node;
  MonoTime asked;
};
}  // namespace event
using VoterEvent = std::variant<event::DiskReady, event::DiskLost, event::WriteDone,
                                event::ReadDone, event::Wake, event::ConsumersDropped, event::Want,
                                event::Dropped, event::Report, event::PowerIsOff>;

namespace notice {
struct Held {  // the lease: valid for the consumer until its deadline, whatever comes later
  Lease lease;
};
struct Waiting {  // promised; a power query begun after `since` that says off would end the wait
  Term term;
  Term before;  // h, the term held before: its holder is before.node()
  MonoTime since;
  MonoTime until;
};
struct MustDrop {  // stop counting leases up to `term`, then answer Dropped
  Term term;
  std::string why;
};
struct Refused {  // this candidacy is over; `seen` is the highest promise on the disk
  Term term;
  Term seen;
  std::string why;
};
}  // namespace notice
using VoterNotice = std::variant<notice::Held, notice::Waiting, notice::MustDrop, notice::Refused>;

struct DiskWrite {
  int disk;
  Slot slot;
  MonoTime deadline;
};
struct DiskRead {
  int disk;
  MonoTime deadline;
};

struct VoterEffects {
  std::vector<DiskWrite> writes;
  std::vector<DiskRead> reads;
  std::vector<VoterNotice> notices;
  std::vector<Fact> facts;
  std::string stopped;        // not empty: fatal, this node must not write any more
  bool cycle_done = false;    // View() has news
  MonoTime wake_at = kNever;  // send Wake then; every Step gives it anew
};

// What everybody may know about the disk after a cycle.
struct NodeOnDisk {
  NodeId node;
  Slot slot;
  bool fresh = false;
  // Its present life (boot and incarnation) was seen to write on a majority of the disks, each in
  // the present session: these are the disks it uses, and no copies of them.
  bool shared = false;
  std::uint64_t changes = 0;  // observed changes; see membership's use as evidence
  Duration silent{};          // for how long it is known not to have changed
};
struct DiskView {
  bool readable = false;  // the last cycle had a majority of disks
  MonoTime began{};       // begin of the earliest read of the last good cycle
  std::vector<NodeOnDisk> nodes;
  Term highest_promise, highest_held;
  Election election;
  int disks_ready = 0, disks = 0;
  std::string trouble;  // why a disk is not ready, for people
};

enum class VotePhase { kIdle, kPromising, kWaiting, kHolding, kDropping, kConceding };

class DiskVoter {
 public:
  DiskVoter(VoterSettings settings, BootId boot, Incarnation incarnation, MonoTime started);

  VoterEffects Step(MonoTime now, const VoterEvent& event);
  // REQUIRES: after the effect that asked for it. The current state, for status.
  [[nodiscard]] DiskView View() const;
  [[nodiscard]] VotePhase phase() const { return phase_; }
  [[nodiscard]] Term term() const { return term_; }
  [[nodiscard]] std::optional<MonoTime> activates_at() const { return activate_at_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }
  // Why this disk is not in use; empty: it is.
  [[nodiscard]] const std::string& Trouble(int disk) const {
    return disks_.at(static_cast<std::size_t>(disk)).trouble;
  }
  // Every sentence of the last Dropped or Report has reached a majority of disks.
  [[nodiscard]] bool Published() const { return published_ == wanted_; }

 private:
  enum class DiskPhase { kDown, kLearning, kIdle, kWriting, kReading };
  struct Disk {
    DiskPhase phase = DiskPhase::kDown;
    DiskMemory memory;
    Term floor;                     // never write a promise below it here
    std::optional<Slot> own;        // what was written last and completed
    std::optional<Slot> completed;  // the same, of any session
    Slot under_way;                 // what is being written or being checked by the read
    std::uint64_t cycle = 0;        // the cycle its pipeline belongs to
    bool done = false;              // write, then read, of that cycle succeeded
    bool learn_pending = false;     // the read of kLearning is under way
    std::string trouble = "not opened yet";
    explicit Disk(const std::vector<NodeId>& nodes) : memory(nodes) {}
  };

  void On(MonoTime now, const event::DiskReady& e);
  void On(MonoTime now, const event::DiskLost& e);
  void On(MonoTime now, const event::WriteDone& e);
  void On(MonoTime now, const event::ReadDone& e);
  void On(MonoTime now, const event::Wake& e);
  void On(MonoTime now, const event::ConsumersDropped& e);
  void On(MonoTime now, const event::Want& e);
  void On(MonoTime now, const event::Dropped& e);
  void On(MonoTime now, const event::Report& e);
  void On(MonoTime now, const event::PowerIsOff& e);

  void Learn(MonoTime now, int index, const RegionRead& read);
  void LoseDisk(Disk& disk, const std::string& why);
  bool SomebodyElseIsUs(const RegionRead& read);
  void StopTakenOver(const Slot& slot);
  [[nodiscard]] bool SlotIsOurs(MonoTime now, Disk& disk, const KnownSlot& own);
  void MayStartCycle(MonoTime now);
  void StartCycle(MonoTime now);
  void WriteTo(MonoTime now, int index);
  void MayFinishCycle(MonoTime now);
  void FinishCycle(MonoTime now, bool good);
  void TakeStock();
  void AfterPromise(MonoTime now);
  void CheckShortcuts(MonoTime now);
  void AfterRenewal();
  void CheckConcession();
  void Refuse(Term seen, const std::string& why);
  void Drop(const std::string& why);
  [[nodiscard]] bool MayPromise() const;
  [[nodiscard]] bool HolderConceded(Term held) const;
  [[nodiscard]] bool HolderHasNewBoot(Term held) const;
  [[nodiscard]] bool IsFresh(const KnownSlot& known) const;
  [[nodiscard]] std::uint64_t Changes(NodeId node) const;
  [[nodiscard]] bool IsShared(const Slot& newest) const;
  [[nodiscard]] int DoneDisks() const;
  [[nodiscard]] int Majority() const { return settings_.disks / 2 + 1; }
  Fact& Say(Severity severity, std::string_view name);

  VoterSettings settings_;
  BootId boot_;
  Incarnation incarnation_;
  MonoTime may_publish_at_;  // R6: then the leases of an earlier incarnation are over
  bool written_ = false;     // this incarnation has written somewhere
  struct Claim {
    Slot slot;
    MonoTime seen;
  };
  std::optional<Claim> claimed_;  // our slot when it first knew later starts than we do
  std::vector<Disk> disks_;
  std::uint64_t sequence_ = 0;
  std::string stopped_;

  VotePhase phase_ = VotePhase::kIdle;
  Term term_;  // wanted, promised or held
  bool enough_votes_ = false;
  Term held_, conceded_;  // as published by this node
  BootId held_boot_;
  Term before_;             // h: the term held before, read after the own promise
  MonoTime before_read_{};  // when the read that showed h ended
  std::optional<MonoTime> activate_at_;
  std::map<NodeId, MonoTime> off_;  // power queries that said off: when the latest began
  NodeReport report_;
  std::uint64_t wanted_ = 0, published_ = 0;  // versions of what the slot should say, and says

  struct Cycle {
    std::uint64_t number = 0;
    bool open = false;
    bool promises = false, renews = false;
    Term term;
    std::uint64_t version = 0;
    MonoTime began{};  // R3: before the first write of the cycle was issued
  };
  Cycle cycle_;
  MonoTime next_cycle_{};

  // What the last good cycle showed, over its majority of disks.
  bool readable_ = false;
  Term foreign_promise_, highest_promise_, highest_held_;
  MonoTime view_began_{}, view_ended_{};
  std::vector<KnownSlot> region_;  // the newest slot of each node
  Election election_;
  int lost_cycles_ = 0;  // consecutive cycles in which another side was elected
  VoterEffects out_;
};

}  // namespace fencepost::qdiskd
