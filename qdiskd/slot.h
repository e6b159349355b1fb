// What one node says on the quorum disk: its heartbeat and its ballot, in one slot written by this
// node alone. One write carries both, so that no reader sees the one without the other.
//
// Promise: a promise in a slot is never lowered (R5a); held is written only after the activation
//          wait of its term (R5); conceded only after the consumers dropped the lease (R6).
// Time:    sequence rises by one with each write of an incarnation; readers order by
//          (incarnation, sequence) and compare no clock values. Wall time is for display only.
// Errors:  none here; what cannot be decoded never becomes a Slot.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "base/id.h"
#include "base/lease.h"
#include "base/time.h"

namespace fencepost::qdiskd {

// What the node's daemon asks qdiskd to publish about itself.
struct NodeReport {
  std::uint64_t view = 0;  // bit i: this node hears node i over the network (its own bit is set)
  std::int32_t score = 0;  // configured, and from heuristics; higher wins a split
  Votes votes{1};          // this node's votes
  bool quorate = false;    // its partition has a quorate coordinator
  // It runs no resource, has dropped all authority to start one, and obeys no order that answers a
  // message it sent before this was written.
  bool quiesced = false;
  bool left = false;   // quiesced, and its daemon ended in an orderly way
  bool unfit = false;  // its heuristics' score is below min_score: fit sides win first
  friend bool operator==(const NodeReport&, const NodeReport&) = default;
};

// Latencies of this node's own I/O on this disk over the last cycles, in microseconds.
struct IoLatency {
  std::uint32_t p50_us = 0, p99_us = 0, max_us = 0;
  friend bool operator==(const IoLatency&, const IoLatency&) = default;
};

struct Slot {
  NodeId node;
  BootId boot;
  Incarnation incarnation;     // 0 with sequence 0: never written since the disk was initialised
  std::uint64_t sequence = 0;  // of this incarnation
  Term promise;                // no renewal of a lower term succeeds after this is readable
  Term held;                   // the highest term this node has held
  BootId held_boot;            // the boot in which it held it
  Term conceded;               // no lease of a term up to this is counted on this node any more
  NodeReport report;
  Duration interval{};  // the writer's cycle; a reader's measure of "stale"
  IoLatency latency;
  std::uint64_t wall_ms = 0;  // milliseconds since 1970, display only
  std::string version;        // of the writer's software, at most 15 characters

  [[nodiscard]] bool IsBlank() const { return incarnation.value() == 0 && sequence == 0; }
  friend bool operator==(const Slot&, const Slot&) = default;
};

// (incarnation, sequence): the order of writes into one slot.
[[nodiscard]] inline bool IsNewer(const Slot& a, const Slot& b) {
  return a.incarnation != b.incarnation ? a.incarnation > b.incarnation : a.sequence > b.sequence;
}

}  // namespace fencepost::qdiskd
