// The slots of a disk, read again each cycle: what did not change is not checked again.
//
// Promise: Decode returns what DecodeHeartbeats would: checking is a pure function, so the same
// bytes
//          at the same place give the same pair. Of 64 nodes half the copies change in a cycle, and
//          slots without a writer never do.
// Ownership: keeps a copy of the region it saw last (8 KiB a node).
#pragma once
#include <optional>
#include <vector>

#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd {

class HeartbeatCache {
 public:
  explicit HeartbeatCache(MacFunction mac) : mac_(std::move(mac)) {}
  // As DecodeHeartbeats; valid until the next call. REQUIRES: what that one requires.
  const std::vector<SlotPair>& Decode(ByteView region, const Geometry& geometry,
                                      const DiskIdentity& identity);

 private:
  const MacFunction mac_;
  std::optional<Geometry> geometry_;  // those of region_
  DiskIdentity identity_;
  Bytes region_;
  std::vector<SlotPair> pairs_;
};

}  // namespace fencepost::qdiskd
