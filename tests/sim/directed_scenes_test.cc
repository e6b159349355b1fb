// The scenes that a cluster's users fear, on the shipped daemons in virtual time.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

TEST_F(Scene, BothNodesStartAndEverythingRunsOnce) {
  Bring();
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_GE(cluster_->Told("member-joined"), 1);
}

TEST_F(Scene, TheActiveNodeLosesPower) {  // scene 1
  Bring();
  active().PowerOff("the plug is pulled");
  const auto took = cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(passive_); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, seconds(4)) << "its power device says off: no lease is waited for";
  active().PowerOn();
  ExpectHealthySoon();
  EXPECT_TRUE(cluster_->AllOn(passive_)) << "what runs stays where it is";
}

TEST_F(Scene, APureSplitKeepsTheActiveSideAndNoServiceStops) {  // scene 2
  Bring();
  const int stopped = cluster_->Told("SERVICE-STOPPED");
  cluster_->Split(NodeId(1), NodeId(2));
  cluster_->Run(seconds(20));
  EXPECT_TRUE(cluster_->AllOn(active_));
  cluster_->Heal(NodeId(1), NodeId(2));
  for (const auto& [by, target] : cluster_->oracle().shot()) EXPECT_NE(target, active().id());
  if (!passive().powered()) passive().PowerOn();
  ExpectHealthySoon();
  EXPECT_EQ(cluster_->Told("SERVICE-STOPPED"), stopped);
}

TEST_F(Scene, APureSplitMovesToTheSideWithTheHigherScore) {  // scene 2b
  ClusterSettings settings;
  settings.scores = {0, 100};
  Make(settings);
  cluster_->node(1).StartDaemons();
  ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->AllOn(1); }));
  cluster_->node(2).StartDaemons();
  ExpectHealthySoon();
  ASSERT_TRUE(cluster_->AllOn(1)) << "a higher score alone moves nothing";
  cluster_->Split(NodeId(1), NodeId(2));
  const auto took = cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(2); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, seconds(8));
  for (const auto& [by, target] : cluster_->oracle().shot()) EXPECT_NE(target, NodeId(2));
  EXPECT_GE(cluster_->Told("disk-vote-conceded", 1), 1) << "it was decided on the disk";
}

TEST_F(Scene, ASplitInWhichTheActiveNodeLosesTheDiskToo) {  // scene 3
  Bring();
  cluster_->Split(NodeId(1), NodeId(2));
  cluster_->disk().Cut(active().id());
  ASSERT_TRUE(cluster_->RunUntil(seconds(40), [&] { return cluster_->AllOn(passive_); }));
  for (const auto& [by, target] : cluster_->oracle().shot()) EXPECT_EQ(target, active().id());
  cluster_->Run(seconds(5));  // the fence has looked whether it is off
  // After the reset the disk still tells who did it, in which term, why and with which proof.
  const std::string why = cluster_->Why(active_).front();
  EXPECT_NE(why.find(Cat("node ", active_, " was fenced by node ", passive_, " at ")),
            std::string::npos)
      << why;
  EXPECT_NE(why.find(", term "), std::string::npos) << why;
  EXPECT_NE(why.find("proved off by "), std::string::npos) << why;
  EXPECT_NE(cluster_->Why(passive_).front().find("No record on this disk"), std::string::npos);
  cluster_->disk().Heal(active().id());
  cluster_->Heal(NodeId(1), NodeId(2));
  active().PowerOn();
  ExpectHealthySoon();
}

TEST_F(Scene, APlannedLeaveHandsOverAndNobodyIsShot) {  // scene 4
  Bring();
  active().Leave();
  ASSERT_TRUE(cluster_->RunUntil(seconds(30),
                                 [&] { return cluster_->AllOn(passive_) && active().left(); }));
  cluster_->Run(seconds(20));
  EXPECT_TRUE(cluster_->AllOn(passive_));
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  active().StartDaemons();
  ExpectHealthySoon();
  EXPECT_TRUE(cluster_->AllOn(passive_));
}

