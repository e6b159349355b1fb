// Cases marked [crm_simulate] were put to crm_simulate of Pacemaker 2.1.5, as a configuration with
// the history of the same operations: it chose the same nodes, stops, starts and fencing. (It also
// places the fence devices, which have no place here; standby was compared, leaving was not.)
#include "membership/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/text.h"

namespace fencepost::policy {

void PrintTo(const Order& order, std::ostream* out) {
  *out << Cat(ToText(order.action), " ", order.resource, " on ", order.node);
}

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr NodeId kA{1}, kB{2};
constexpr auto kRunning = ResourceState::kRunning;
constexpr auto kStopped = ResourceState::kStopped;
constexpr auto kFailed = ResourceState::kFailed;
constexpr auto kUnknown = ResourceState::kUnknown;
constexpr auto kStopFailed = ResourceState::kStopFailed;

Order Start(std::string r, NodeId n) { return {ResourceAction::kStart, std::move(r), n}; }
Order Stop(std::string r, NodeId n) { return {ResourceAction::kStop, std::move(r), n}; }
Order Probe(std::string r, NodeId n) { return {ResourceAction::kProbe, std::move(r), n}; }

Primitive Resource(std::string id) {
  Primitive p;
  p.id = std::move(id);
  return p;
}

// Nodes a and b, a fence device for each, and one group g of ip and app.
struct Cluster {
  Cib cib;
  ClusterView view;

  Cluster() {
    cib.nodes = {{kA, "a", false}, {kB, "b", false}};
    cib.groups = {{"g", {Resource("ip"), Resource("app")}}};
    cib.fence_devices = {{"fa", "fence_dummy", {{kA, "a"}}, {}},
                         {"fb", "fence_dummy", {{kB, "b"}}, {}}};
    for (const NodeId node : {kA, kB}) {
      NodeView member;
      member.id = node;
      member.state = NodeState::kMember;
      view.nodes.push_back(member);
      for (const char* r : {"ip", "app"}) Status(r, node).state = kStopped;
    }
  }
  NodeView& Node(NodeId id) {
    for (NodeView& node : view.nodes) {
      if (node.id == id) return node;
    }
    return (view.nodes.emplace_back().id = id, view.nodes.back());
  }
  ResourceStatus& Status(const std::string& resource, NodeId node) {
    auto& all = Node(node).resources;
    for (ResourceStatus& status : all) {
      if (status.resource == resource) return status;
    }
    return (all.emplace_back().resource = resource, all.back());
  }
  void Set(NodeId node, ResourceState ip, ResourceState app) {
    Status("ip", node).state = ip;
    Status("app", node).state = app;
  }
  void Fail(const std::string& resource, NodeId node, ResourceAction action, int code,
            ResourceState state) {
    ResourceStatus& status = Status(resource, node);
    status.state = state;
    status.failed_action = action;
    status.failure = {Outcome::Kind::kExited, code};
    ++status.fail_count;
    status.start_failed = status.start_failed || action == ResourceAction::kStart;
  }
  void Lose(NodeId node) {
    Node(node).state = NodeState::kGone;
    Node(node).resources.clear();
  }
  void Stickiness(Score score) {
    for (Primitive& p : cib.groups[0].members) p.stickiness = score;
  }
  [[nodiscard]] Plan Decide() const { return policy::Decide(cib, view); }
  [[nodiscard]] std::string Reason(const std::string& resource) const {
    for (const Placement& placement : Decide().placements) {
      if (placement.resource == resource) return placement.reason;
    }
    return "no placement";
  }
};

// [crm_simulate]
// Rule S5: the scope of the evidence covers what the resource needs.
TEST(PolicyEvidence, WhatALostNodeMustHaveLostDependsOnTheResource) {
  constexpr Coverage kNode{true, false, false}, kStorage{false, true, false},
      kNetwork{false, false, true}, kBoth{false, true, true}, kNothing{};
  struct Case {
    const char* what;
    Coverage needs, cut;
    bool starts, fences;
  };
  const Case cases[] = {
      {"all of it, by default", kNode, kBoth, false, true},
      {"its storage, and that was revoked", kStorage, kStorage, true, false},
      {"its storage, and only its port was closed", kStorage, kNetwork, false, true},
      {"its storage, and nothing is proved", kStorage, kNothing, false, true},
      {"its network, and that was closed", kNetwork, kNetwork, true, false},
      {"both, and one of them is gone", kBoth, kStorage, false, true},
      {"both, and both are gone", kBoth, kBoth, true, false},
      {"nothing: it is started, and the node is fenced all the same", kNothing, kNothing, true,
       true}};
  for (const Case& c : cases) {
    Cluster cluster;
    for (Primitive& member : cluster.cib.groups[0].members) member.needs = c.needs;
    cluster.Lose(kB);
    cluster.Node(kB).cut = c.cut;
    const Plan plan = Decide(cluster.cib, cluster.view);
    EXPECT_EQ(!plan.orders.empty(), c.starts) << c.what;
    EXPECT_EQ(!plan.fences.empty(), c.fences) << c.what;
    EXPECT_EQ(!plan.unsafe.empty(), !c.needs.Any()) << c.what;
    cluster.Node(kB).state = NodeState::kJoining;  // whatever was cut: it is not lost for good
    EXPECT_THAT(Decide(cluster.cib, cluster.view).orders, IsEmpty()) << c.what;
  }
}

TEST(PolicyEvidence, EachMemberOfAGroupWaitsForWhatItNeeds) {
  Cluster cluster;
  cluster.cib.groups[0].members[0].needs = {false, true, false};  // app needs the node to be off
  cluster.Lose(kB);
  cluster.Node(kB).cut = {false, true, false};
  EXPECT_THAT(Decide(cluster.cib, cluster.view).orders, ElementsAre(Start("ip", kA)));
  cluster.Status("ip", kA).state = kRunning;
  const Plan plan = Decide(cluster.cib, cluster.view);
  EXPECT_THAT(plan.orders, IsEmpty());
  EXPECT_THAT(plan.placements[1].reason, HasSubstr("waits for evidence that node b is off"));
  EXPECT_EQ(plan.fences.size(), 1U) << "for app";
}

TEST(Starts, AGroupMemberByMemberOnTheLowestNode) {
  Cluster c;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
  EXPECT_EQ(c.Reason("ip"), "is to be started on a");
  EXPECT_EQ(c.Reason("app"), "waits for ip to run on a");
  c.Status("ip", kA).state = kRunning;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("app", kA)));
  c.Set(kA, kRunning, kRunning);
  const Plan plan = c.Decide();
  EXPECT_THAT(plan.orders, IsEmpty());
  EXPECT_THAT(plan.fences, IsEmpty());
  EXPECT_THAT(plan.unsafe, IsEmpty());
  for (const Placement& p : plan.placements) {
    EXPECT_EQ(p.reason, "");
    EXPECT_EQ(p.target, kA);
  }
}

