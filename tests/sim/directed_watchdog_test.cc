// R9 with a watchdog in every node: who is reset, when, and who never is. The oracle adds for every
// event: with an armed watchdog nothing runs past its authority.
#include <gtest/gtest.h>

#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class Watchdogs : public Scene {
 protected:
  void Bring() {
    ClusterSettings settings;
    settings.watchdog = true;
    Scene::Bring(settings);
  }
  void NoPowerDevices() {
    PowerDevice::Mood out_of_reach;
    out_of_reach.reachable = false;
    for (const auto& node : cluster_->nodes()) node->power_device().SetMood(out_of_reach);
  }
  void CutDisk(Node& node) { cluster_->disk().Cut(node.id()); }
  int Bites() { return active().watchdog().bites() + passive().watchdog().bites(); }
};

// S2: nobody else may start what it runs before its authority is over, and it does not live so
// long.
TEST_F(Watchdogs, AHungFencepostdIsResetBeforeItsAuthorityEnds) {
  Bring();
  NoPowerDevices();
  const Duration left = active().member()->CoveredUntil() - active().machine().Now();
  ASSERT_GT(left, seconds(2));
  active().member_life()->Freeze();
  cluster_->Split(NodeId(1), NodeId(2));
  ASSERT_TRUE(cluster_->RunUntil(left, [&] { return active().watchdog().bites() == 1; }));
  EXPECT_TRUE(passive().services().running().empty());
  EXPECT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->AllOn(passive_); }))
      << "its new boot is evidence";
  EXPECT_EQ(Bites(), 1);
}

TEST_F(Watchdogs, AStopThatHangsIsEndedByTheResetBeforeTheLeaseIsOver) {
  Bring();
  NoPowerDevices();
  Services::Mood mood;
  mood.hangs = 1;
  active().services().SetMood(mood);
  MonoTime until{};
  cluster_->Split(NodeId(1), NodeId(2));
  CutDisk(active());
  CutDisk(passive());
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] {
    if (active().watchdog().bites() == 1) return true;
    until = active().member()->CoveredUntil();
    EXPECT_LE(active().machine().Now(), until);
    return false;
  }));
  EXPECT_GE(cluster_->Told("stopping-everything", active_), 1) << "it tried an orderly stop";
  active().services().SetMood({});
  cluster_->Run(minutes(5));
  EXPECT_EQ(Bites(), 1) << "who holds nothing is not reset again and again";
  cluster_->disk().Heal(NodeId(1));
  cluster_->disk().Heal(NodeId(2));
  cluster_->HealNetwork();
  ExpectHealthySoon();
}

TEST_F(Watchdogs, ANodeWithoutQuorumStopsInOrderAndIsNeverReset) {
  Bring();
  NoPowerDevices();
  cluster_->Split(NodeId(1), NodeId(2));
  cluster_->disk().Kill();
  cluster_->Run(minutes(5));
  EXPECT_EQ(Bites(), 0);
  EXPECT_TRUE(active().services().running().empty());
  cluster_->disk().Start();
  cluster_->HealNetwork();
  ExpectHealthySoon();
}

TEST_F(Watchdogs, LosingTheDiskResetsNobodyWhoIsQuorateWithoutIt) {  // S6
  Bring();
  cluster_->disk().Kill();
  cluster_->Run(minutes(2));
  EXPECT_EQ(Bites(), 0);
  EXPECT_TRUE(cluster_->AllOn(active_));
  cluster_->disk().Hang();
  cluster_->disk().Start();
  cluster_->Run(minutes(1));
  EXPECT_EQ(Bites(), 0) << "nor one that answers nothing";
  cluster_->disk().Resume();
  ExpectHealthySoon();
  EXPECT_EQ(Bites(), 0);
}

TEST_F(Watchdogs, AKilledFencepostdThatIsNotBackInTimeCostsTheNode) {
  Bring();
  active().KillMember();
  ASSERT_TRUE(cluster_->RunUntil(cluster_->timing().watchdog + Millis(1),
                                 [&] { return active().watchdog().bites() == 1; }));
  ExpectHealthySoon();
}

TEST_F(Watchdogs, AKilledFencepostdThatIsBackInTimeDoesNot) {
  Bring();
  active().KillMember();
  cluster_->Run(Millis(300));
  active().StartMember();
  ExpectHealthySoon();
  EXPECT_EQ(Bites(), 0);
}

TEST_F(Watchdogs, AnOrderlyEndStopsTheWatchdogOnlyWhenNothingRuns) {
  Bring();
  active().Leave();
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] { return active().left(); }));
  passive().AbandonMember();  // everything runs there now
  ASSERT_TRUE(cluster_->AllOn(passive_));
  cluster_->Run(cluster_->timing().watchdog);
  EXPECT_EQ(passive().watchdog().bites(), 1);
  cluster_->Run(seconds(30));
  EXPECT_EQ(active().watchdog().bites(), 0) << "it left, and ran nothing";
}

TEST_F(Watchdogs, AnEndWithoutHandOverOfANodeThatRunsNothingStopsItToo) {
  Bring();
  passive().AbandonMember();
  cluster_->Run(Millis(100));
  EXPECT_FALSE(passive().watchdog().ticking());
}

TEST_F(Watchdogs, ADeviceThatTakesAnotherTimeOutOrIsMissingIsRefused) {
  for (const bool missing : {false, true}) {
    ClusterSettings settings;
    settings.watchdog = true;
    Make(settings);
    if (missing) cluster_->node(1).watchdog().SetMissing(true);
    if (!missing) cluster_->node(1).watchdog().SetCoarse(seconds(16));
    cluster_->StartAll();
    cluster_->Run(seconds(60));
    EXPECT_GE(cluster_->Told("watchdog-not-armed", 1), 1);
    EXPECT_FALSE(cluster_->node(1).watchdog().ticking());
    EXPECT_EQ(cluster_->Told("watchdog-not-armed", 2), 0);
    for (const auto& node : cluster_->nodes()) EXPECT_EQ(node->watchdog().bites(), 0);
    EXPECT_TRUE(cluster_->node(1).services().running().empty());
  }
}

}  // namespace
}  // namespace fencepost::sim
