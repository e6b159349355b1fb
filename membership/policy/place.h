// Where a group should run: the choice of a node, and why others are none.
//
// Promise: the order of choice is that of policy.h; the same input gives the same node.
// Errors:  none; where no node is fit there is no target.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "membership/policy/situation.h"

namespace fencepost::policy {

struct GroupTarget {
  std::optional<NodeId> node;
  std::size_t runnable = 0;  // this many members, from the first on, are to run there
};

// Why this member of the group may not run on the node, as a predicate of the node: "could not
// start it: ...", "is kept away by rule ping-rule: pingd is 0".
[[nodiscard]] std::optional<std::string> WhyNotOn(const Situation& situation, const Group& group,
                                                  const Primitive& member, NodeId node);

// What the first `count` members score on the node together: locations and stickiness.
[[nodiscard]] Score TotalScore(const Situation& situation, const Group& group, std::size_t count,
                               NodeId node);
// What rules gave the group and its members on the node, for people: "rule ping-rule: pingd is 0".
// Empty: no rule speaks of them.
[[nodiscard]] std::string RulesSeen(const Situation& situation, const Group& group, NodeId node);

// `load`: how many primitives earlier groups put on each node.
[[nodiscard]] GroupTarget PlaceGroup(const Situation& situation, const Group& group,
                                     const std::map<NodeId, std::size_t>& load);

}  // namespace fencepost::policy