TEST(Starts, NothingBeforeEveryMembersStateIsKnown) {
  Cluster c;
  c.Status("app", kB).state = kUnknown;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Probe("app", kB)));
  EXPECT_EQ(c.Reason("ip"), "waits for the probe of app on b");
  c.Status("app", kB).busy = true;
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "the probe is under way";
  c.Node(kB).resources.clear();
  EXPECT_THAT(c.Decide().orders, UnorderedElementsAre(Probe("ip", kB), Probe("app", kB)));
}

TEST(Starts, NothingWhileANodeIsGoneWithoutEvidence) {
  Cluster c;
  c.Lose(kB);
  Plan plan = c.Decide();
  EXPECT_THAT(plan.orders, IsEmpty());
  ASSERT_EQ(plan.fences.size(), 1U);
  EXPECT_EQ(plan.fences[0].node, kB);
  EXPECT_EQ(c.Reason("ip"), "waits for evidence that node b is off: fencing requested");
  c.Node(kB).fencing = true;
  c.Node(kB).fence_note = "attempt 2, the first timed out";
  EXPECT_THAT(c.Decide().fences, IsEmpty()) << "one at a time";
  EXPECT_EQ(c.Reason("ip"),
            "waits for evidence that node b is off: fencing in progress (attempt 2, the first "
            "timed out)");
  c.Node(kB).fencing = false;
  for (const Grade grade : {Grade::kPoweredOff, Grade::kNewBoot, Grade::kLeftCleanly,
                            Grade::kQuiesced, Grade::kWatchdogReset, Grade::kConfirmed}) {
    c.Node(kB).evidence = grade;
    EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA))) << ToText(grade);
    EXPECT_THAT(c.Decide().fences, IsEmpty());
  }
  c.view.nodes.pop_back();  // a configured node that nobody mentions
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(c.Decide().fences.size(), 1U);
}

