// What qdiskd and its consumer (fencepostd, or a tool) say to each other over the local socket.
// Byte tables: docs/format/local.md.
//
// Promise: a lease crosses as an absolute deadline of this node's clock (R6). After each connect
// the
//          consumer first drops what it holds, then says Hello: from then on qdiskd knows that
//          nobody counts a lease of an earlier incarnation of either.
// Time:    instants are nanoseconds of CLOCK_BOOTTIME of this node, both ends being on it.
// Errors:  Decode names what is wrong; a peer that sends such a message is dropped.
#pragma once
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "qdiskd/decision.h"
#include "qdiskd/disk_voter.h"
#include "qdiskd/heuristics.h"
#include "qdiskd/message_sender.h"

namespace fencepost::qdiskd {

inline constexpr std::uint8_t kLocalVersion = 4;  // 2 had no storage death, 3 no Fitness

namespace local {
struct Hello {};  // the consumer counts no lease
struct Watch {};  // a tool: send Views, expect nothing else
struct Welcome {
  BootId boot;
  Incarnation incarnation;
  std::string device;
};
struct DiskState {      // of one disk of the set
  std::string device;   // as configured
  std::string uuid;     // of its superblock; empty until one was accepted
  std::string barrier;  // how older writes are kept from landing; empty: never opened for writing
  std::string trouble;  // why it is not in use; empty: it is
  IoLatency latency;    // of this node's own I/O on it
};
struct View {
  DiskView view;
  std::uint32_t cycle_us = 0;    // the last cycle, from its start to its end
  std::vector<DiskState> disks;  // in the order of the configuration
  Fitness fitness;               // of this node
};
// Storage death (node_message.h). Any peer may ask; its message lives no longer than it.
struct SendMessage {
  MessageKind kind = MessageKind::kTest;
  std::string to;  // name or id of the node
  MonoTime not_after{};
  std::string by;  // who asks, for the record
};
struct ClearMessage {  // this node's message to `to`, whoever asked for it
  std::string to;
  std::string by;
};
struct AskPower {  // what the disk can prove of it
  std::string node;
};
struct FeedingEnded {   // the consumer, to Die: the watchdog is fed no more, whatever comes
  Duration watchdog{};  // that resets this node, as evidence; 0: none does
};
struct Die {  // to the consumer: this node dies now; end the feeding, then say so
  NodeId by;
  MessageKind kind = MessageKind::kReset;
};
struct MessageEnd {  // the last word to SendMessage, and to ClearMessage
  MessageProof proof = MessageProof::kNone;
  std::string text;
};
struct PowerSaid {  // to AskPower
  NodePower power = NodePower::kUnknown;
  std::string text;
};
}  // namespace local

using ToQdiskd = std::variant<local::Hello, local::Watch, event::Want, event::Dropped,
                              event::Report, event::PowerIsOff, Decision, local::SendMessage,
                              local::ClearMessage, local::AskPower, local::FeedingEnded>;
using FromQdiskd =
    std::variant<local::Welcome, local::View, notice::Held, notice::Waiting, notice::MustDrop,
                 notice::Refused, local::Die, local::MessageEnd, local::PowerSaid>;

[[nodiscard]] Bytes Encode(const ToQdiskd& message);
[[nodiscard]] Bytes Encode(const FromQdiskd& message);
[[nodiscard]] Result<ToQdiskd> DecodeToQdiskd(ByteView bytes);
[[nodiscard]] Result<FromQdiskd> DecodeFromQdiskd(ByteView bytes);

}  // namespace fencepost::qdiskd
