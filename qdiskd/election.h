// Which side of a split should win: a pure, explained function of what the nodes wrote on the disk.
//
// Promise: policy only. Safety never depends on it (R4); every node that reads the same slots comes
//          to the same answer, and `why` says it in words. A side that has a majority without the
//          disk wins, however unfit: it goes on anyway, and the others must not stop for nothing
//          (S6, L2).
// Order:   sides that can have a majority with the disk before those that cannot; then, of what
//          ElectionRules ask for, the required node while it is fit, or the holder; the votes of
//          fit nodes; votes; score; the side that holds the disk now; the lowest node id, or the
//          highest.
// Errors:  none; without a fresh slot nobody wins.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/lease.h"
#include "qdiskd/slot.h"

namespace fencepost::qdiskd {

[[nodiscard]] constexpr std::uint64_t NodeBit(NodeId node) {
  return node.value() == 0 ? 0 : std::uint64_t{1} << (node.value() - 1);
}

struct ElectionRules {
  Votes expected;             // E, of all nodes and the disk; 0: every side can have a majority
  Votes disk;                 // of the disk
  NodeId required;            // the side with it wins while it is fit; 0: none
  bool master_wins = false;   // who holds the disk keeps it
  bool highest_wins = false;  // where nothing else decides
};

struct Election {
  std::uint64_t winners = 0;  // bit set of the winning side
  int sides = 0;              // 1: everybody hears everybody
  std::string why;            // "score 100 beats 0"
  [[nodiscard]] bool Elects(NodeId node) const { return (winners & NodeBit(node)) != 0; }
};

// `fresh`: the slots that changed lately, of nodes that have not left. `holder`: the node that
// holds the disk's vote, or none. Two nodes are on one side when each says that it hears the other.
[[nodiscard]] Election Elect(const std::vector<Slot>& fresh, NodeId holder,
                             const ElectionRules& rules = {});

}  // namespace fencepost::qdiskd
