// Directed schedules: each builds the accident that one rule of DESIGN section 1 prevents, and
// checks that the dangerous moment was really reached.
#include "qdiskd/disk_voter.h"

#include <gtest/gtest.h>

#include "qdiskd/voter_world.h"

namespace fencepost::qdiskd {
namespace {

constexpr std::uint64_t kQuiet = 0;  // seed 0: equal clocks, no faults unless a test makes them
constexpr int kA = 0, kB = 1, kC = 2;
constexpr std::uint64_t kViewA = 1, kViewB = 2;

template <class Notice>
int CountNotices(VoterWorld& world, int node) {
  int count = 0;
  for (const auto& n : world.node(node).notices) count += std::holds_alternative<Notice>(n);
  return count;
}

void Bring(VoterWorld& world, int node, int disks) {
  world.Start(node);
  for (int d = 0; d < disks; ++d) world.OpenDisk(node, d, false);
  world.FinishAll(node);
  world.AckStart(node);
  world.FinishAll(node);
}

// A holds the vote, both nodes are up and hear each other.
VoterWorld AHolds(int nodes = 2, int disks = 1) {
  VoterWorld::Shape shape;
  shape.nodes = nodes;
  shape.disks = disks;
  VoterWorld world(shape, kQuiet);
  for (int i = 0; i < nodes; ++i) Bring(world, i, disks);
  for (int i = 0; i < nodes; ++i) world.SetView(i, (std::uint64_t{1} << nodes) - 1, 0);
  world.Want(kA);
  EXPECT_TRUE(world.RunUntilHeld(kA, Millis(100)));
  return world;
}

TEST(DiskVoter, TheFirstHolderDoesNotWait) {
  VoterWorld world = AHolds();
  EXPECT_EQ(world.seen().at("disk-vote-wait-ended: nobody held it"), 1);
}

TEST(DiskVoter, ALivingHolderIsNotDisturbed) {  // R4: availability
  VoterWorld world = AHolds();
  const Term before = world.OnDisk(0, kB).promise;
  world.Want(kB);
  EXPECT_FALSE(world.RunUntilHeld(kB, Millis(500)));
  EXPECT_EQ(world.OnDisk(0, kB).promise, before) << "no promise, no trace";
  EXPECT_TRUE(world.Counts(kA));
}

TEST(DiskVoter, WithoutNodeVotesTheDiskIsNotAsked) {  // R4
  VoterWorld world = AHolds();
  world.PowerOff(kA);
  world.Want(kB, false);
  EXPECT_FALSE(world.RunUntilHeld(kB, Millis(1000)));
  EXPECT_TRUE(world.OnDisk(0, kB).promise.IsNone());
  world.Deliver(kB, event::Want{world.node(kB).voter->term(), true});
  EXPECT_TRUE(world.RunUntilHeld(kB, Millis(1000)));
}

TEST(DiskVoter, ASilentHolderIsWaitedForFromThePromiseOn) {  // R5
  VoterWorld world = AHolds();
  world.node(kA).hung = true;  // its consumer still counts until the deadline
  const MonoTime silent_from = world.Local(kB);
  world.Want(kB);
  while (!world.Counts(kB) && world.Local(kB) < silent_from + Millis(1000)) {
    world.FinishAll(kB);
    ASSERT_LE(world.LeasesNow(), 1);
    world.Advance(Millis(1));
  }
  ASSERT_TRUE(world.Counts(kB));
  EXPECT_EQ(CountNotices<notice::Waiting>(world, kB), 1) << "the wait was never entered";
  EXPECT_GE(world.Local(kB) - silent_from, Inflate(Millis(100), 100'000) + Millis(2));
}

TEST(DiskVoter, ARenewalThatSeesAPromiseIsNone) {  // R3, R5: write, then read
  VoterWorld world = AHolds();
  world.node(kA).hung = true;
  world.Want(kB);
  for (int ms = 0; ms < 60 && !world.node(kB).waiting; ++ms) {
    world.Advance(Millis(1));
    world.FinishAll(kB);
  }
  ASSERT_TRUE(world.node(kB).waiting) << "B has promised while A was hung";
  const int held_before = CountNotices<notice::Held>(world, kA);
  world.node(kA).hung = false;
  world.Advance(Millis(1));
  world.FinishAll(kA);
  EXPECT_EQ(CountNotices<notice::Held>(world, kA), held_before);
  EXPECT_EQ(CountNotices<notice::MustDrop>(world, kA), 1);
}

TEST(DiskVoter, ALeaseCountsFromBeforeTheIoBegan) {  // R3
  VoterWorld world = AHolds();
  world.Advance(Millis(10));  // A's next renewal is issued now
  const MonoTime issued = world.Local(kA);
  world.node(kA).hung = true;
  ASSERT_TRUE(world.Land(kA, 0)) << "the renewal was not under way";
  world.Advance(Millis(15));  // and its completion is noticed late
  world.node(kA).hung = false;
  world.node(kA).notices.clear();
  while (world.node(kA).notices.empty()) ASSERT_TRUE(world.Progress(kA, 0));
  const auto* held = std::get_if<notice::Held>(&world.node(kA).notices.front());
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->lease.deadline, issued + Millis(100));
}

TEST(DiskVoter, APureSplitIsConcededToTheHigherScore) {
  VoterWorld world = AHolds();
  world.SetView(kA, kViewA, 0);
  world.SetView(kB, kViewB, 10);
  world.Want(kB);
  for (int ms = 0; ms < 60 && !world.node(kA).drop_wanted; ++ms) {
    world.FinishAll(kA);
    world.FinishAll(kB);
    world.Advance(Millis(1));
  }
  ASSERT_TRUE(world.node(kA).drop_wanted) << "A did not notice that it lost";
  EXPECT_TRUE(world.OnDisk(0, kA).conceded < world.OnDisk(0, kA).held) << "not before Dropped (R6)";
  EXPECT_FALSE(world.Counts(kB));
  world.Drop(kA);
  EXPECT_TRUE(world.RunUntilHeld(kB, Millis(60))) << "faster than the lease";
  EXPECT_GE(world.seen().count("disk-vote-wait-ended: its holder conceded"), 1U);
}

TEST(DiskVoter, AConsumerThatDoesNotAnswerIsWaitedFor) {  // R6
  VoterWorld world = AHolds();
  world.SetView(kA, kViewA, 0);
  world.SetView(kB, kViewB, 10);
  world.Want(kB);
  const MonoTime start = world.Local(kB);
  while (!world.Counts(kB) && world.Local(kB) < start + Millis(2000)) {
    world.FinishAll(kA);
    world.FinishAll(kB);
    ASSERT_LE(world.LeasesNow(), 1);
    world.Advance(Millis(1));
  }
  EXPECT_TRUE(world.Counts(kB)) << "the fallback is the lease";
  EXPECT_TRUE(world.node(kA).drop_wanted);
}

TEST(DiskVoter, AnEqualSplitKeepsTheHolder) {
  VoterWorld world = AHolds();
  world.SetView(kA, kViewA, 0);
  world.SetView(kB, kViewB, 0);
  world.Want(kB);
  EXPECT_FALSE(world.RunUntilHeld(kB, Millis(1000)));
  EXPECT_TRUE(world.Counts(kA));
  EXPECT_FALSE(world.node(kA).drop_wanted);
}

TEST(DiskVoter, OffBeforeTheReadIsNoEvidence) {  // R5: a query begun after h was read
  VoterWorld world = AHolds();
  world.node(kA).hung = true;
  world.Want(kB);
  for (int ms = 0; ms < 60 && !world.node(kB).waiting; ++ms) {
    world.Advance(Millis(1));
    world.FinishAll(kB);
  }
  ASSERT_TRUE(world.node(kB).waiting);
  const MonoTime since = world.node(kB).waiting->since;
  world.Deliver(kB, event::PowerIsOff{NodeId(1), since - Millis(1)});
  world.FinishAll(kB);
  EXPECT_FALSE(world.Counts(kB)) << "too old";
  world.Deliver(kB, event::PowerIsOff{NodeId(2), since + Millis(1)});
  world.FinishAll(kB);
  EXPECT_FALSE(world.Counts(kB)) << "not the holder";
  world.PowerOff(kA);
  world.Deliver(kB, event::PowerIsOff{NodeId(1), world.Local(kB)});
  world.FinishAll(kB);
  EXPECT_TRUE(world.Counts(kB));
}

TEST(DiskVoter, AHolderThatIsOffIsNotTakenForFresh) {  // R4: availability
  VoterWorld world = AHolds();
  world.PowerOff(kA);
  world.Want(kB);
  world.Advance(Millis(1));
  world.Deliver(kB, event::PowerIsOff{NodeId(1), world.Local(kB)});
  world.Advance(Millis(10));
  world.FinishAll(kB);
  ASSERT_TRUE(world.node(kB).waiting) << "promised before the slot of A was stale";
  EXPECT_FALSE(world.Counts(kB)) << "that report began before h was read: it ends no wait";
  world.Deliver(kB, event::PowerIsOff{NodeId(1), world.Local(kB)});
  world.FinishAll(kB);
  EXPECT_TRUE(world.Counts(kB));
}

TEST(DiskVoter, ARestartedDaemonIsNotADeath) {  // R6
  VoterWorld world = AHolds();
  world.node(kA).hung = true;
  world.Crash(kA);
  world.Start(kA);  // the consumer of A still counts; it has not answered
  world.node(kA).hung = false;
  world.OpenDisk(kA, 0, true);
  world.FinishAll(kA);
  EXPECT_TRUE(world.Counts(kA)) << "the dangerous state: a daemon anew, its old lease alive";
  EXPECT_LT(world.OnDisk(0, kA).conceded, world.OnDisk(0, kA).held);
  world.Want(kB);
  while (!world.Counts(kB)) {
    world.FinishAll(kA);
    world.FinishAll(kB);
    ASSERT_LE(world.LeasesNow(), 1);
    world.Advance(Millis(1));
    ASSERT_LT(world.Local(kB), MonoTime(std::chrono::seconds(60)));
  }
}

TEST(DiskVoter, ANewBootOfTheHolderEndsTheWait) {  // R5, R6
  VoterWorld world = AHolds();
  world.PowerOff(kA);
  world.PowerOn(kA);
  Bring(world, kA, 1);
  EXPECT_EQ(world.OnDisk(0, kA).conceded, world.OnDisk(0, kA).held);
  world.Want(kB);
  EXPECT_TRUE(world.RunUntilHeld(kB, Millis(60)));
}

TEST(DiskVoter, APromiseSurvivesARestartAndIsNeverLowered) {  // R5a
  VoterWorld world = AHolds();
  world.PowerOff(kA);
  world.Want(kB);
  for (int ms = 0; ms < 100 && !world.node(kB).waiting; ++ms) {
    world.Advance(Millis(1));
    world.FinishAll(kB);
  }
  const Term promised = world.OnDisk(0, kB).promise;
  ASSERT_FALSE(promised.IsNone());
  world.Crash(kB);
  Bring(world, kB, 1);
  EXPECT_GT(world.OnDisk(0, kB).incarnation, Incarnation(1)) << "it has written anew";
  EXPECT_EQ(world.OnDisk(0, kB).promise, promised);
}

TEST(DiskVoter, NothingIsWrittenToADiskWhoseOwnSlotWasNotRead) {  // R5a
  VoterWorld world = AHolds();
  world.LoseDisk(kB, 0);
  const Slot before = world.OnDisk(0, kB);
  world.OpenDisk(kB, 0, false);  // the read is under way, not done
  world.Advance(Millis(50));
  EXPECT_EQ(world.OnDisk(0, kB), before);
  world.FinishAll(kB);
  world.Advance(Millis(20));
  world.FinishAll(kB);
  EXPECT_TRUE(IsNewer(world.OnDisk(0, kB), before));
}

TEST(DiskVoter, AnotherDaemonWithThisIdStopsIt) {
  VoterWorld world = AHolds();
  world.OnDisk(0, kB).incarnation = Incarnation(99);
  world.OnDisk(0, kB).boot.bytes[15] = 77;
  world.Advance(Millis(11));
  world.FinishAll(kB);
  world.OnDisk(0, kB).incarnation = Incarnation(99);
  world.Advance(Millis(11));
  world.Land(kB, 0);
  world.OnDisk(0, kB).incarnation = Incarnation(99);
  world.FinishAll(kB);
  EXPECT_EQ(world.seen().count("stopped"), 1U);
  EXPECT_FALSE(world.node(kB).voter);
}

TEST(DiskVoter, AWriteThatNeverCompletedMayBeSeenAndBeGoneAgain) {
  VoterWorld world = AHolds();
  const Slot completed = world.OnDisk(0, kA);
  world.Advance(Millis(11));
  ASSERT_TRUE(world.Land(kA, 0));
  world.LoseDisk(kA, 0);  // it has landed, and A does not know
  world.OpenDisk(kA, 0, false);
  while (world.Progress(kA, 0)) {  // up to the first read of the new session
    if (world.OnDisk(0, kA).sequence != completed.sequence + 1) break;
  }
  world.LoseDisk(kA, 0);
  world.OnDisk(0, kA) = completed;  // the target lost what it had not promised to keep
  world.OpenDisk(kA, 0, false);
  world.Advance(Millis(101));
  EXPECT_FALSE(world.Counts(kA));
  EXPECT_TRUE(world.RunUntilHeld(kA, Millis(200)));
  EXPECT_TRUE(world.node(kA).voter->View().readable);
}

TEST(DiskVoter, AWriteThatCompletedAndIsGoneIsARollback) {
  VoterWorld world = AHolds();
  const Slot before = world.OnDisk(0, kA);
  world.Advance(Millis(11));
  world.FinishAll(kA);
  ASSERT_TRUE(IsNewer(world.OnDisk(0, kA), before));
  world.LoseDisk(kA, 0);
  world.OnDisk(0, kA) = before;
  world.OpenDisk(kA, 0, false);
  world.Advance(Millis(110));
  world.FinishAll(kA);
  EXPECT_FALSE(world.RunUntilHeld(kA, Millis(200)));
  EXPECT_EQ(world.OnDisk(0, kA), before) << "nothing is written over it";
}

TEST(DiskVoter, ADiskThatGoesBackIsNotBelieved) {
  VoterWorld world = AHolds();
  const Slot old = world.OnDisk(0, kA);
  world.Advance(Millis(11));
  world.FinishAll(kA);
  world.FinishAll(kB);
  world.node(kA).hung = true;
  world.Advance(Millis(11));
  world.FinishAll(kB);
  ASSERT_TRUE(IsNewer(world.OnDisk(0, kA), old));
  world.OnDisk(0, kA) = old;
  world.Advance(Millis(11));
  world.FinishAll(kB);
  EXPECT_GE(world.seen().count("disk-unreadable"), 1U);
  EXPECT_FALSE(world.node(kB).voter->View().readable);
}

TEST(DiskVoter, TheClockOfAMinorityPromiseDoesNotCount) {  // R5, three disks
  VoterWorld world = AHolds(3, 3);
  // B's promise lands on disk 0 alone; C sees it there and has no majority of promises yet.
  world.node(kA).hung = true;
  for (int ms = 0; ms < 60; ++ms) {  // until B takes A for stale
    world.Advance(Millis(1));
    world.FinishAll(kB);
    world.FinishAll(kC);
  }
  world.LoseDisk(kB, 1);
  world.LoseDisk(kB, 2);
  world.Want(kB);
  world.Advance(Millis(11));
  world.FinishAll(kB);
  const Term b = world.OnDisk(0, kB).promise;
  ASSERT_FALSE(b.IsNone()) << "the minority promise was not reached";
  world.FinishAll(kC);
  world.Advance(Millis(60));
  world.FinishAll(kC);
  // C promises on all three now: its wait starts here, not when it saw B's.
  const MonoTime before = world.Local(kC);
  world.Want(kC);
  for (int ms = 0; ms < 60 && !world.node(kC).waiting; ++ms) {
    world.Advance(Millis(1));
    world.FinishAll(kC);
  }
  ASSERT_TRUE(world.node(kC).waiting);
  EXPECT_GE(world.node(kC).waiting->until, before + Inflate(Millis(100), 100'000));
}

TEST(DiskVoter, TheClockStartsWhenThePromiseWasReadNotWhenItWasIssued) {  // R5
  VoterWorld world = AHolds();
  world.node(kA).hung = true;
  world.Want(kB);
  while (world.OnDisk(0, kB).promise.IsNone()) {  // up to the instant in which it is written
    if (!world.Progress(kB, 0)) world.Advance(Millis(1));
  }
  world.Advance(Millis(15));  // slow: a renewal of A may still slip in before the read
  world.Finish(kB, 0);
  ASSERT_TRUE(world.node(kB).waiting);
  EXPECT_GE(world.node(kB).waiting->until,
            world.Local(kB) + Inflate(Millis(100), 100'000) + Millis(2));
}

TEST(DiskVoter, AnActivationThatFailedOnceIsNotPublishedAsConceded) {  // R5, R6
  VoterWorld world = AHolds();
  world.PowerOff(kA);
  world.Want(kB);
  while (world.OnDisk(0, kB).held.IsNone()) {  // up to the write of its first renewal
    if (!world.Progress(kB, 0)) world.Advance(Millis(1));
  }
  world.LoseDisk(kB, 0);
  EXPECT_FALSE(world.Counts(kB));
  world.OpenDisk(kB, 0, false);
  ASSERT_TRUE(world.RunUntilHeld(kB, Millis(100)));
  EXPECT_LT(world.OnDisk(0, kB).conceded, world.OnDisk(0, kB).held);
}

TEST(DiskVoter, AMajorityOfThreeDisksIsEnough) {
  VoterWorld world = AHolds(2, 3);
  world.LoseDisk(kA, 0);
  world.Advance(Millis(101));
  EXPECT_FALSE(world.Counts(kA));
  EXPECT_TRUE(world.RunUntilHeld(kA, Millis(50)));
  world.LoseDisk(kA, 1);
  world.node(kA).leases.clear();
  EXPECT_FALSE(world.RunUntilHeld(kA, Millis(200))) << "one of three is not the disk";
}

// A claim counts after two changes: on another disk, opened earlier, there were always more.
TEST(DiskVoter, ASilentNodeDoesNotChangeBecauseAnotherDiskIsRead) {
  VoterWorld world = AHolds(2, 3);
  const auto cycles = [&](int count) {
    for (int i = 0; i < count; ++i)
      world.Advance(Millis(11)), world.FinishAll(kB), world.FinishAll(kA);
  };
  const auto changes = [&] { return world.node(kA).voter->View().nodes[1].changes; };
  cycles(20);
  ASSERT_GT(changes(), 10U);
  world.node(kB).hung = true;
  world.LoseDisk(kA, 2);
  world.OpenDisk(kA, 2, false);
  cycles(3);
  const std::uint64_t before = changes();
  world.LoseDisk(kA, 2);
  cycles(3);
  EXPECT_EQ(changes(), before);
}

TEST(DiskVoter, ATermIsUsedOnce) {
  VoterWorld world = AHolds();
  const Term used = world.node(kA).voter->term();
  world.Drop(kA);
  world.FinishAll(kA);
  world.Advance(Millis(11));
  world.FinishAll(kA);
  const int refused = CountNotices<notice::Refused>(world, kA);
  world.Deliver(kA, event::Want{used, true});
  EXPECT_EQ(CountNotices<notice::Refused>(world, kA), refused + 1);
}

}  // namespace
}  // namespace fencepost::qdiskd
