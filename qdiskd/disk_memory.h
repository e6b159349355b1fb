// What this node remembers of one disk: the newest slot of each node, when it last changed, and
// when it first read a promise of at least some term.
//
// Promise: a slot that goes backwards, an unreadable slot, or an own slot that is not what was
//          written last makes the whole read worthless; it is never "empty" and never believed.
// Time:    a change counts from when the read that showed it ended, silence up to when a read began
//          that still showed it; a promise is known from when the read that showed it ended (R5).
// Errors:  Take says in words what was wrong with a read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qdiskd/slot.h"

namespace fencepost::qdiskd {

// One read of the heartbeat region. A slot that could not be decoded is nullopt.
struct RegionRead {
  MonoTime began{}, ended{};
  std::vector<std::optional<Slot>> slots;  // one for each configured node, in their order
};

struct KnownSlot {
  Slot slot;
  MonoTime changed{};         // end of the read that first showed this sequence
  MonoTime silent_until{};    // begin of the last read that still showed it
  std::uint64_t changes = 0;  // how often it was seen to change since this disk was opened
};

class DiskMemory {
 public:
  // `nodes`: the configured nodes, in the order of RegionRead::slots.
  explicit DiskMemory(std::vector<NodeId> nodes)
      : nodes_(std::move(nodes)), known_(nodes_.size()) {}

  // `own` is what this node wrote last in this session. nullptr: it has not written in it, and its
  // slot is taken as it is: a write that never completed may have been seen and be gone again.
  Status Take(const RegionRead& read, NodeId self, const Slot* own);
  // After the session was opened anew; promises and newest slots stay known.
  void ForgetChanges();

  [[nodiscard]] const std::vector<std::optional<KnownSlot>>& known() const { return known_; }
  [[nodiscard]] const KnownSlot* Find(NodeId node) const;
  // When this node first knew of a promise above `term` on this disk; nullopt: not yet.
  [[nodiscard]] std::optional<MonoTime> PromiseAbove(Term term) const;

 private:
  struct Seen {
    Term promise;
    MonoTime at;
  };
  std::vector<NodeId> nodes_;
  std::vector<std::optional<KnownSlot>> known_;
  std::vector<Seen> promises_;  // rising; bounded: forgetting an old one only lengthens a wait
};

}  // namespace fencepost::qdiskd
