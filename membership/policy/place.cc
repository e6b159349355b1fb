#include "membership/policy/place.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "membership/policy/rules.h"

namespace fencepost::policy {
namespace {

Score AddScores(Score a, Score b) {
  if (a == -kInfinity || b == -kInfinity) return -kInfinity;
  if (a == kInfinity || b == kInfinity) return kInfinity;
  return std::clamp(a + b, -kInfinity, kInfinity);
}

// A rule that looks at what is not known of the node says nothing.
bool Speaks(const LocationRule& rule, const Situation& situation, NodeId node) {
  if (!situation.View(node).attributes_known && LooksAtAttributes(rule)) return false;
  return Holds(rule.rule, situation.AttributesOf(node));
}

// What one location constraint gives the node.
Score GivenBy(const Location& location, const Situation& situation, NodeId node) {
  if (location.node == node) return location.score;
  Score sum = 0;
  const Attributes& attributes = situation.AttributesOf(node);
  for (const LocationRule& rule : location.rules) {
    if (Speaks(rule, situation, node)) sum = AddScores(sum, ScoreOf(rule, attributes));
  }
  return sum;
}

Score LocationScore(const Situation& situation, const std::string& resource, NodeId node) {
  Score sum = 0;
  for (const Location& location : situation.cib().locations) {
    if (location.resource == resource) sum = AddScores(sum, GivenBy(location, situation, node));
  }
  return sum;
}

// Why the resource is banned from the node by a location constraint.
std::optional<std::string> WhyBanned(const Situation& situation, const std::string& resource,
                                     NodeId node) {
  const Attributes& attributes = situation.AttributesOf(node);
  for (const Location& location : situation.cib().locations) {
    if (location.resource != resource) continue;
    if (location.node == node && location.score == -kInfinity) {
      return Cat("is forbidden by location constraint ", location.id);
    }
    for (const LocationRule& rule : location.rules) {
      if (!Speaks(rule, situation, node) || ScoreOf(rule, attributes) != -kInfinity) continue;
      return Cat("is kept away by rule ", rule.rule.id, ": ", SeenBy(rule, attributes));
    }
  }
  return std::nullopt;
}

bool IsGroupOfOne(const Group& group) { return group.members.front().id == group.id; }

// How many members, from the first on, may run on the node: their sum counts, not that of each.
std::size_t Runnable(const Situation& situation, const Group& group, NodeId node) {
  std::size_t count = 0, fit = 0;
  for (const Primitive& member : group.members) {
    if (!member.enabled || WhyNotOn(situation, group, member, node)) break;
    ++count;
    if (TotalScore(situation, group, count, node) >= 0) fit = count;
  }
  return fit;
}

bool IsActiveOn(const Situation& situation, const Group& group, NodeId node) {
  return std::any_of(group.members.begin(), group.members.end(), [&](const Primitive& member) {
    return situation.IsKnownActive(member.id, node);
  });
}

bool AnySticksTo(const Situation& situation, const Group& group, NodeId node) {
  return std::any_of(group.members.begin(), group.members.end(),
                     [&](const Primitive& member) { return situation.SticksTo(member.id, node); });
}

// While nothing may be started, what runs is not stopped for a better place.
std::optional<NodeId> PlaceToStay(const Situation& situation, const Group& group) {
  const bool all_may_start =
      std::none_of(group.members.begin(), group.members.end(),
                   [&](const Primitive& member) { return situation.WhyNoStart(member); });
  if (all_may_start) return std::nullopt;
  std::optional<NodeId> place;
  for (const NodeId node : situation.members()) {
    if (!IsActiveOn(situation, group, node)) continue;
    if (place) return std::nullopt;
    place = node;
  }
  return place && Runnable(situation, group, *place) > 0 ? place : std::nullopt;
}

}  // namespace

Score TotalScore(const Situation& situation, const Group& group, std::size_t count, NodeId node) {
  Score total = IsGroupOfOne(group) ? 0 : LocationScore(situation, group.id, node);
  for (std::size_t i = 0; i < count; ++i) {
    const Primitive& member = group.members[i];
    total = AddScores(total, LocationScore(situation, member.id, node));
    if (situation.SticksTo(member.id, node)) total = AddScores(total, member.stickiness);
  }
  return total;
}

std::string RulesSeen(const Situation& situation, const Group& group, NodeId node) {
  const Attributes& attributes = situation.AttributesOf(node);
  std::string out;
  for (const Location& location : situation.cib().locations) {
    const bool ours = location.resource == group.id ||
                      std::any_of(group.members.begin(), group.members.end(),
                                  [&](const Primitive& p) { return p.id == location.resource; });
    if (!ours) continue;
    for (const LocationRule& rule : location.rules) {
      out += Cat(out.empty() ? "" : "; ", "rule ", rule.rule.id, ": ", SeenBy(rule, attributes));
    }
  }
  return out;
}

std::optional<std::string> WhyNotOn(const Situation& situation, const Group& group,
                                    const Primitive& member, NodeId node) {
  if (auto why = situation.WhyUnusable(node)) return why;
  const Cib& cib = situation.cib();
  if (auto why = WhyBanned(situation, member.id, node)) return why;
  if (auto why = WhyBanned(situation, group.id, node)) return why;
  const ResourceStatus& status = situation.Status(member.id, node);
  const std::string failure =
      Cat(ToText(status.failed_action), " of ", member.id, ": ", ToText(status.failure));
  if (status.unfit) return Cat("cannot run it: ", failure);
  if (status.start_failed && cib.start_failure_is_fatal) {
    return Cat("could not start it: ", failure);
  }
  if (member.migration_threshold > 0 && status.fail_count >= member.migration_threshold) {
    return Cat("has reached its migration-threshold with ", status.fail_count,
               " failures: ", failure);
  }
  return std::nullopt;
}

GroupTarget PlaceGroup(const Situation& situation, const Group& group,
                       const std::map<NodeId, std::size_t>& load) {
  if (const auto stay = PlaceToStay(situation, group)) {
    return {stay, Runnable(situation, group, *stay)};
  }
  // The larger of these tuples wins: the longest part of the group, then the score, then the
  // smaller load, then where it is; the lowest id by strict comparison in order of ids.
  using Rank = std::tuple<std::size_t, Score, std::int64_t, bool>;
  std::optional<Rank> best;
  GroupTarget target;
  for (const NodeId node : situation.members()) {
    const std::size_t runnable = Runnable(situation, group, node);
    if (runnable == 0) continue;
    const auto loaded = load.find(node);
    const std::int64_t others =
        loaded == load.end() ? 0 : static_cast<std::int64_t>(loaded->second);
    const Rank rank{runnable, TotalScore(situation, group, runnable, node), -others,
                    AnySticksTo(situation, group, node)};
    if (best && rank <= *best) continue;
    best = rank;
    target = {node, runnable};
  }
  return target;
}

}  // namespace fencepost::policy
