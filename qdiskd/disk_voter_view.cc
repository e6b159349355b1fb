// What a disk voter tells others about the disk after a cycle.
#include <algorithm>

#include "qdiskd/disk_voter.h"

namespace fencepost::qdiskd {

DiskView DiskVoter::View() const {
  DiskView view;
  view.readable = readable_;
  view.began = view_began_;
  view.highest_promise = highest_promise_;
  view.highest_held = highest_held_;
  view.election = election_;
  view.disks = settings_.disks;
  for (const KnownSlot& known : region_) {
    view.nodes.push_back({known.slot.node, known.slot, IsFresh(known), IsShared(known.slot),
                          Changes(known.slot.node),
                          std::max(Duration(), known.silent_until - known.changed)});
  }
  for (const Disk& disk : disks_) {
    if (disk.trouble.empty()) ++view.disks_ready;
    if (!disk.trouble.empty() && view.trouble.empty()) view.trouble = disk.trouble;
  }
  return view;
}

// The disks show the writes of one cycle at different times. Where this has risen by n, one disk
// has shown n changes.
std::uint64_t DiskVoter::Changes(NodeId node) const {
  std::uint64_t sum = 0;
  for (const Disk& disk : disks_) {
    const KnownSlot* known = disk.memory.Find(node);
    sum += known != nullptr ? known->changes : 0;
  }
  return sum / disks_.size();
}

}  // namespace fencepost::qdiskd
