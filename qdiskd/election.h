// Which side of a split should win: a pure, explained function of what the nodes wrote on the disk.
//
// Promise: policy only. Safety never depends on it (R4); every node that reads the same slots comes
//          to the same answer, and `why` says it in words.
// Order:   votes, then score, then the side that holds the disk now, then the lowest node id.
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

struct Election {
  std::uint64_t winners = 0;  // bit set of the winning side
  int sides = 0;              // 1: everybody hears everybody
  std::string why;            // "score 100 beats 0"
  [[nodiscard]] bool Elects(NodeId node) const { return (winners & NodeBit(node)) != 0; }
};

// `fresh`: the slots that changed lately, of nodes that have not left. `holder`: the node that
// holds the disk's vote, or none. Two nodes are on one side when each says that it hears the other.
[[nodiscard]] Election Elect(const std::vector<Slot>& fresh, NodeId holder);

}  // namespace fencepost::qdiskd
