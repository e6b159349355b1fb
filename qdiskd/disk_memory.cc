#include "qdiskd/disk_memory.h"

#include <algorithm>

namespace fencepost::qdiskd {
namespace {
constexpr std::size_t kMaxRememberedPromises = 64;

// What the vote rests on; what the shell adds for people (latency, wall time) may differ.
bool IsSameWrite(const Slot& a, const Slot& b) {
  return a.boot == b.boot && a.incarnation == b.incarnation && a.sequence == b.sequence &&
         a.promise == b.promise && a.held == b.held && a.conceded == b.conceded;
}
}  // namespace

Status DiskMemory::Take(const RegionRead& read, NodeId self, const Slot* own) {
  FENCEPOST_CHECK(read.slots.size() == nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::string name = Cat("slot of node ", nodes_[i]);
    if (!read.slots[i]) return Error{name, "cannot be read (torn, rotten or foreign)", ""};
    const Slot& slot = *read.slots[i];
    if (nodes_[i] == self && own != nullptr && !IsSameWrite(slot, *own)) {
      return Error{name,
                   Cat("shows write ", slot.incarnation, "/", slot.sequence, " where ",
                       own->incarnation, "/", own->sequence, " was written"),
                   "look for a second node with this id, or a disk that loses writes"};
    }
    if (nodes_[i] == self && own == nullptr) continue;  // judged by who knows what completed
    if (known_[i] && IsNewer(known_[i]->slot, slot)) {
      return Error{name,
                   Cat("went back from ", known_[i]->slot.incarnation, "/",
                       known_[i]->slot.sequence, " to ", slot.incarnation, "/", slot.sequence),
                   "the disk was rolled back, re-initialised or answers with old data"};
    }
  }
  Term highest;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Slot& slot = *read.slots[i];
    highest = std::max(highest, slot.promise);
    const bool gone = known_[i] && IsNewer(known_[i]->slot, slot);  // only of our own slot
    if (!known_[i] || gone) {
      known_[i] = KnownSlot{slot, read.ended, read.began, 0};
    } else if (IsNewer(slot, known_[i]->slot)) {
      known_[i] = KnownSlot{slot, read.ended, read.began, known_[i]->changes + 1};
    } else {
      known_[i]->silent_until = std::max(known_[i]->silent_until, read.began);
    }
  }
  if (promises_.empty() || promises_.back().promise < highest) {
    if (promises_.size() == kMaxRememberedPromises) promises_.erase(promises_.begin());
    promises_.push_back({highest, read.ended});
  }
  return Ok{};
}

void DiskMemory::ForgetChanges() {
  for (auto& known : known_) {
    if (known) known->changes = 0;
  }
}

const KnownSlot* DiskMemory::Find(NodeId node) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i] == node) return known_[i] ? &*known_[i] : nullptr;
  }
  return nullptr;
}

std::optional<MonoTime> DiskMemory::PromiseAbove(Term term) const {
  const auto it = std::find_if(promises_.begin(), promises_.end(),
                               [&](const Seen& seen) { return seen.promise > term; });
  return it == promises_.end() ? std::nullopt : std::optional(it->at);
}

}  // namespace fencepost::qdiskd