TEST(Starts, NothingWhileANodeIsAwaitedAndThatNodeIsNotFenced) {
  Cluster c;
  c.Lose(kB);
  c.Node(kB).state = NodeState::kJoining;
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_THAT(c.Decide().fences, IsEmpty());
  EXPECT_EQ(c.Reason("ip"), "waits for node b to join");
  c.cib.stonith_enabled = false;
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "it is alive: there is no need to guess";
}

// [crm_simulate]
TEST(Starts, WithoutProofOnlyIfTheConfigurationSaysSoAndThePlanSaysUnsafe) {
  Cluster c;
  c.Lose(kB);
  c.cib.stonith_enabled = false;
  const Plan plan = c.Decide();
  EXPECT_THAT(plan.orders, ElementsAre(Start("ip", kA)));
  EXPECT_THAT(plan.fences, IsEmpty());
  EXPECT_THAT(plan.unsafe, ElementsAre(HasSubstr("without proof"), HasSubstr("node b")));
}

TEST(Starts, ANodeWithoutFenceDeviceIsWaitedForInWords) {
  Cluster c;
  c.cib.fence_devices.clear();
  c.Lose(kB);
  EXPECT_THAT(c.Decide().fences, IsEmpty());
  EXPECT_THAT(c.Reason("ip"), AllOf(HasSubstr("node b"), HasSubstr("no fence device lists it")));
}

// [crm_simulate]
TEST(Recovery, OfALostNodeOnlyAfterEvidence) {
  Cluster c;
  c.Set(kB, kRunning, kRunning);
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "ties go to where it runs";
  c.Lose(kB);
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  c.Node(kB).evidence = Grade::kPoweredOff;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
}

TEST(Members, ThatAreNewDisturbNothing) {
  Cluster c;
  c.Set(kA, kRunning, kRunning);
  c.Set(kB, kUnknown, kUnknown);
  EXPECT_THAT(c.Decide().orders, UnorderedElementsAre(Probe("ip", kB), Probe("app", kB)));
  EXPECT_EQ(c.Reason("ip"), "");
}

// [crm_simulate]
TEST(Placement, StickinessAgainstLocation) {
  Cluster c;
  c.Set(kB, kRunning, kRunning);
  c.Stickiness(100);
  c.cib.locations = {{"l", "g", kA, 199}};
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "two members, 100 each";
  c.cib.locations[0].score = 200;
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "a tie stays";
  c.cib.locations[0].score = 201;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kB)));
  EXPECT_EQ(c.Reason("ip"), "is to be stopped on b: a has the score 201, b 200");
  c.Set(kB, kRunning, kStopped);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("ip", kB)));
  c.Set(kB, kStopped, kStopped);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
}

// [crm_simulate]
TEST(Placement, LocationsOfAMemberCountForItsGroupAndMinusInfinityForbids) {
  Cluster c;
  c.cib.locations = {{"l", "app", kB, 1}};
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB)));
  c.cib.locations.push_back({"m", "app", kB, -kInfinity});
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
  c.cib.locations = {{"l", "g", kA, -kInfinity}, {"m", "g", kB, -kInfinity}};
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(
      c.Reason("ip"),
      "no node may run it: a is forbidden by location constraint l; b is forbidden by location "
      "constraint m");
  EXPECT_EQ(c.Reason("app"), "waits for ip, which no node may run");
}

// [crm_simulate]
TEST(Placement, SeveralResourcesSpread) {
  Cluster c;
  c.cib.groups = {{"ip", {Resource("ip")}}, {"app", {Resource("app")}}};
  EXPECT_THAT(c.Decide().orders, UnorderedElementsAre(Start("ip", kA), Start("app", kB)));
}

// [crm_simulate]
TEST(Placement, StandbyAndLeavingNodesAreEmptied) {
  for (const bool leaving : {false, true}) {
    Cluster c;
    c.Stickiness(kInfinity);
    c.Set(kA, kRunning, kRunning);
    if (leaving) c.Node(kA).state = NodeState::kLeaving;
    if (!leaving) c.cib.nodes[0].standby = true;
    EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kA)));
    c.Set(kA, kStopped, kStopped);
    EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB)));
    EXPECT_THAT(c.Decide().fences, IsEmpty());
    c.Lose(kB);
    EXPECT_THAT(c.Decide().orders, IsEmpty());
  }
}

