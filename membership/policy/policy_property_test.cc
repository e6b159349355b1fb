// The scheduler against a small world: nodes that lose power or merely fall silent, agents that
// fail, orders that take their time, members that come and go. After every plan the world is asked
// what is really true.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>

#include "base/prng.h"
#include "base/text.h"
#include "membership/policy/policy.h"

namespace fencepost::policy {
namespace {

constexpr int kSeeds = 500;
constexpr int kFaultySteps = 120;
constexpr int kCalmSteps = 400;

struct RealNode {
  bool powered = true;
  bool heard = true;  // by the coordinator
  bool leaving = false;
  std::map<std::string, ResourceStatus> executor;
  std::set<std::string> active;  // the truth
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    const std::size_t nodes = 2 + random_.Below(2);
    for (std::size_t i = 1; i <= nodes; ++i) {
      const NodeId id(static_cast<std::uint8_t>(i));
      cib.nodes.push_back({id, Cat("n", i), false});
      cib.fence_devices.push_back({Cat("f", i), "fence_dummy", {{id, "plug"}}, {}});
    }
    int number = 0;
    for (std::size_t g = 0; g <= random_.Below(2); ++g) {
      Group group{Cat("g", g), {}};
      for (std::size_t i = 0; i <= random_.Below(3); ++i) {
        Primitive p;
        p.id = Cat("r", number++);
        p.stickiness = static_cast<Score>(random_.Below(3)) * 50;
        p.migration_threshold = static_cast<std::uint32_t>(random_.Below(3));
        group.members.push_back(p);
      }
      if (random_.OneIn(2)) {
        const NodeId node(static_cast<std::uint8_t>(1 + random_.Below(nodes)));
        cib.locations.push_back({Cat("l", g), group.id, node, 70});
      }
      cib.groups.push_back(group);
    }
    cib.start_failure_is_fatal = random_.OneIn(2);
    for (const CibNode& node : cib.nodes) Boot(node.id);
  }

  void Step(bool faults) {
    if (faults) Fault();
    FinishSomething(faults);
    const ClusterView view = View();
    const Plan plan = Decide(cib, view);
    if (random_.OneIn(10)) {
      ASSERT_EQ(plan, Decide(cib, view)) << "the same input, the same plan";
    }
    Check(plan, view);
    previous_ = random_.OneIn(30) ? std::vector<Placement>{} : plan.placements;
    if (testing::Test::HasFatalFailure()) return;
    for (const Order& order : plan.orders) {
      ASSERT_FALSE(Find(order)) << "ordered twice";
      pending_.push_back(order);
    }
    for (const FenceRequest& fence : plan.fences) fencing_.insert(fence.node);
  }

  // Every node is back, every failure is forgotten, all agents behave.
  void Calm() {
    for (auto& [id, node] : nodes_) {
      if (!node.powered) Boot(id);
      node.heard = true;
      node.leaving = false;
      evidence_.erase(id);
      for (auto& [resource, status] : node.executor) {
        status.fail_count = 0;
        status.start_failed = status.unfit = false;
      }
    }
  }

  [[nodiscard]] bool IsSettled() const {
    const Plan plan = Decide(cib, View());
    if (!plan.orders.empty() || !plan.fences.empty() || !pending_.empty()) return false;
    for (const Placement& placement : plan.placements) {
      if (!placement.reason.empty()) return false;
      if (ActiveNodes(placement.resource) != std::set<NodeId>{*placement.target}) return false;
    }
    return true;
  }

  [[nodiscard]] std::string Why() const {
    std::string out;
    for (const Placement& p : Decide(cib, View()).placements) {
      out += Cat(p.resource, ": ", p.reason, "\n");
    }
    return out;
  }

  int starts = 0, fences = 0, doubles_seen = 0;
  Cib cib;

 private:
  void Boot(NodeId id) {
    RealNode fresh;
    for (const Group& group : cib.groups) {
      for (const Primitive& p : group.members) fresh.executor[p.id].resource = p.id;
    }
    nodes_[id] = fresh;
    fencing_.erase(id);
    std::erase_if(pending_, [&](const Order& order) { return order.node == id; });
  }

