// For each rule of DESIGN section 1 the schedule that would break it, at the size of a cluster.
// Each proves first that it reached the dangerous state.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

class Rule : public Scene {
 protected:
  void Cut(int node) { cluster_->disk().Cut(NodeId(static_cast<std::uint8_t>(node))); }
  void Mend(int node) { cluster_->disk().Heal(NodeId(static_cast<std::uint8_t>(node))); }
  void NoPowerDevices() {
    PowerDevice::Mood out_of_reach;
    out_of_reach.reachable = false;
    for (const auto& node : cluster_->nodes()) node->power_device().SetMood(out_of_reach);
  }
  // The lease of who is quorate, in true time.
  Duration Left() {
    Node* holder = cluster_->Coordinator();
    if (holder == nullptr) return Duration();
    return *holder->QuorateUntil() - holder->machine().Now();
  }
};

// A live grant is not given to another, who asks again and again.
TEST_F(Rule, R1TheVoterOfAHolderThatFellSilentAnswersBusyUntilItsLeaseIsOver) {
  Bring();
  NoPowerDevices();
  active().member_life()->Freeze();
  active().disk_life()->Freeze();
  const Duration left = Left();
  ASSERT_GT(left, seconds(1)) << "its leases live";
  ASSERT_TRUE(cluster_->RunUntil(left, [&] { return cluster_->Told("candidate", passive_) > 0; }))
      << "the other asks meanwhile";
  const auto took =
      cluster_->RunUntil(seconds(40), [&] { return passive().QuorateUntil().has_value(); });
  ASSERT_TRUE(took);
  EXPECT_FALSE(active().QuorateUntil());
}

// A voter that forgot its grant, because its node lost power, waits before the next.
TEST_F(Rule, R2AVoterThatWasStartedAnewGrantsNothingWhileAForgottenLeaseMayLive) {
  Bring();
  passive().KillMember();
  const Duration left = Left();
  ASSERT_GT(left, seconds(1)) << "the grant that the voter forgets lives";
  cluster_->network().Partition(NodeId(1), NodeId(2));
  Cut(active_);
  passive().StartMember();
  const TrueTime started = cluster_->world().Now();
  const int before = cluster_->Told("vote-granted", passive_);
  ASSERT_TRUE(cluster_->RunUntil(
      seconds(60), [&] { return cluster_->Told("vote-granted", passive_) > before; }));
  EXPECT_GE(cluster_->world().Now() - started, cluster_->timing().lease_max);
}

// Clocks at the ends of what drift allows: the holder gives up before the voters grant anew.
TEST_F(Rule, R3AHolderWithASlowClockGivesUpFirst) {
  for (const std::int64_t rate : {-500, 500}) {
    ClusterSettings settings;
    settings.rates_ppm = {rate, -rate};
    Bring(settings);
    NoPowerDevices();
    active().member_life()->Freeze();
    active().disk_life()->Freeze();
    ASSERT_GT(Left(), seconds(1));
    ASSERT_TRUE(
        cluster_->RunUntil(seconds(60), [&] { return cluster_->Coordinator() == &passive(); }));
    EXPECT_TRUE(cluster_->violations().empty());
  }
}

// Whoever has a path to the disk and no votes must not disturb the holder.
TEST_F(Rule, R4ANodeWithTooFewVotesDoesNotPromise) {
  ClusterSettings settings;
  settings.nodes = 3;
  settings.disks = 1;
  Bring(settings);
  const int active = active_;
  const int other = active == 3 ? 2 : 3;
  const int promised = cluster_->Told("disk-vote-promised", other);
  cluster_->Isolate(NodeId(static_cast<std::uint8_t>(other)));
  PowerDevice::Mood out_of_reach;
  out_of_reach.reachable = false;
  cluster_->node(other).power_device().SetMood(out_of_reach);
  cluster_->Run(seconds(30));
  EXPECT_EQ(cluster_->Told("disk-vote-promised", other), promised);
  EXPECT_TRUE(cluster_->AllOn(active)) << "the majority was not disturbed";
  cluster_->HealNetwork();
  cluster_->node(other).power_device().SetMood({});
  ExpectHealthySoon();
}

// Silence never shortens the activation wait: without a word of a power device the full wait.
TEST_F(Rule, R5SilenceDoesNotShortenTheActivationWait) {
  Bring();
  NoPowerDevices();
  const TrueTime cut = cluster_->world().Now();
  cluster_->Split(NodeId(1), NodeId(2));
  Cut(active_);
  ASSERT_TRUE(cluster_->RunUntil(seconds(60), [&] {
    return cluster_->Told("disk-vote-promised", passive_) > 0;
  })) << "it waits for the disk's vote";
  const TrueTime promised = cluster_->world().Now();
  ASSERT_TRUE(
      cluster_->RunUntil(seconds(60), [&] { return passive().QuorateUntil().has_value(); }));
  EXPECT_GE(cluster_->world().Now() - promised, cluster_->timing().lease_max);
  EXPECT_GE(promised - cut, cluster_->timing().peer_timeout);
  EXPECT_EQ(cluster_->Told("disk-vote-wait-ended", passive_), 0);
}