// [crm_simulate]
TEST(Placement, TargetRoleStoppedStopsItAndWhatBuildsOnIt) {
  Cluster c;
  c.Set(kA, kRunning, kRunning);
  c.cib.groups[0].members[1].enabled = false;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kA)));
  c.cib.groups[0].members[1].enabled = true;
  c.cib.groups[0].members[0].enabled = false;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kA)));
  c.Set(kA, kStopped, kStopped);
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(c.Reason("ip"), "target-role is Stopped");
  EXPECT_EQ(c.Reason("app"), "waits for ip, whose target-role is Stopped");
}

TEST(Placement, NothingIsMovedForABetterPlaceWhileNothingMayStart) {
  Cluster c;
  c.cib.nodes.push_back({NodeId(3), "c", false});
  c.cib.fence_devices.push_back({"fc", "fence_dummy", {{NodeId(3), "c"}}, {}});
  c.Node(NodeId(3)).state = NodeState::kGone;
  c.Set(kB, kRunning, kRunning);
  c.cib.locations = {{"l", "g", kA, 100}};
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  c.Node(NodeId(3)).evidence = Grade::kPoweredOff;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kB)));
}

// [crm_simulate]
TEST(Failures, OfAMonitorRestartInPlaceWithWhatBuildsOnIt) {
  Cluster c;
  c.Set(kB, kRunning, kRunning);
  c.Fail("ip", kB, ResourceAction::kMonitor, kOcfNotRunning, kFailed);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kB)));
  EXPECT_EQ(c.Reason("ip"), "its monitor on b failed: not running (7); is stopped first");
  EXPECT_EQ(c.Reason("app"), "is stopped on b first: what it builds on starts anew");
  c.Status("app", kB).state = kStopped;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("ip", kB)));
  c.view.previous = c.Decide().placements;
  c.Status("ip", kB).state = kStopped;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB))) << "in place, without stickiness";
  c.Stickiness(100);
  c.cib.locations = {{"l", "g", kA, 150}};
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB))) << "the whole group sticks";
  c.view.previous.clear();
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA))) << "a new coordinator";
}

// [crm_simulate]
TEST(Failures, AtTheMigrationThresholdTheGroupMoves) {
  Cluster c;
  c.Stickiness(1000);
  c.cib.groups[0].members[1].migration_threshold = 2;
  c.Set(kB, kRunning, kRunning);
  c.Fail("app", kB, ResourceAction::kMonitor, kOcfGenericError, kRunning);
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  c.Fail("app", kB, ResourceAction::kMonitor, kOcfGenericError, kFailed);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kB)));
  c.Set(kB, kRunning, kStopped);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("ip", kB))) << "the whole group goes";
  c.Set(kB, kStopped, kStopped);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
}

// [crm_simulate]
TEST(Failures, OfAStartGoElsewhereIfFatal) {
  Cluster c;
  c.Status("ip", kA).state = kRunning;
  c.Fail("app", kA, ResourceAction::kStart, kOcfGenericError, kFailed);
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kA)));
  c.Status("app", kA).state = kStopped;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("ip", kA)));
  c.cib.start_failure_is_fatal = false;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("app", kA)));
  c.cib.start_failure_is_fatal = true;
  c.Fail("app", kB, ResourceAction::kStart, kOcfGenericError, kStopped);
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "ip runs where it is, app nowhere";
  EXPECT_EQ(c.Reason("app"),
            "no node may run it: a could not start it: start of app: error (1); b could not start "
            "it: start of app: error (1)");
}

TEST(Failures, AnUnfitNodeGetsNothing) {
  Cluster c;
  c.Status("app", kA).unfit = true;
  c.Status("app", kA).failure = {Outcome::Kind::kExited, kOcfNotInstalled};
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB)));
}

// [crm_simulate]
TEST(Failures, OfAStopAreFenced) {
  Cluster c;
  c.Set(kA, kRunning, kStopFailed);
  c.Fail("app", kA, ResourceAction::kStop, kOcfGenericError, kStopFailed);
  const Plan plan = c.Decide();
  EXPECT_THAT(plan.orders, IsEmpty());
  ASSERT_EQ(plan.fences.size(), 1U);
  EXPECT_EQ(plan.fences[0], (FenceRequest{kA, "a stop failed on it"}));
  EXPECT_EQ(c.Reason("app"),
            "its stop on a failed: error (1); waits for evidence that node a is off: fencing "
            "requested");
  EXPECT_THAT(c.Reason("ip"), HasSubstr("which is to be fenced"));
  c.Lose(kA);
  c.Node(kA).evidence = Grade::kPoweredOff;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kB)));
}