  void PowerOff(NodeId id) {
    Boot(id);
    nodes_[id].powered = nodes_[id].heard = false;
  }

  NodeId AnyNode() { return NodeId(static_cast<std::uint8_t>(1 + random_.Below(nodes_.size()))); }

  void Fault() {
    if (!random_.OneIn(6)) return;
    const NodeId id = AnyNode();
    RealNode& node = nodes_[id];
    const auto resource = std::next(
        node.executor.begin(), static_cast<std::ptrdiff_t>(random_.Below(node.executor.size())));
    ResourceStatus& status = resource->second;
    switch (random_.Below(7)) {
      case 0:
        PowerOff(id);
        break;
      case 1:  // silent, but it runs on: what fencing is for
        node.heard = false;
        break;
      case 2:
        if (!node.powered) Boot(id);
        node.heard = true;
        evidence_.erase(id);
        break;
      case 3:
        node.leaving = !node.leaving;
        break;
      case 4:
        if (status.state == ResourceState::kRunning) Fail(status, ResourceAction::kMonitor);
        break;
      case 5:  // somebody starts it by hand; a probe or monitor finds it
        if (node.powered && status.state == ResourceState::kStopped && !HasOrder(id, status)) {
          node.active.insert(status.resource);
          status.state = ResourceState::kRunning;
          ++doubles_seen;
        }
        break;
      default:
        status.fail_count = 0;
        status.start_failed = false;
    }
  }

  void Fail(ResourceStatus& status, ResourceAction action) {
    status.state =
        action == ResourceAction::kStop ? ResourceState::kStopFailed : ResourceState::kFailed;
    status.failed_action = action;
    status.failure = {Outcome::Kind::kExited, kOcfGenericError};
    ++status.fail_count;
    if (action == ResourceAction::kStart) status.start_failed = true;
  }

  bool HasOrder(NodeId node, const ResourceStatus& status) {
    return std::any_of(pending_.begin(), pending_.end(), [&](const Order& order) {
      return order.node == node && order.resource == status.resource;
    });
  }

  // One of the operations in flight ends, in any order; a fence operation may, too.
  void FinishSomething(bool faults) {
    if (!pending_.empty() && !random_.OneIn(3)) {
      const auto at =
          pending_.begin() + static_cast<std::ptrdiff_t>(random_.Below(pending_.size()));
      const Order order = *at;
      pending_.erase(at);
      Perform(order, faults && random_.OneIn(8));
    }
    if (!fencing_.empty() && random_.OneIn(4)) {
      const NodeId id = *fencing_.begin();
      PowerOff(id);
      evidence_[id] = Grade::kPoweredOff;
      if (random_.OneIn(2)) {  // a reboot: it joins again as a fresh node
        Boot(id);
        evidence_.erase(id);
      }
    }
  }

  void Perform(const Order& order, bool fails) {
    RealNode& node = nodes_[order.node];
    if (!node.powered) return;
    ResourceStatus& status = node.executor[order.resource];
    switch (order.action) {
      case ResourceAction::kStart:
        node.active.insert(order.resource);  // also a failed start may leave it active
        status.state = ResourceState::kRunning;
        break;
      case ResourceAction::kStop:
        if (!fails) node.active.erase(order.resource);
        status.state = ResourceState::kStopped;
        break;
      default:
        status.state = node.active.contains(order.resource) ? ResourceState::kRunning
                                                            : ResourceState::kStopped;
        return;
    }
    if (fails) Fail(status, order.action);
  }

  [[nodiscard]] ClusterView View() const {
    ClusterView view;
    for (const auto& [id, node] : nodes_) {
      NodeView v;
      v.id = id;
      v.fencing = fencing_.contains(id);
      if (node.powered && node.heard) {
        v.state = node.leaving ? NodeState::kLeaving : NodeState::kMember;
        for (const auto& [name, status] : node.executor) v.resources.push_back(status);
      } else if (evidence_.contains(id)) {
        v.evidence = evidence_.at(id);
      }
      view.nodes.push_back(v);
    }
    view.previous = previous_;
    view.pending.assign(pending_.begin(), pending_.end());
    return view;
  }

