#include "tests/sim/oracle.h"

#include "base/text.h"

namespace fencepost::sim {

void Oracle::Violation(const std::string& what) {
  violations_.push_back(what);
  report_(what);
}

void Oracle::Quorate(const std::vector<NodeId>& nodes) {
  if (nodes.size() > 1 && !two_quorate_) {
    Violation(Cat("S1: nodes ", nodes[0], " and ", nodes[1], " are quorate at one instant"));
  }
  two_quorate_ = nodes.size() > 1;
  quorate_ = nodes.empty() ? NodeId() : nodes.front();
  if (quorate_.value() == 0 || quorate_ == last_quorate_) return;
  if (last_quorate_.value() != 0) ++takeovers_;
  last_quorate_ = quorate_;
}

void Oracle::Covered(NodeId node, bool covered) {
  if (covered) {
    uncovered_.erase(node);
  } else if (uncovered_.insert(node).second) {
    Violation(Cat("R9: node ", node, " runs on after its authority, and its watchdog let it"));
  }
}

void Oracle::NeverTwice(const std::string& resource) {
  std::vector<NodeId> harmful;
  for (const NodeId node : active_[resource]) {
    if (cut_off_.count(node) == 0) harmful.push_back(node);
  }
  if (harmful.size() < 2) return;
  Violation(Cat("S2: ", resource, " runs on nodes ", harmful.front(), " and ", harmful.back()));
}

void Oracle::Reconnected(NodeId node) {
  cut_off_.erase(node);
  for (const auto& [resource, active] : active_) {
    if (active.count(node) != 0) NeverTwice(resource);
  }
}

void Oracle::ServiceChanged(NodeId node, const std::string& resource, bool runs) {
  std::set<NodeId>& active = active_[resource];
  if (!runs) {
    active.erase(node);
    return;
  }
  active.insert(node);
  NeverTwice(resource);
  for (auto& [other, resources] : ghosts_) {
    if (other == node || resources.count(resource) == 0) continue;
    Violation(Cat("S5: ", resource, " starts on node ", node, "; node ", other,
                  " ran it when it was lost, and nothing proved that it does no more"));
  }
  NodeId& last = last_on_[resource];
  if (last.value() != 0 && last != node) ++moves_;
  last = node;
}

void Oracle::PowerLost(NodeId node) {
  for (auto& [resource, active] : active_) {
    if (active.erase(node) != 0) ghosts_[node].insert(resource);
  }
}

void Oracle::Shot(NodeId by, NodeId target, bool entitled) {
  ++shots_;
  shot_.emplace_back(by, target);
  if (!entitled) {
    Violation(Cat("S3: node ", by, " switches node ", target, " off and is not quorate"));
  }
  if (quorate_.value() != 0 && quorate_ != by) {
    Violation(Cat("S3: node ", by, " switches node ", target, " off while node ", quorate_,
                  " is the quorate coordinator"));
  }
  if (!split_) return;
  shot_in_split_.insert(target);
  if (shot_in_split_.count(by) != 0) {
    Violation(Cat("S3: nodes ", by, " and ", target, " were both shot in one split"));
  }
}

void Oracle::SplitBegins() {
  split_ = true;
  shot_in_split_.clear();
}

}  // namespace fencepost::sim
