// A decision for the flight recorder: what this node decided or found out, about whom, in which
// term, on which evidence. Given to qdiskd by its consumer, kept on the quorum disk.
//
// Promise: display only; nothing is ever decided on a recorded decision. The numbers of kinds are
//          on disks and are never given another meaning; a reader meets unknown ones.
// Errors:  none.
#pragma once
#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/id.h"
#include "base/lease.h"

namespace fencepost::qdiskd {

inline constexpr std::size_t kMaxDecisionText = 240;  // bytes; some 15 of the longest fit a unit

enum class DecisionKind : std::uint8_t {
  // Of qdiskd.
  kStarted = 1,
  kStopped = 2,
  kDropped = 3,  // records that did not fit into memory while the disk could not be written
  kDiskLost = 4,
  kDiskBack = 5,
  kPromises = 6,  // term: wants the disk's vote; text: after whom it waits
  kHolds = 7,     // term: has it
  kMustDrop = 8,  // term: asked its consumer to stop counting; text: why
  kConcedes = 9,  // term: no lease of it counts any more
  kConsumerGone = 10,
  kObeysMessage = 11,  // about: who sent it; text: what becomes of this node
  // Of fencepostd about its own node.
  kCoordinates = 20,  // term
  kQuorumLost = 21,   // term
  kStandsDown = 22,   // term; text: why
  kFollows = 23,      // about: the coordinator; term
  kGivesUp = 24,      // its authority as a member; text: why
  kStopsAll = 25,     // without authority everything stops
  kQuiesced = 26,     // nothing runs, nothing may start
  kLeaves = 27,
  // Of a coordinator about others.
  kMemberJoined = 40,
  kMemberLost = 41,
  kFenceDecided = 42,  // text: why
  kFenced = 43,        // text: what proved it
  kFenceFailed = 44,   // text: why
  kPowerIsOff = 45,
  kEvidence = 46,  // text: its grade
  kOrders = 47,    // text: "start address"; about: on whom
  // Of storage death (qdiskd), about the node that is told.
  kMessageSent = 48,   // text: which, by whom
  kMessageEnded = 49,  // text: which, and what proved it or why it failed
};

// At most kMaxDecisionText bytes; what is longer is cut. A plain value, as the whole of Decision
// is.
class DecisionText {
 public:
  constexpr DecisionText() = default;
  template <class Text>
  requires std::is_convertible_v<const Text&, std::string_view> DecisionText(const Text& text) {
    const std::string_view view = text;
    size_ = static_cast<std::uint16_t>(std::min(view.size(), kMaxDecisionText));
    std::copy_n(view.begin(), size_, bytes_.begin());
  }
  operator std::string_view() const { return {bytes_.data(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  friend auto operator<=>(const DecisionText&, const DecisionText&) = default;

 private:
  std::uint16_t size_ = 0;
  std::array<char, kMaxDecisionText> bytes_{};
};

struct Decision {
  DecisionKind kind = DecisionKind::kStarted;
  NodeId about;  // 0: about the one who decides
  Term term;     // 0.0: none
  DecisionText text;
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace fencepost::qdiskd