  [[nodiscard]] bool Find(const Order& order) const {
    return std::find(pending_.begin(), pending_.end(), order) != pending_.end();
  }

  [[nodiscard]] std::set<NodeId> ActiveNodes(const std::string& resource) const {
    std::set<NodeId> out;
    for (const auto& [id, node] : nodes_) {
      if (node.active.contains(resource)) out.insert(id);
    }
    return out;
  }

  void Check(const Plan& plan, const ClusterView& view) {
    for (const Order& order : plan.orders) CheckOrder(order);
    for (const FenceRequest& fence : plan.fences) CheckFence(fence, view);
    std::size_t count = 0;
    for (const Group& group : cib.groups) count += group.members.size();
    ASSERT_EQ(plan.placements.size(), count);
    for (const Placement& placement : plan.placements) {
      if (!placement.reason.empty()) continue;
      ASSERT_TRUE(placement.target);
      ASSERT_TRUE(nodes_[*placement.target].active.contains(placement.resource))
          << placement.resource << " is down without a reason";
    }
  }

  void CheckOrder(const Order& order) {
    ASSERT_TRUE(nodes_[order.node].heard && nodes_[order.node].powered) << "orders go to members";
    for (const Order& other : pending_) {
      ASSERT_FALSE(other.resource == order.resource && other.node == order.node)
          << "two operations for " << order.resource;
    }
    if (order.action != ResourceAction::kStart) return;
    ++starts;
    ASSERT_TRUE(ActiveNodes(order.resource).empty())
        << "S2: " << order.resource << " is active elsewhere";
    ASSERT_FALSE(nodes_[order.node].leaving);
    for (const auto& [id, node] : nodes_) {
      ASSERT_TRUE(node.heard || evidence_.contains(id)) << Cat("S5: nothing is known of node ", id);
    }
    for (const Order& other : pending_) {
      ASSERT_FALSE(other.resource == order.resource && other.action == ResourceAction::kStart)
          << "S2: a start elsewhere is in flight";
    }
  }

  void CheckFence(const FenceRequest& fence, const ClusterView& view) {
    ++fences;
    ASSERT_FALSE(fence.reason.empty());
    for (const NodeView& node : view.nodes) {
      if (node.id != fence.node) continue;
      ASSERT_FALSE(node.fencing);
      ASSERT_FALSE(node.evidence);
      const bool stop_failed = std::any_of(
          node.resources.begin(), node.resources.end(),
          [](const ResourceStatus& s) { return s.state == ResourceState::kStopFailed; });
      ASSERT_TRUE(stop_failed || node.state == NodeState::kGone) << "a fine member is fenced";
    }
  }

  Prng random_;
  std::map<NodeId, RealNode> nodes_;
  std::map<NodeId, Grade> evidence_;
  std::set<NodeId> fencing_;
  std::deque<Order> pending_;
  std::vector<Placement> previous_;  // a new coordinator has none
};

TEST(PolicyProperty, NeverStartsWhatMayBeActiveElsewhereAndConvergesWhenFaultsStop) {
  int starts = 0, fences = 0, doubles = 0, longest = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    World world(seed);
    for (int step = 0; step < kFaultySteps; ++step) {
      ASSERT_NO_FATAL_FAILURE(world.Step(true)) << "step " << step;
    }
    int calm = 0;
    for (; calm < kCalmSteps && !world.IsSettled(); ++calm) {
      if (calm % 20 == 0) world.Calm();  // again for what a late fencing took down
      ASSERT_NO_FATAL_FAILURE(world.Step(false)) << "calm step " << calm;
    }
    ASSERT_LT(calm, kCalmSteps) << "no convergence:\n" << world.Why();
    longest = std::max(longest, calm);
    starts += world.starts;
    fences += world.fences;
    doubles += world.doubles_seen;
  }
  EXPECT_GT(starts, 10 * kSeeds) << "the world is too quiet to prove anything";
  EXPECT_GT(fences, kSeeds);
  EXPECT_GT(doubles, kSeeds / 2);
  RecordProperty("longest_convergence", longest);
}

}  // namespace
}  // namespace fencepost::policy
