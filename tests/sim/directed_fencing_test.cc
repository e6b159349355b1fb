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
