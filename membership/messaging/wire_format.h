// What nodes say to each other. Byte tables: docs/format/wire.md.
//
// Promise: a packet names its sender's node, incarnation and a counter that rises with every packet
//          of that incarnation, so that a receiver can refuse what is old or repeated. The packet
//          is sealed under the cluster key by the shell before it leaves and opened before Decode.
// Time:    no instant crosses the wire, only how long something lasts from when it was sent.
// Errors:  Decode names what is wrong; such a packet is dropped and counted.
#pragma once
#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/lease.h"
#include "base/resource.h"
#include "base/result.h"

namespace fencepost::messaging {

inline constexpr std::uint8_t kWireVersion = 3;
inline constexpr std::size_t kMaxStatuses = 64;
inline constexpr std::size_t kMaxDone = 16;
inline constexpr std::size_t kMaxFencedNodes = 32;

using Digest = std::array<std::uint8_t, 16>;

// An order that has ended on the member, repeated in a few heartbeats.
struct DoneOrder {
  std::uint64_t operation = 0;
  Outcome outcome;
  friend bool operator==(const DoneOrder&, const DoneOrder&) = default;
};

// A resource's state without its name: the place in the list is its place in the CIB.
struct StatusOnWire {
  ResourceState state = ResourceState::kUnknown;
  bool busy = false, start_failed = false, unfit = false;
  ResourceAction failed_action = ResourceAction::kProbe;
  Outcome failure;
  std::uint32_t fail_count = 0;
  friend bool operator==(const StatusOnWire&, const StatusOnWire&) = default;
};

// What the coordinator knows of fences of a node, so that who takes over goes on with it. In whole
// seconds before it was sent, rounded down.
struct FencedNode {
  NodeId node;
  std::optional<std::uint16_t> off_begun;                  // none: it is back
  std::array<std::optional<std::uint16_t>, 2> proved_off;  // the last ones, newest first
  friend bool operator==(const FencedNode&, const FencedNode&) = default;
};

struct Heartbeat {
  BootId boot;
  Digest digest{};         // of configuration and CIB: nodes act together only with one
  std::uint64_t view = 0;  // bit per node heard; see qdiskd::NodeReport
  Term highest_term;       // seen anywhere
  // As coordinator:
  Term term;  // its term; none: no candidate
  bool quorate = false;
  Duration remaining{};    // of its quorum, from when it answered the receiver's `echo`
  std::uint64_t echo = 0;  // the newest counter received from the receiver; 0: not a member
  Incarnation echo_of;     // and that receiver's incarnation
  std::vector<FencedNode> fenced;
  // As member:
  Term authority;         // the term it obeys now; none: no authority
  bool leaving = false;   // wants to be emptied, then let go
  bool quiesced = false;  // see qdiskd::NodeReport
  bool disk_ok = false;   // its qdiskd reads a majority of disks
  Incarnation disk_incarnation;
  std::vector<StatusOnWire> statuses;
  std::vector<DoneOrder> done;
  Attributes attributes;  // transient ones of the sender, at most kMaxTransientAttributes
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

struct VoteAsk {
  Term term;
  std::uint64_t ask_id = 0;
  friend bool operator==(const VoteAsk&, const VoteAsk&) = default;
};
struct VoteAnswer {
  Term term;
  std::uint64_t ask_id = 0;
  bool granted = false;
  Term highest;
  friend bool operator==(const VoteAnswer&, const VoteAnswer&) = default;
};
struct VoteRelease {
  Term term;
  friend bool operator==(const VoteRelease&, const VoteRelease&) = default;
};
struct OrderMessage {
  Term term;
  std::uint64_t operation = 0;
  std::uint16_t resource = 0;  // place in the CIB
  ResourceAction action = ResourceAction::kProbe;
  friend bool operator==(const OrderMessage&, const OrderMessage&) = default;
};
using Body = std::variant<Heartbeat, VoteAsk, VoteAnswer, VoteRelease, OrderMessage>;

struct Packet {
  NodeId from, to;
  Incarnation incarnation;
  std::uint64_t counter = 0;
  Body body;
  friend bool operator==(const Packet&, const Packet&) = default;
};

[[nodiscard]] Bytes Encode(const Packet& packet);
[[nodiscard]] Result<Packet> Decode(ByteView bytes);

}  // namespace fencepost::messaging
