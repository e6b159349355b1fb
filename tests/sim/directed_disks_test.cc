// Disks that lie, and sets of three: what a disk does wrong is named, stops nothing, and is never
// believed.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

class Disks : public Scene {
 protected:
  void BringThree() {
    ClusterSettings settings;
    settings.disks = 3;
    Bring(settings);
  }
  // While it lasts everything goes on where it is, and nobody is shot.
  void ExpectUndisturbed(Duration lasts) {
    const int shots = cluster_->oracle().shots();
    const auto stopped = [&] {
      return !cluster_->AllOn(active_) || cluster_->Coordinator() == nullptr;
    };
    EXPECT_FALSE(cluster_->RunUntil(lasts, stopped)) << cluster_->WhyNotHealthy();
    EXPECT_EQ(cluster_->oracle().shots(), shots);
  }
  static NodeId IdOf(int node) { return NodeId(static_cast<std::uint8_t>(node)); }
};

// The vote alone keeps the active node quorate: it has lost its peer, and a disk besides.
TEST_F(Disks, OneOfThreeMayHangOrDieWhileTheVoteIsNeeded) {
  for (const bool hangs : {true, false}) {
    BringThree();
    passive().PowerOff("pulled");
    ASSERT_TRUE(cluster_->RunUntil(seconds(60), [&] {
      return active().QuorateUntil().has_value() && cluster_->Told("disk-vote-held") > 0;
    }));
    cluster_->Run(seconds(10));
    if (hangs)
      cluster_->disk(2).Hang();
    else
      cluster_->disk(2).Kill();
    ExpectUndisturbed(seconds(20));
    EXPECT_GE(cluster_->Told("disk-lost", active_), 1);
  }
}

TEST_F(Disks, WhateverOneOfThreeAnswersWronglyIsNamedAndStopsNothing) {
  using Lie = SimDisk::Lie;
  for (const Lie lie : {Lie::kLost, Lie::kTorn, Lie::kMisdirected, Lie::kNone}) {
    BringThree();
    SimDisk& disk = cluster_->disk(1);
    if (lie == Lie::kNone) {
      disk.Snapshot();
      cluster_->Run(seconds(2));
      disk.SetStaleReads(true);
    } else {
      disk.SetLie(lie, qdiskd::kUnitBytes);
    }
    ExpectUndisturbed(seconds(20));
    EXPECT_GE(cluster_->Told("disk-unreadable"), 1);
    EXPECT_GE(disk.seen().lies + disk.seen().stale_reads, 10) << "it did lie";
    disk.SetLie(Lie::kNone);
    disk.SetStaleReads(false);
    ExpectHealthySoon();
  }
}

// A witness is left: the peer, which saw a newer slot of the node that is off.
TEST_F(Disks, ARollbackWithAWitnessIsNamedAndNotBelieved) {
  for (const int disks : {1, 3}) {
    ClusterSettings settings;
    settings.disks = disks;
    Bring(settings);
    cluster_->disk(0).Snapshot();
    cluster_->Run(seconds(5));
    passive().PowerOff("pulled");
    cluster_->disk(0).Rollback();
    cluster_->Run(seconds(3));
    EXPECT_GE(cluster_->Told("disk-unreadable", active_), 1);
    passive().PowerOn();
    cluster_->Run(seconds(20));
  }
}

TEST_F(Disks, ANodeThatIsNotAnsweredAnyMoreHoldsNothingForLonger) {
  BringThree();
  cluster_->Split(NodeId(1), NodeId(2));
  for (int i = 0; i < 3; ++i) cluster_->disk(i).Deafen(IdOf(active_));
  ASSERT_TRUE(cluster_->RunUntil(seconds(60), [&] {
    return cluster_->Coordinator() == &passive();
  })) << "what it wrote arrived; what it read did not";
  EXPECT_GE(cluster_->disk(0).seen().unheard, 1);
  for (int i = 0; i < 3; ++i) cluster_->disk(i).Heal(IdOf(active_));
  cluster_->HealNetwork();
  cluster_->Run(seconds(5));
}

// S6 with a set: all three are gone at once.
TEST_F(Disks, LosingAllThreeShootsNobodyWhoIsQuorateWithoutThem) {
  BringThree();
  for (int i = 0; i < 3; ++i) cluster_->disk(i).Kill();
  ExpectUndisturbed(seconds(30));
  for (int i = 0; i < 3; ++i) cluster_->disk(i).Start();
  ExpectHealthySoon();
}

}  // namespace
}  // namespace fencepost::sim
