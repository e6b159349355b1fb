// A vote is a lease: the vocabulary that node voters, the disk voter and their candidate share.
//
// Promise: the holder of a vote always gives up before its voter grants it to another (rule R3).
// Time:    all durations are local; the holder counts D from before it asked, the voter counts
//          (1+drift)*D + eps from its answer.
// Source:  DESIGN section 1, rules R1-R6.
#pragma once
#include <compare>
#include <cstdint>

#include "base/id.h"
#include "base/text.h"
#include "base/time.h"

namespace fencepost {

// Names exactly one holder: the low byte is the candidate's node, the rest a counter that this
// node made durable before it used the term. Terms of all nodes and the disk are one order.
class Term {
 public:
  constexpr Term() = default;
  constexpr Term(std::uint64_t counter, NodeId node) : value_(counter << 8 | node.value()) {}
  [[nodiscard]] static constexpr Term FromValue(std::uint64_t value) {
    Term term;
    term.value_ = value;
    return term;
  }
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  [[nodiscard]] constexpr std::uint64_t counter() const { return value_ >> 8; }
  [[nodiscard]] constexpr NodeId node() const {
    return NodeId(static_cast<std::uint8_t>(value_ & 0xFF));
  }
  [[nodiscard]] constexpr bool IsNone() const { return value_ == 0; }
  friend constexpr auto operator<=>(Term, Term) = default;

 private:
  std::uint64_t value_ = 0;
};
// "17.2": the 17th term of node 2.
inline std::string ToText(Term t) { return Cat(t.counter(), ".", t.node()); }

// The times of one lease; the same on all nodes of a cluster (they are part of its configuration).
struct LeaseTimes {
  Duration lease{};      // D: how long a holder may count a vote, from before it asked
  Duration lease_max{};  // Lmax: the largest D ever committed; >= lease; what restart waits use
  DriftPpm drift = 0;    // the most two clocks differ in rate
  Duration eps{};        // scheduling guard between holder and voter
  friend bool operator==(const LeaseTimes&, const LeaseTimes&) = default;
};

// Holder: the last instant of a vote that was asked for at `asked` (exclusive).
[[nodiscard]] constexpr MonoTime HolderDeadline(MonoTime asked, const LeaseTimes& t) {
  return asked + t.lease;
}
// Voter: from this instant a vote answered at `answered` may go to another.
[[nodiscard]] constexpr MonoTime VoterDeadline(MonoTime answered, const LeaseTimes& t) {
  return answered + Inflate(t.lease, t.drift) + t.eps;
}
// Voter: from this instant after a start at `started` it may grant at all (rule R2).
[[nodiscard]] constexpr MonoTime RestartDeadline(MonoTime started, const LeaseTimes& t) {
  return started + Inflate(t.lease_max, t.drift) + t.eps;
}

// One vote in the hand of this node's candidate.
struct Lease {
  Term term;
  MonoTime deadline{};  // the holder stops counting at this instant of its own clock
  friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace fencepost
