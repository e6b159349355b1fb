// Looking at a device before it becomes a quorum disk, and making it one.
//
// Promise: Examine writes nothing. Create leaves no valid superblock until every slot is in place:
//          it clears the superblocks first and writes them last, A before B, and reads all back.
// Time:    the device is watched for the caller's `watch` when it looks used by Fencepost: whoever
//          writes heartbeats changes bytes within it. kWatch is more than twice the longest cycle
//          of the stock profiles.
// Errors:  IoError of the device; kMedium when what is read back is not what was written.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "qdiskd/disk_format.h"
#include "qdiskd/mkqdisk/waiting_disk.h"

namespace fencepost::qdiskd::mkqdisk {

inline constexpr Duration kWatch = Millis(5000);
inline constexpr std::uint64_t kScratchUnit = 7;      // of the guard: --probe may write it
inline constexpr std::uint64_t kEdgeBytes = 1 << 20;  // head and tail, where signatures are

struct Findings {
  DeviceInfo info;
  Bytes head, tail;                 // up to kEdgeBytes from either end, for foreign signatures
  qdiskd::DecodedSuperblock found;  // without the key: for display and refusals only
  std::string other_quorum_disk;    // "Red Hat Cluster Suite"; empty: none
  bool living = false;              // somebody writes heartbeats
};
Result<Findings, IoError> Examine(WaitingDisk& disk, const DeviceInfo& info, Duration watch);

struct Plan {
  std::uint64_t needed_bytes = 0;
  ClusterId cluster;
  std::string signature;  // of a file system, partition table, ...; empty: none
};
// Why the device must not be initialised; empty: it may. All reasons at once.
[[nodiscard]] std::vector<std::string> WhyNot(const Findings& findings, const Plan& plan);

// REQUIRES: opened as a writer; the geometry of the superblock fits on the device.
Result<Ok, IoError> Create(WaitingDisk& disk, const qdiskd::Superblock& superblock,
                           const qdiskd::MacFunction& mac,
                           const std::function<void(NodeId)>& before_node);

}  // namespace fencepost::qdiskd::mkqdisk
