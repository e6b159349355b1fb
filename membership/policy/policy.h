// The scheduler: from what is wanted and what is, to what may be done next and why the rest waits.
//
// Promise: a pure function; the same input gives the same plan, so that it may be called after
//          every change. A plan holds only steps that may be taken at once, in any order; call
//          again when one has ended.
//          (S2) Nothing is ordered to start while it may be active on another node.
//          (S5) Nothing is started while any configured node is neither a member with known states
//          nor covered by evidence: of the whole node, or of as much of it as the resource needs
//          (Primitive::needs). With stonith-enabled=false a gone node counts as covered by the
//          grade "unproven", and the plan says so: it is unsafe.
//          A member whose resources stop as they should is never to be fenced.
//          While a node's attributes are not known, rules that look at them stop nothing there, and
//          nothing is started anywhere.
//          Every primitive that does not run where it should has a reason in words.
// Time:    none; what has a deadline is the caller's.
// Errors:  none; an input the Cib does not know (a node, a resource) is left out of the plan.
// Source:  decisions follow Pacemaker's scheduler for the subset of docs/cib.md: a group is placed
//          by the sum of its locations and its active members' stickiness, a node with a negative
//          sum is none for it, ties go to the node with fewer primitives, then to where it runs,
//          then to the lowest node id.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/cib.h"
#include "base/id.h"
#include "base/resource.h"

namespace fencepost::policy {

// What a configured node is to the coordinator that asks.
enum class NodeState : std::uint8_t {
  kMember,   // follows orders; its states are current
  kLeaving,  // a member that asked to leave: emptied, then let go
  kJoining,  // heard of or still awaited: nothing is known of it, and it is not fenced yet
  kGone,     // neither: nothing starts until there is evidence, which is asked for
};

// Why it is believed that a node runs nothing; strongest first (DESIGN, "Evidence"). The caller
// withdraws evidence as soon as it is outdated, at the latest when the node becomes a member.
enum class Grade : std::uint8_t {
  kPoweredOff,     // its power device verified "off"
  kNewBoot,        // its operating system was started anew
  kLeftCleanly,    // it said so in its slot, after all stops had succeeded
  kQuiesced,       // alive, runs nothing and may start nothing
  kWatchdogReset,  // resetting and silent for longer than its armed hardware watchdog
  kConfirmed,      // a named operator said so
  kUnproven,       // nothing but stonith-enabled=false
};
std::string_view ToText(Grade grade);

struct NodeView {
  NodeId id;
  NodeState state = NodeState::kGone;
  std::vector<ResourceStatus> resources;  // of a (leaving) member; what is missing is unknown
  Attributes attributes;                  // the transient ones; they beat those of the CIB
  bool attributes_known = true;           // false: what sets them may not have come to it yet
  std::optional<Grade> evidence;          // of a node that is no member, and of all of it
  // What its devices cut it off from, without evidence of the whole: it may live. Not before it can
  // be in no authority any more (peers.h).
  Coverage cut;
  std::string note;        // of one that joins: what it waits for, empty: itself
  bool fencing = false;    // a fence operation against it is in progress
  std::string fence_note;  // how the last one failed; repeated in reasons
};

struct Order {
  ResourceAction action = ResourceAction::kProbe;  // kProbe, kStart or kStop
  std::string resource;
  NodeId node;
  friend bool operator==(const Order&, const Order&) = default;
};

// One for each primitive of the Cib, in its order.
struct Placement {
  std::string resource;
  std::optional<NodeId> target;  // where it should run; nobody: nowhere
  std::vector<NodeId> active;    // members on which it is or may be active
  std::string reason;            // why it does not run (only) there yet; empty if it does
  friend bool operator==(const Placement&, const Placement&) = default;
};

struct ClusterView {
  std::vector<NodeView> nodes;  // a configured node that is missing here is gone without evidence
  // Sent, and their results not yet seen. The node of a pending start may be active any moment.
  std::vector<Order> pending;
  // Of the plan before, so that what is between a stop and a start keeps its place: a failed
  // resource comes back where it was. A new coordinator has none; that costs at most a move.
  std::vector<Placement> previous;
};

// May name the node that coordinates; it hands over instead of fencing itself.
struct FenceRequest {
  NodeId node;
  std::string reason;
  friend bool operator==(const FenceRequest&, const FenceRequest&) = default;
};

struct Plan {
  std::vector<Order> orders;
  std::vector<FenceRequest> fences;
  std::vector<Placement> placements;
  std::vector<std::string> unsafe;  // what is done without proof, in words; empty is good
  friend bool operator==(const Plan&, const Plan&) = default;
};

// What a lost node must have lost before everything may be recovered.
[[nodiscard]] Coverage NeededBy(const Cib& cib);
[[nodiscard]] Plan Decide(const Cib& cib, const ClusterView& view);

}  // namespace fencepost::policy
