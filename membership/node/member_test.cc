// The daemon's mind in the scenes its users fear, in virtual time.
#include "membership/node/member.h"

#include <gtest/gtest.h>

#include "membership/node/member_world.h"

namespace fencepost::node {
namespace {

constexpr int kA = 0, kB = 1;
constexpr Duration kSettle = std::chrono::seconds(30);

class MemberScene : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
    if (HasFailure()) std::printf("%s", world_.Timeline().c_str());
  }
  bool AllOn(int i) { return world_.Runs(i, "address") && world_.Runs(i, "database"); }
  void Bring() {
    world_.PowerOn(kA);
    world_.PowerOn(kB);
    ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA) || AllOn(kB); }));
    world_.Run(std::chrono::seconds(3));
    active_ = AllOn(kA) ? kA : kB;
    passive_ = 1 - active_;
  }
  MemberWorld world_;
  int active_ = kA, passive_ = kB;
};

TEST_F(MemberScene, TwoNodesStartAndRunEverythingOnce) {
  Bring();
  EXPECT_TRUE(AllOn(active_));
  EXPECT_FALSE(world_.Runs(passive_, "address"));
  EXPECT_TRUE(world_.fenced().empty());
  EXPECT_EQ(world_.Quorate(kA) + world_.Quorate(kB), 1);
}

TEST_F(MemberScene, TheActiveNodeLosesPower) {  // scene 1
  Bring();
  world_.PowerOff(active_);
  const auto took = world_.RunUntil(kSettle, [&] { return AllOn(passive_); });
  ASSERT_TRUE(took);
  std::printf("power-off to services: %lld ms\n", static_cast<long long>(ToMillis(*took)));
  EXPECT_LT(*took, std::chrono::seconds(3)) << "its power device says off: no lease is waited for";
}

TEST_F(MemberScene, ADeadNodeThatHeldNoVoteOfOursIsAskedAboutAtOnce) {
  world_.PowerOn(kA);
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA); }));
  world_.PowerOn(kB);
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return world_.Told(kB, "follows") > 0; }));
  world_.Run(Millis(500));
  const auto status = world_.node(kB).member->Status(world_.LocalTime(kB));
  ASSERT_TRUE(status.own_vote.term.IsNone()) << "its voter has just been started";
  world_.PowerOff(kA);
  const auto took = world_.RunUntil(kSettle, [&] { return world_.Told(kB, "power-is-off") > 0; });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, std::chrono::seconds(2)) << "its slot is fresh for longer, and wins the split";
}

TEST_F(MemberScene, ADeadNodeOfHigherScoreIsNotWaitedFor) {  // L1: its slot is fresh for a while
  world_.node(kA).score = 100;
  world_.PowerOn(kA);
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA); }));
  world_.PowerOn(kB);
  world_.Run(std::chrono::seconds(10));
  ASSERT_TRUE(AllOn(kA));
  const int before = world_.Told(kB, "quorate");
  world_.PowerOff(kA);
  const auto took = world_.RunUntil(kSettle, [&] { return AllOn(kB); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, std::chrono::seconds(3));
  EXPECT_EQ(world_.Told(kB, "quorate"), before + 1) << "not given up again and again";
}

TEST_F(MemberScene, APureSplitKeepsTheActiveSideAndKillsNobody) {  // scene 2
  Bring();
  world_.Cut(kA, kB);
  world_.Run(std::chrono::seconds(20));
  EXPECT_TRUE(AllOn(active_));
  EXPECT_TRUE(world_.fenced().empty());
  EXPECT_GE(world_.Told(passive_, "quiesced"), 1);
  world_.Heal();
  world_.Run(std::chrono::seconds(20));
  EXPECT_TRUE(AllOn(active_));
  EXPECT_TRUE(world_.node(passive_).member->Status(MonoTime(std::chrono::hours(0))).nodes.size() ==
              2);
}

TEST_F(MemberScene, APureSplitMovesToTheHigherScore) {  // scene 2b
  world_.node(kB).score = 100;
  world_.PowerOn(kA);
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA); }));
  world_.PowerOn(kB);
  world_.Run(std::chrono::seconds(10));
  ASSERT_TRUE(AllOn(kA)) << "a higher score alone moves nothing";
  const int before = world_.Told(kA, "candidate");
  world_.Cut(kA, kB);
  const auto took = world_.RunUntil(kSettle, [&] { return AllOn(kB); });
  ASSERT_TRUE(took);
  std::printf("split to services on the other side: %lld ms\n",
              static_cast<long long>(ToMillis(*took)));
  EXPECT_LT(*took, std::chrono::seconds(6));
  EXPECT_TRUE(std::find(world_.fenced().begin(), world_.fenced().end(), "node-2 by node-1") ==
              world_.fenced().end())
      << "the winner was shot";
  EXPECT_EQ(world_.Told(kA, "candidate"), before) << "who conceded does not stand again";
}

TEST_F(MemberScene, ASplitInWhichTheActiveNodeLosesTheDiskToo) {  // scene 3
  Bring();
  world_.Cut(kA, kB);
  world_.CutDisk(active_);
  const auto took = world_.RunUntil(kSettle, [&] { return AllOn(passive_); });
  ASSERT_TRUE(took);
  std::printf("split and disk lost to services: %lld ms\n",
              static_cast<long long>(ToMillis(*took)));
  for (const std::string& shot : world_.fenced()) {
    EXPECT_NE(shot, Cat("node-", passive_ + 1, " by node-", active_ + 1));
  }
}

