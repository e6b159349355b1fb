#include "membership/policy/simulate.h"

#include <algorithm>

namespace fencepost::policy {
namespace {

NodeView* Find(ClusterView& view, NodeId id) {
  const auto found = std::find_if(view.nodes.begin(), view.nodes.end(),
                                  [id](const NodeView& node) { return node.id == id; });
  return found == view.nodes.end() ? nullptr : &*found;
}

void CarryOut(const Order& order, ClusterView& view) {
  NodeView* node = Find(view, order.node);
  if (node == nullptr) return;
  const auto same = [&](const ResourceStatus& s) { return s.resource == order.resource; };
  auto status = std::find_if(node->resources.begin(), node->resources.end(), same);
  if (status == node->resources.end()) {
    status = node->resources.insert(status, ResourceStatus{});
    status->resource = order.resource;
  }
  status->state =
      order.action == ResourceAction::kStart ? ResourceState::kRunning : ResourceState::kStopped;
}

void PowerOff(NodeId id, ClusterView& view) {
  NodeView* node = Find(view, id);
  if (node == nullptr) node = &(view.nodes.emplace_back().id = id, view.nodes.back());
  node->state = NodeState::kGone;
  node->evidence = Grade::kPoweredOff;
  node->resources.clear();
}

}  // namespace

Simulation Simulate(const Cib& cib, ClusterView view) {
  Simulation out;
  for (int round = 0; round < kMaxSimulatedRounds; ++round) {
    const Plan plan = Decide(cib, view);
    out.placements = plan.placements;
    out.unsafe = plan.unsafe;
    out.settled = plan.orders.empty() && plan.fences.empty();
    if (out.settled) break;
    for (const Order& order : plan.orders) {
      const auto placement =
          std::find_if(plan.placements.begin(), plan.placements.end(),
                       [&](const Placement& p) { return p.resource == order.resource; });
      out.actions.push_back(order);
      out.reasons.push_back(placement == plan.placements.end() ? "" : placement->reason);
      CarryOut(order, view);
    }
    for (const FenceRequest& fence : plan.fences) {
      out.fences.push_back(fence);
      PowerOff(fence.node, view);
    }
    view.previous = plan.placements;
  }
  return out;
}

}  // namespace fencepost::policy