TEST_F(Scene, APlannedLeaveWithoutADiskIsEvidenceByItsMessage) {
  ClusterSettings settings;
  settings.nodes = 3;
  settings.disks = 0;
  Bring(settings);
  PowerDevice::Mood out_of_reach;
  out_of_reach.reachable = false;
  for (const auto& node : cluster_->nodes()) node->power_device().SetMood(out_of_reach);
  active().Leave();
  const auto moved = [&] { return cluster_->Active() != 0 && cluster_->Active() != active_; };
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] { return moved() && active().left(); }));
  const int second = cluster_->Active();
  cluster_->Run(seconds(20));
  EXPECT_EQ(cluster_->Active(), second);
  EXPECT_EQ(cluster_->Told("fence-decided"), 0);
  active().StartDaemons();
  ExpectHealthySoon();
  for (const auto& node : cluster_->nodes()) {  // a member that does not coordinate, and who does
    if (node.get() == cluster_->Coordinator() || cluster_->Active() == node->id().value()) continue;
    node->Leave();
    ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] { return node->left(); }));
    cluster_->Run(seconds(10));
    EXPECT_EQ(cluster_->Told("fence-decided"), 0);
    break;
  }
}

TEST_F(Scene, QdiskdOfTheActiveNodeKilledMovesNothing) {
  Bring();
  active().KillDisk();
  cluster_->Run(seconds(2));
  EXPECT_EQ(cluster_->Told("qdiskd-gone", active_), 1);
  active().StartDisk();
  ExpectHealthySoon();
  EXPECT_TRUE(cluster_->AllOn(active_));
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_EQ(cluster_->Told("SERVICE-STOPPED"), 0);
}

TEST_F(Scene, FencepostdOfTheActiveNodeKilledAndStartedFindsItsServices) {
  Bring();
  active().KillMember();
  cluster_->Run(Millis(300));
  EXPECT_TRUE(cluster_->AllOn(active_)) << "they do not need the daemon to run";
  active().StartMember();
  ExpectHealthySoon();
  EXPECT_EQ(cluster_->oracle().shots(), 0);
}

TEST_F(Scene, LosingTheDiskShootsNobodyWhoIsQuorateWithoutIt) {  // S6
  Bring();
  cluster_->disk().Kill();
  cluster_->Run(seconds(60));
  EXPECT_GE(cluster_->Told("disk-lost"), 2);
  EXPECT_TRUE(cluster_->AllOn(active_));
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_EQ(cluster_->Told("POWER-OFF"), 0);
  EXPECT_NE(cluster_->Coordinator(), nullptr);
  cluster_->disk().Start();
  ExpectHealthySoon();
}

TEST_F(Scene, TheTargetIsDownWhenBothNodesBoot) {
  Make({});
  cluster_->disk().Kill();
  cluster_->StartAll();
  cluster_->Run(seconds(60));
  Node* coordinator = cluster_->Coordinator();
  ASSERT_NE(coordinator, nullptr) << "two of three votes";
  const auto status = coordinator->member()->Status(coordinator->machine().Now());
  ASSERT_EQ(status.placements.size(), cluster_->services().size());
  for (const auto& placement : status.placements) {
    EXPECT_NE(placement.reason.find("waits for the quorum disk: "), std::string::npos)
        << placement.reason;
  }
  cluster_->disk().Start();
  ExpectHealthySoon();
  EXPECT_EQ(cluster_->oracle().shots(), 0);
}

TEST_F(Scene, WithoutEvidenceNothingIsRecovered) {  // S5
  Bring();
  PowerDevice::Mood out_of_reach;
  out_of_reach.reachable = false;
  active().power_device().SetMood(out_of_reach);
  active().PowerOff("the power device with it");
  cluster_->Run(seconds(60));
  EXPECT_EQ(cluster_->Coordinator(), &passive()) << "a vote needs no evidence, recovery does";
  EXPECT_FALSE(passive().services().Runs("address"));
  EXPECT_GE(cluster_->Told("fencing-failed", passive_), 1);
  active().power_device().SetMood({});
  EXPECT_TRUE(cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(passive_); }));
}

}  // namespace
}  // namespace fencepost::sim