TEST_F(MemberScene, APlannedLeaveHandsOverAndKillsNobody) {  // scene 4
  Bring();
  world_.Leave(active_);
  ASSERT_TRUE(
      world_.RunUntil(kSettle, [&] { return AllOn(passive_) && world_.node(active_).left; }));
  world_.KillMember(active_);
  world_.KillVoter(active_);
  world_.Run(std::chrono::seconds(20));
  EXPECT_TRUE(AllOn(passive_));
  EXPECT_TRUE(world_.fenced().empty());
  EXPECT_TRUE(world_.node(active_).voter_state->clean_stop);
}

TEST_F(MemberScene, AStoppedDiskDaemonMovesNothing) {
  Bring();
  world_.KillVoter(active_);
  world_.Run(std::chrono::seconds(2));
  world_.StartVoter(active_);
  world_.Run(std::chrono::seconds(20));
  EXPECT_TRUE(AllOn(active_));
  EXPECT_TRUE(world_.fenced().empty());
}

TEST_F(MemberScene, LosingTheDiskOnBothNodesShootsNobody) {  // S6
  Bring();
  world_.CutDisk(kA);
  world_.CutDisk(kB);
  world_.Run(std::chrono::seconds(30));
  EXPECT_TRUE(AllOn(active_));
  EXPECT_TRUE(world_.fenced().empty());
  EXPECT_EQ(world_.Quorate(kA) + world_.Quorate(kB), 1);
}

TEST_F(MemberScene, ARestartedMemberFindsItsServicesAndKeepsThem) {
  Bring();
  world_.KillMember(active_);
  world_.Run(Millis(300));
  world_.StartMember(active_);
  world_.Run(std::chrono::seconds(20));
  EXPECT_TRUE(AllOn(active_) || AllOn(passive_));
  EXPECT_TRUE(world_.fenced().empty());
}

TEST_F(MemberScene, TheWatchdogIsFedOnlyWhileTheAuthorityOutlastsIt) {  // R9
  world_.watchdog = std::chrono::seconds(2);
  Bring();
  world_.stop_fails = true;  // it will never be quiesced: only the watchdog is left
  world_.bmc_works = false;
  world_.Cut(kA, kB);
  world_.CutDisk(active_);
  world_.CutDisk(passive_);
  MonoTime deadline{};  // the latest that its leases reached
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] {
    if (world_.node(active_).bites > 0) return true;
    const auto until = world_.node(active_).member->QuorateUntil(world_.LocalTime(active_));
    if (until) deadline = *until;
    return false;
  }));
  EXPECT_LE(world_.LocalTime(active_), deadline) << "before its leases end, not after";
  world_.Run(std::chrono::minutes(5));
  EXPECT_EQ(world_.node(passive_).bites, 0) << "it holds nothing: it is never reset";
  EXPECT_FALSE(world_.Runs(passive_, "address")) << "without a vote of the disk";
}

TEST_F(MemberScene, WithAWatchdogAnOrderlyStopComesFirst) {  // R9
  world_.watchdog = std::chrono::seconds(2);
  Bring();
  world_.bmc_works = false;
  world_.Cut(kA, kB);
  world_.CutDisk(kA);
  world_.CutDisk(kB);
  world_.Run(std::chrono::minutes(5));
  EXPECT_FALSE(world_.Runs(active_, "address"));
  EXPECT_EQ(world_.node(active_).bites + world_.node(passive_).bites, 0);
}

TEST_F(MemberScene, WhatAStartFindsRunningIsNotFedForBeforeThereIsAuthority) {  // R9
  world_.watchdog = std::chrono::seconds(2);
  Bring();
  world_.stop_fails = true;
  world_.Cut(kA, kB);  // nobody gives it authority again
  world_.KillMember(active_);
  world_.Run(Millis(300));
  const auto before = world_.node(active_).feeds;
  world_.StartMember(active_);
  world_.Run(Millis(1500));
  EXPECT_EQ(world_.node(active_).feeds, before);
  world_.Run(Millis(200));
  EXPECT_EQ(world_.node(active_).bites, 1) << "the watchdog of the daemon before still ticks";
}

TEST_F(MemberScene, NothingIsStartedBeforeTheWatchdogIsArmed) {
  world_.watchdog = std::chrono::seconds(2);
  world_.watchdog_arms = false;
  world_.PowerOn(kA);
  world_.PowerOn(kB);
  world_.Run(kSettle);
  EXPECT_TRUE(world_.Quorate(kA) || world_.Quorate(kB));
  EXPECT_FALSE(world_.Runs(kA, "address") || world_.Runs(kB, "address"));
}

TEST_F(MemberScene, WithoutFencingNothingIsRecovered) {  // S5
  Bring();
  world_.bmc_works = false;
  world_.PowerOff(active_);
  world_.Run(std::chrono::seconds(60));
  EXPECT_FALSE(world_.Runs(passive_, "address"));
  EXPECT_TRUE(world_.Quorate(passive_)) << "the vote does not need evidence, recovery does";
  const MemberStatus status = world_.node(passive_).member->Status(MonoTime(std::chrono::hours(0)));
  ASSERT_FALSE(status.placements.empty());
  EXPECT_FALSE(status.placements[0].reason.empty());
}

TEST_F(MemberScene, AResourceThatDoesNotStopGetsItsNodeFenced) {
  Bring();
  world_.stop_fails = true;
  world_.Leave(active_);
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(passive_); }));
  EXPECT_EQ(world_.fenced().size(), 1U);
}

}  // namespace
}  // namespace fencepost::node
