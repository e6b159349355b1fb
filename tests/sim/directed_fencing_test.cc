// Fencing at the size of a cluster: nodes with two supplies, levels, devices that die with their
// node, and a fence that is under way when the lease ends.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

class Fencing : public Scene {
 protected:
  static ClusterSettings With(Feed feed) {
    ClusterSettings settings;
    settings.feed = feed;
    return settings;
  }
  static PowerDevice::Mood OutOfReach() {
    PowerDevice::Mood mood;
    mood.reachable = false;
    return mood;
  }
  // It hangs: it neither speaks nor writes, and its services run on.
  void Hang(Node& node) {
    node.member_life()->Freeze();
    node.disk_life()->Freeze();
  }
  bool TakenOver() { return cluster_->AllOn(passive_); }
};

TEST_F(Fencing, TwoSuppliesAreBothOffBeforeAnybodyTakesOver) {
  Bring(With(Feed::kSupplies));
  Hang(active());
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return TakenOver(); }));
  EXPECT_FALSE(active().powered());
  EXPECT_GE(cluster_->Told("SUPPLY-OFF", active_), 2);
}

TEST_F(Fencing, OneOfTwoSuppliesThatCannotBeSwitchedProvesNothing) {
  Bring(With(Feed::kSupplies));
  active().supply(1).SetMood(OutOfReach());
  Hang(active());
  cluster_->Run(seconds(60));
  ASSERT_GE(cluster_->Told("SUPPLY-OFF", active_), 1) << "the other one was switched off";
  EXPECT_TRUE(active().powered());
  EXPECT_FALSE(TakenOver());
  active().supply(1).SetMood({});
  EXPECT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return TakenOver(); }));
}

TEST_F(Fencing, ABmcThatHangsIsOvertakenByTheSupplies) {
  Bring(With(Feed::kBmcThenSupplies));
  PowerDevice::Mood hangs;
  hangs.hangs = true;
  active().power_device().SetMood(hangs);
  Hang(active());
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return TakenOver(); }));
  EXPECT_GE(cluster_->Told("SUPPLY-OFF", active_), 2);
}

TEST_F(Fencing, ABmcThatDiedWithItsNodeIsNoAnswerAndTheSuppliesAre) {
  Bring(With(Feed::kBmcThenSupplies));
  Command off;
  off.stdin_text = Cat("action=off\nnot_after_ms=999999999\n");
  for (int i = 0; i < kSupplyCount; ++i) {  // somebody trips over both cords
    active().supply(i).Perform(off, passive().machine(), [] {}).answer();
  }
  ASSERT_FALSE(active().powered());
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return TakenOver(); }));
  EXPECT_GE(cluster_->Told("power-is-off") + cluster_->Told("fence-proved"), 1);
}

TEST_F(Fencing, ANodeRebootedByItsSuppliesComesBack) {
  ClusterSettings settings = With(Feed::kSupplies);
  settings.fence_action = FenceAction::kReboot;
  Bring(settings);
  Hang(active());
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return !active().powered(); }));
  ExpectHealthySoon();
}

// The lease ends while the agent is on its way: whatever it does after that is a shot without right
// (the oracle's S3).
TEST_F(Fencing, AFenceUnderWayAtTheEndOfTheLeaseSwitchesNothing) {
  for (const Feed feed : {Feed::kBmc, Feed::kSupplies, Feed::kBmcThenSupplies}) {
    Bring(With(feed));
    PowerDevice::Mood slow;
    slow.login = seconds(6);
    slow.low = slow.high = seconds(7);
    for (PowerDevice* device :
         {&active().power_device(), &active().supply(0), &active().supply(1)}) {
      device->SetMood(slow);
    }
    Hang(active());
    ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(),
                                   [&] { return cluster_->Told("fence-asked", passive_) > 0; }));
    cluster_->disk().Cut(passive().id());
    cluster_->Run(seconds(20));
    EXPECT_TRUE(cluster_->violations().empty()) << cluster_->violations()[0];
    EXPECT_TRUE(active().powered());
    cluster_.reset();
  }
}

TEST_F(Fencing, ALonelyNodeShootsOneOfThreeAndTheNextOnlyWhenThatOneIsBack) {
  ClusterSettings settings = With(Feed::kBmc);
  settings.nodes = 3;
  Bring(settings);
  Node* coordinator = cluster_->Coordinator();
  ASSERT_NE(coordinator, nullptr);
  std::vector<Node*> others;
  for (const auto& node : cluster_->nodes()) {
    if (node.get() == coordinator) continue;
    Hang(*node);
    others.push_back(node.get());
  }
  ASSERT_TRUE(cluster_->RunUntil(seconds(60), [&] { return cluster_->oracle().shots() > 0; }));
  cluster_->Run(seconds(60));
  EXPECT_EQ(static_cast<int>(others[0]->powered()) + static_cast<int>(others[1]->powered()), 1);
  for (Node* node : others) node->PowerOn();
  EXPECT_TRUE(cluster_->RunUntil(2 * cluster_->Bound(), [&] {
    return cluster_->Told("POWER-OFF", static_cast<int>(others[0]->id().value())) > 0 &&
           cluster_->Told("POWER-OFF", static_cast<int>(others[1]->id().value())) > 0;
  }));
}

