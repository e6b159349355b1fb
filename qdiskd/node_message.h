// What one node may tell another over the quorum disk, and what the other answers: storage death.
// The words are those of SBD: test, reset, off, exit, crashdump.
//
// Promise: an out-box is written by its sender alone, an acknowledgement by the target alone. A
//          message names the boot of the target that its sender saw (and the start of qdiskd): it
//          means that life of the node and no later one. (incarnation of the sender, number) names
//          a message for ever.
// Time:    no clock value crosses the disk: until when a message counts is the sender's to know. It
//          writes its out-box anew in every cycle for as long, and a target obeys only what it sees
//          written anew. Wall time is for display.
// Errors:  none here; what cannot be decoded never becomes a box.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/lease.h"
#include "base/time.h"

namespace fencepost::qdiskd {

enum class MessageKind : std::uint8_t {  // never given another meaning
  kTest = 1,                             // answer; nothing else happens
  kReset = 2,                            // the node starts anew, at once
  kOff = 3,                              // the node powers itself off, at once
  kExit = 4,                             // qdiskd ends in an orderly way
  kCrashdump = 5,                        // the kernel panics, for kdump
};
[[nodiscard]] constexpr bool IsMessageKind(std::uint8_t value) { return value >= 1 && value <= 5; }
[[nodiscard]] constexpr bool Kills(MessageKind kind) {
  return kind == MessageKind::kReset || kind == MessageKind::kOff ||
         kind == MessageKind::kCrashdump;
}
[[nodiscard]] constexpr std::string_view ToText(MessageKind kind) {
  switch (kind) {
    case MessageKind::kTest:
      return "test";
    case MessageKind::kReset:
      return "reset";
    case MessageKind::kOff:
      return "off";
    case MessageKind::kExit:
      return "exit";
    case MessageKind::kCrashdump:
      return "crashdump";
  }
  return "unknown";
}
[[nodiscard]] constexpr std::optional<MessageKind> MessageKindOf(std::string_view word) {
  for (const auto kind : {MessageKind::kTest, MessageKind::kReset, MessageKind::kOff,
                          MessageKind::kExit, MessageKind::kCrashdump}) {
    if (ToText(kind) == word) return kind;
  }
  return std::nullopt;
}

enum class MessagePhase : std::uint8_t {  // never given another meaning
  kReceived = 1,                          // reserved for a target that acts later
  kResetting = 2,                         // it dies now; its heartbeats have ended
  kDone = 3,
  kRefused = 4,  // it may not be obeyed: its sender's term is over
};
[[nodiscard]] constexpr bool IsMessagePhase(std::uint8_t value) { return value >= 1 && value <= 4; }
[[nodiscard]] constexpr std::string_view ToText(MessagePhase phase) {
  switch (phase) {
    case MessagePhase::kReceived:
      return "received";
    case MessagePhase::kResetting:
      return "resetting";
    case MessagePhase::kDone:
      return "done";
    case MessagePhase::kRefused:
      return "refused";
  }
  return "unknown";
}

struct OutMessage {
  NodeId to;
  MessageKind kind = MessageKind::kTest;
  std::uint64_t number = 0;  // of this incarnation of the sender's qdiskd, rising
  Term term;                 // the sender's, whose end ends the message; 0: of no term
  BootId to_boot;            // both as the sender saw them when it was asked
  Incarnation to_incarnation;
  friend bool operator==(const OutMessage&, const OutMessage&) = default;
};

struct Outbox {
  NodeId node;
  BootId boot;
  Incarnation incarnation;
  std::uint64_t sequence = 0, wall_ms = 0;
  std::vector<OutMessage> messages;  // at most one a target, in the order of their targets
  friend bool operator==(const Outbox&, const Outbox&) = default;
};

struct Acknowledgement {
  NodeId from;  // whose message
  Incarnation from_incarnation;
  std::uint64_t number = 0;
  MessageKind kind = MessageKind::kTest;
  MessagePhase phase = MessagePhase::kReceived;
  // Of kResetting: an armed hardware watchdog, which nobody feeds any more, resets the node within
  // this. 0: there is none.
  Duration watchdog{};  // whole milliseconds
  friend bool operator==(const Acknowledgement&, const Acknowledgement&) = default;
};

struct AckBox {
  NodeId node;
  BootId boot;
  Incarnation incarnation;
  std::uint64_t sequence = 0, wall_ms = 0;
  std::vector<Acknowledgement> entries;  // at most one a sender, in the order of senders
  friend bool operator==(const AckBox&, const AckBox&) = default;
};

}  // namespace fencepost::qdiskd
