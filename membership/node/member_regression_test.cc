// Accidents that the whole-cluster simulator found, each as the shortest schedule that shows it.
#include <gtest/gtest.h>

#include "membership/node/member_world.h"

namespace fencepost::node {
namespace {

using std::chrono::seconds;

constexpr int kA = 0, kB = 1;

class Accident : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
    if (HasFailure()) std::printf("%s", world_.Timeline().c_str());
  }
  // Node 1 coordinates and runs everything.
  void Bring() {
    world_.PowerOn(kA);
    ASSERT_TRUE(world_.RunUntil(seconds(30), [&] { return world_.Runs(kA, "database"); }));
    world_.PowerOn(kB);
    world_.Run(seconds(10));
    ASSERT_TRUE(world_.Quorate(kA));
  }
  MemberWorld world_;
};

// R8: it conceded while its fencer waited to try again.
TEST_F(Accident, WhoStandsDownBetweenTwoTriesToFenceDoesNotTryAgain) {
  Bring();
  world_.Cut(kA, kB);
  world_.CutDisk(kB);
  ASSERT_TRUE(world_.RunUntil(seconds(30), [&] { return world_.fenced().size() == 1; }));
  world_.PowerOn(kB);  // before it is looked at: the verification says on
  ASSERT_TRUE(
      world_.RunUntil(seconds(5), [&] { return world_.Told(kA, "fence-attempt-failed") == 1; }));
  world_.KillVoter(kA);
  ASSERT_TRUE(world_.RunUntil(seconds(1), [&] { return world_.Told(kA, "stood-down") == 1; }));
  world_.Run(seconds(2));
  EXPECT_EQ(world_.fenced().size(), 1U) << "shot by a node that had conceded";
}

TEST_F(Accident, WhoLosesItsQuorumAndGetsItBackMayFence) {
  Bring();
  world_.bmc_works = false;
  world_.Cut(kA, kB);
  world_.CutDisk(kB);
  world_.CutDisk(kA);
  ASSERT_TRUE(world_.RunUntil(seconds(30), [&] { return world_.Told(kA, "quorum-lost") == 1; }));
  world_.HealDisk(kA);
  ASSERT_TRUE(world_.RunUntil(seconds(30), [&] { return world_.Quorate(kA); }));
  world_.bmc_works = true;
  EXPECT_TRUE(world_.RunUntil(seconds(20), [&] { return world_.Told(kA, "fenced") == 1; }));
}

constexpr BootId Boot(std::uint8_t number) { return BootId{{number}}; }

// Node 2 as node 1 knows it: its slot in the view of a later cycle of the disk.
class Watched {
 public:
  Watched() {
    packet_.from = NodeId(2);
    packet_.incarnation = Incarnation(1);
  }
  void JoinIn(BootId boot) {
    messaging::Heartbeat heartbeat;
    heartbeat.boot = boot;
    heartbeat.disk_incarnation = Incarnation(boot.bytes[0]);
    ++packet_.counter;
    EXPECT_TRUE(peer.Accept(packet_));
    peer.Hear(Now(), packet_, heartbeat);
    peer.Join();
  }
  void Lose() { peer.Lose(Now()); }
  void BeginReign() { peer.BeginReign(Now()); }
  void SlotShows(BootId boot) {
    on_disk_.node = on_disk_.slot.node = NodeId(2);
    on_disk_.slot.incarnation = Incarnation(boot.bytes[0]);  // each boot starts a new qdiskd
    on_disk_.slot.boot = boot;
    ++on_disk_.changes;
    peer.SeeOnDisk(on_disk_, Now());
  }
  Peer peer;

 private:
  MonoTime Now() { return now_ += Millis(100); }
  MonoTime now_{};
  messaging::Packet packet_;
  qdiskd::NodeOnDisk on_disk_;
};

TEST(NewBoot, OfAMemberThatWasLostIsItsDeath) {
  Watched node;
  node.JoinIn(Boot(1));
  node.Lose();
  node.SlotShows(Boot(1));
  EXPECT_FALSE(node.peer.evidence());
  node.SlotShows(Boot(2));
  EXPECT_EQ(node.peer.evidence(), policy::Grade::kNewBoot);
}

// It was booted anew under another coordinator, and may run something in that boot.
TEST(NewBoot, SinceAnEarlierReignProvesNothing) {
  Watched node;
  node.JoinIn(Boot(1));
  node.Lose();        // this node coordinates no more
  node.BeginReign();  // it does again
  node.SlotShows(Boot(2));
  EXPECT_FALSE(node.peer.evidence()) << "it may run something in boot 2";
  node.SlotShows(Boot(3));
  EXPECT_EQ(node.peer.evidence(), policy::Grade::kNewBoot) << "what ran in boot 2 is dead";
}

TEST(NewBoot, OfANodeThatWasNeverAMemberCountsFromTheFirstSlotThatWasRead) {
  Watched node;
  node.BeginReign();
  node.SlotShows(Boot(1));
  EXPECT_FALSE(node.peer.evidence());
  node.SlotShows(Boot(2));
  EXPECT_EQ(node.peer.evidence(), policy::Grade::kNewBoot);
}

}  // namespace
}  // namespace fencepost::node