TEST_F(Fencing, WhoTakesOverDoesNotShootAMajorityWithTheOneBefore) {
  ClusterSettings settings = With(Feed::kBmc);
  settings.nodes = 3;
  Bring(settings);
  Node* coordinator = cluster_->Coordinator();
  ASSERT_NE(coordinator, nullptr);
  Node* first = nullptr;
  for (const auto& node : cluster_->nodes()) {
    if (node.get() != coordinator) first = node.get();
  }
  Hang(*first);
  ASSERT_TRUE(cluster_->RunUntil(seconds(60), [&] { return cluster_->oracle().shots() == 1; }));
  cluster_->Run(seconds(5));
  Hang(*coordinator);
  cluster_->Run(seconds(60));
  EXPECT_EQ(cluster_->oracle().shots(), 1) << "two of three would be more than half";
  EXPECT_GE(cluster_->Told("fencing-failed"), 1);
  coordinator->disk_life()->Thaw();
  coordinator->member_life()->Thaw();
  first->PowerOn();
  ExpectHealthySoon();
}

// A cluster that can only revoke storage: that is enough for services that need nothing else.
TEST_F(Fencing, WhoLostItsStorageIsTakenOverAndJoinsOnlyWhenItRunsNothing) {
  Bring(With(Feed::kStorage));
  Hang(active());
  ASSERT_TRUE(cluster_->RunUntil(2 * cluster_->Bound(), [&] {
    return passive().services().Runs("address") && passive().services().Runs("database");
  }));
  EXPECT_TRUE(active().powered());
  EXPECT_FALSE(active().HasStorage());
  EXPECT_TRUE(active().services().Runs("database")) << "it hangs, and harms nobody";
  active().disk_life()->Thaw();
  active().member_life()->Thaw();
  ExpectHealthySoon();
  EXPECT_TRUE(TakenOver()) << "what runs stays where it is";
  EXPECT_TRUE(cluster_->RunUntil(seconds(5), [&] { return active().HasStorage(); }))
      << "it unfences itself";
  cluster_->Run(seconds(5));
  EXPECT_TRUE(TakenOver());
}

TEST_F(Fencing, StorageThatCannotBeRevokedIsNoEvidence) {
  Bring(With(Feed::kStorage));
  active().storage_gate().SetMood(OutOfReach());
  Hang(active());
  cluster_->Run(seconds(60));
  EXPECT_FALSE(passive().services().Runs("database"));
  active().storage_gate().SetMood({});
  EXPECT_TRUE(cluster_->RunUntil(2 * cluster_->Bound(),
                                 [&] { return passive().services().Runs("database"); }));
}

// The last authority of a node outlives its membership. While it does, the node switches itself on
// after the fence, and obeys an order that came late.
TEST_F(Fencing, ARevocationCountsOnlyAfterTheLastAuthorityIsOver) {
  ClusterSettings settings = With(Feed::kStorage);
  settings.nodes = 3;
  Bring(settings);
  Node* coordinator = cluster_->Coordinator();
  ASSERT_NE(coordinator, nullptr);
  const int lost = coordinator == &active() ? passive_ : active_;
  const auto fenced = [&] { return cluster_->Told("fence-proved"); };
  cluster_->Isolate(NodeId(static_cast<std::uint8_t>(lost)));
  cluster_->disk().Cut(NodeId(static_cast<std::uint8_t>(lost)));
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return fenced() >= 1; }));
  EXPECT_EQ(cluster_->Told("fenced"), 0) << "it may still be in its last authority";
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->Told("fenced") > 0; }));
  EXPECT_GE(fenced(), 2) << "it was looked at again";
}

// Negative control: a crossed plug switches, and reports, another machine.
TEST_F(Fencing, AWrongPlugIsAnAccidentThatTheOracleSees) {
  ClusterSettings settings = With(Feed::kBmc);
  settings.nodes = 3;
  Bring(settings);
  const int third = 6 - active_ - passive_;
  active().power_device().AimAt(cluster_->node(third).power_device());
  Hang(active());
  cluster_->Run(seconds(60));
  EXPECT_FALSE(cluster_->violations().empty());
  cluster_.reset();
}

TEST_F(Fencing, DevicesAreLookedAfterAndThatSwitchesNothing) {
  ClusterSettings settings = With(Feed::kBmcThenSupplies);
  settings.fence_monitor = seconds(5);
  Bring(settings);
  cluster_->Run(seconds(20));
  EXPECT_GE(cluster_->Told("fence-device-ok"), 4);
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_TRUE(cluster_->Healthy());
}

}  // namespace
}  // namespace fencepost::sim