// [crm_simulate]
TEST(Failures, OfAStopBlockWhereNothingCanBeFenced) {
  for (const bool enabled : {false, true}) {
    Cluster c;
    c.cib.stonith_enabled = enabled;
    c.cib.fence_devices.clear();
    c.Fail("app", kA, ResourceAction::kStop, kOcfGenericError, kStopFailed);
    EXPECT_THAT(c.Decide().orders, IsEmpty());
    EXPECT_THAT(c.Decide().fences, IsEmpty());
    EXPECT_THAT(c.Reason("app"), AllOf(HasSubstr("blocked"), HasSubstr("stop it by hand")));
    EXPECT_THAT(c.Reason("ip"), HasSubstr("waits until app has stopped on a"));
  }
}

// [crm_simulate]
TEST(Doubles, AreStoppedOnAllNodesAndThenStartedOnOne) {
  Cluster c;
  c.Set(kA, kRunning, kRunning);
  c.Status("ip", kB).state = kRunning;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Stop("app", kA)));
  EXPECT_EQ(c.Reason("ip"), "is active on a and b: is stopped on all, then started on one");
  c.Status("app", kA).state = kStopped;
  EXPECT_THAT(c.Decide().orders, UnorderedElementsAre(Stop("ip", kA), Stop("ip", kB)));
  c.Set(kA, kStopped, kStopped);
  c.Status("ip", kB).busy = true;
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  c.Set(kB, kStopped, kStopped);
  c.Status("ip", kB).busy = false;
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
}

TEST(Pending, OrdersAreNotRepeatedAndCountAsActive) {
  Cluster c;
  c.view.pending = {Start("ip", kA)};
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(c.Reason("ip"), "its start is ordered on a");
  c.Node(kA).state = NodeState::kLeaving;
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "not elsewhere while it may still begin";
  c.view.pending = {Stop("ip", kA)};
  c.Set(kA, kRunning, kStopped);
  EXPECT_THAT(c.Decide().orders, IsEmpty());
}

TEST(Pending, AnOperationThatIsNotOursMayBeAStartToo) {
  Cluster c;
  c.Status("ip", kB).busy = true;  // stopped, with a start of a former coordinator in its queue
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(c.Reason("ip"), "has an operation in flight on b");
}

TEST(Doubles, AreStoppedTogetherOrNotYet) {
  Cluster c;
  c.Status("ip", kA).state = c.Status("ip", kB).state = kRunning;
  c.Status("ip", kB).busy = true;
  EXPECT_THAT(c.Decide().orders, IsEmpty()) << "alone, the other would be taken for the only one";
  c.Status("ip", kB).busy = false;
  EXPECT_THAT(c.Decide().orders, UnorderedElementsAre(Stop("ip", kA), Stop("ip", kB)));
}

TEST(Failures, WhatRunsOnANodeThatIsToBeFencedIsLeftToTheFencing) {
  Cluster c;
  c.cib.groups = {{"ip", {Resource("ip")}}, {"app", {Resource("app")}}};
  c.Set(kA, kRunning, kRunning);
  c.Fail("app", kA, ResourceAction::kStop, kOcfGenericError, kStopFailed);
  EXPECT_THAT(c.Decide().orders, IsEmpty());
  EXPECT_EQ(c.Reason("ip"), "may be on node a, which is to be fenced: fencing requested");
  c.Node(kA).fencing = true;
  EXPECT_THAT(c.Decide().fences, IsEmpty());
  EXPECT_THAT(c.Decide().orders, IsEmpty());
}

TEST(Input, OfUnknownNodesAndResourcesIsLeftOut) {
  Cluster c;
  c.Node(NodeId(7)).state = NodeState::kGone;
  c.Status("orphan", kA).state = kRunning;
  c.view.pending = {Start("orphan", NodeId(9))};
  EXPECT_THAT(c.Decide().orders, ElementsAre(Start("ip", kA)));
  EXPECT_THAT(c.Decide().fences, IsEmpty());
}

}  // namespace
}  // namespace fencepost::policy