// Late writes of a session that is over, landing while the next one reads: no promise is lowered
// and no disk is taken that somebody else may still write.
TEST_F(Rule, R5aWritesThatLandLateAfterAHangLowerNoPromise) {
  Bring();
  cluster_->disk().SetFate(SimDisk::Fate::kLands);
  for (int round = 0; round < 5; ++round) {
    cluster_->disk().Hang();
    cluster_->Run(seconds(1));
    active().KillDisk();
    active().StartDisk();
    cluster_->disk().Resume();
    cluster_->Run(seconds(8));
  }
  EXPECT_GE(cluster_->disk().seen().late_writes + cluster_->disk().seen().barriers, 5);
  EXPECT_EQ(cluster_->Told("disk-unreadable"), 0);
  ExpectHealthySoon();
}

// A daemon that starts anew is not dead: the services of its node still run.
TEST_F(Rule, R6ANewIncarnationOfTheDaemonsIsNotADeath) {
  Bring();
  NoPowerDevices();
  cluster_->Split(NodeId(1), NodeId(2));
  active().member_life()->Freeze();
  active().KillDisk();
  active().StartDisk();
  const auto taken =
      cluster_->RunUntil(seconds(60), [&] { return cluster_->Coordinator() == &passive(); });
  ASSERT_TRUE(taken) << "the other side has the votes";
  ASSERT_TRUE(active().services().Runs("address")) << "and the frozen one its services";
  cluster_->Run(seconds(30));
  EXPECT_FALSE(passive().services().Runs("address"));
}

// An agent that is slow to log in, and a daemon that is killed meanwhile: nobody is left to kill
// the agent, and it does not switch, for its order is out of date.
TEST_F(Rule, R8AFenceAgentDoesNotSwitchAfterItsLeaseIsOver) {
  Bring();
  PowerDevice::Mood slow;
  slow.login = seconds(10);
  passive().power_device().SetMood(slow);
  cluster_->Split(NodeId(1), NodeId(2));
  Cut(passive_);
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] {
    return cluster_->Told("fence-asked", active_) > 0;
  })) << "an agent is on its way";
  cluster_->Run(Millis(100));
  active().member_life()->Freeze();
  cluster_->Run(seconds(20));
  EXPECT_EQ(passive().power_device().too_late(), 1) << "it came to the switch, and too late";
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_TRUE(passive().powered());
}

// An agent of a daemon that was killed: it must not take effect when its node is long believed to
// run nothing.
TEST_F(Rule, R8AStartOfADaemonThatWasKilledDiesWithIt) {
  Bring();
  Services::Mood slow;
  slow.low = slow.high = seconds(20);
  passive().services().SetMood(slow);
  active().Leave();
  const auto ordered = [&] {
    return cluster_->journal().Last("order").find(Cat("start resource=address on=node-", passive_));
  };
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] { return ordered() != std::string::npos; }));
  cluster_->Run(Millis(500));
  passive().KillMember();  // its start is under way
  passive().services().SetMood({});
  passive().StartMember();
  cluster_->Run(seconds(1));
  active().StartDaemons();
  cluster_->Run(seconds(1));
  passive().Leave();
  EXPECT_TRUE(cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(active_); }));
  cluster_->Run(seconds(20));
}

// Nobody gives up a term while an agent of his may switch.
TEST_F(Rule, R8ATermIsNotConcededWhileAFenceAgentMaySwitch) {
  Bring();
  PowerDevice::Mood slow;
  slow.login = seconds(2);
  passive().power_device().SetMood(slow);
  cluster_->Split(NodeId(1), NodeId(2));
  Cut(passive_);
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] {
    return cluster_->Told("fence-asked", active_) > 0;
  })) << "an agent is on its way";
  active().KillDisk();  // which makes it stand down
  ASSERT_TRUE(
      cluster_->RunUntil(seconds(10), [&] { return cluster_->Told("stood-down", active_) > 0; }));
  cluster_->Run(seconds(5));
  EXPECT_EQ(cluster_->oracle().shots(), 0) << "it was killed first";
}

// Without a quorate coordinator everything stops, by this node's own clock and nobody's word.
TEST_F(Rule, R9ANodeWithoutAQuorateCoordinatorStopsEverything) {
  Bring();
  NoPowerDevices();
  cluster_->Split(NodeId(1), NodeId(2));
  cluster_->disk().Kill();
  ASSERT_GT(Left(), seconds(1));
  EXPECT_TRUE(cluster_->AllOn(active_)) << "it may run on until its deadline";
  ASSERT_TRUE(cluster_->RunUntil(seconds(30), [&] {
    return active().services().running().empty() && passive().services().running().empty();
  }));
  EXPECT_EQ(cluster_->Coordinator(), nullptr);
  EXPECT_GE(cluster_->Told("quiesced", active_), 1);
  cluster_->disk().Start();
  cluster_->HealNetwork();
  for (const auto& node : cluster_->nodes()) node->power_device().SetMood({});
  ExpectHealthySoon();
}

}  // namespace
}  // namespace fencepost::sim
