// A set of three disks under the daemon's shell: what the loss, the hang or the mistake of one
// costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/disk_runner.h"
#include "qdiskd/runner_bench.h"

namespace fencepost::qdiskd {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

struct DiskSet : ::testing::Test {
  Bench bench{1, 3};
  // Node 1 with a consumer that holds the vote.
  std::unique_ptr<Consumer> Holder() {
    bench[1].Start();
    auto consumer = bench.NewConsumer(1);
    bench.Run(seconds(1));
    consumer->Want(1);
    bench.Run(seconds(2));
    EXPECT_TRUE(consumer->Counts()) << bench.journal.Text();
    return consumer;
  }
  // While it runs for so long the holder counts at every instant, and is renewed in each interval.
  void ExpectUndisturbed(Consumer& holder, Duration lasts) {
    const int before = holder.Count("held 1.1");
    Duration longest{};
    for (Duration past{}; past < lasts; past += Millis(10)) {
      bench.Run(Millis(10));
      ASSERT_TRUE(holder.Counts()) << bench.journal.Text();
      longest = std::max(longest, Duration(std::chrono::microseconds(holder.view().cycle_us)));
    }
    EXPECT_GE(holder.Count("held 1.1") - before, lasts / kInterval - 2);
    EXPECT_LT(longest, Millis(20)) << "a healthy cycle takes a few ms";
  }
  [[nodiscard]] static int InUse(const Consumer& consumer) {
    int count = 0;
    for (const auto& disk : consumer.view().disks) count += disk.trouble.empty() ? 1 : 0;
    return count;
  }
};

TEST_F(DiskSet, EachDiskIsWrittenAndTold) {
  const auto holder = Holder();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.OnDisk(1, i).held, Term(1, NodeId(1))) << i;
  ASSERT_EQ(holder->view().disks.size(), 3U);
  EXPECT_EQ(InUse(*holder), 3);
  EXPECT_EQ(holder->view().view.trouble, "");
  EXPECT_NE(holder->view().disks[1].uuid, holder->view().disks[2].uuid);
  EXPECT_EQ(bench.journal.Count("disk-open"), 3);
}

TEST_F(DiskSet, AHungDiskCostsNeitherTheVoteNorTime) {
  const auto holder = Holder();
  bench.disks[1]->Hang();
  ExpectUndisturbed(*holder, seconds(10));
  EXPECT_EQ(InUse(*holder), 2);
  EXPECT_NE(holder->view().disks[1].trouble, "");
  EXPECT_EQ(holder->view().disks[0].trouble + holder->view().disks[2].trouble, "");
  EXPECT_EQ(holder->view().view.disks_ready, 2);
  EXPECT_TRUE(holder->view().view.readable);
  bench.disks[1]->Resume();
  bench.Run(seconds(5));
  EXPECT_EQ(InUse(*holder), 3) << holder->view().disks[1].trouble;
  bench.disks[2]->Hang();
  ExpectUndisturbed(*holder, seconds(5));
}

TEST_F(DiskSet, ADeadDiskCostsNothingAndTwoCostTheVote) {
  const auto holder = Holder();
  bench.disks[0]->Kill();
  ExpectUndisturbed(*holder, seconds(10));
  EXPECT_THAT(holder->view().disks[0].trouble, HasSubstr("connection refused"));
  bench.disks[2]->Kill();
  bench.Run(kTimes.lease + seconds(1));
  EXPECT_FALSE(holder->Counts()) << "no majority renews";
  EXPECT_FALSE(holder->view().view.readable);
  bench.disks[0]->Start();
  bench.Run(seconds(3));
  EXPECT_TRUE(holder->Counts()) << "it still holds the term, and renews";
}

TEST_F(DiskSet, ADiskThatIsSlowButInTimeIsPartOfItAgainWhenItCatchesUp) {
  const auto holder = Holder();
  bench.disks[2]->SetLatency(Millis(100), Millis(150));
  ExpectUndisturbed(*holder, seconds(10));
  EXPECT_EQ(InUse(*holder), 3) << "slow is not dead";
}

TEST_F(DiskSet, TheOtherNodeTakesOverThroughWhatBothReach) {
  const auto holder = Holder();
  bench[2].Start();
  const auto other = bench.NewConsumer(2);
  bench.Run(seconds(1));
  bench.disks[0]->Cut(NodeId(1));
  bench.disks[2]->Cut(NodeId(2));
  bench.Run(seconds(2));
  other->Want(1);
  bench.Run(seconds(1));
  EXPECT_TRUE(holder->Counts());
  bench[1].machine.PowerOff();
  bench[1].Kill();
  Duration waited{};
  while (!other->Counts() && waited < seconds(30)) {
    bench.Run(Millis(50));
    waited += Millis(50);
  }
  EXPECT_TRUE(other->Counts()) << bench.journal.Text();
  EXPECT_GE(waited, kTimes.lease - seconds(1)) << "the whole wait: nobody said that it is off";
}

TEST_F(DiskSet, OneDiskUnderTwoNamesIsCountedOnce) {
  for (const int second : {1, 2}) {
    Bench twice(1, 3);
    twice[1].disks[static_cast<std::size_t>(second)] = twice.disks[0].get();
    twice[1].Start();
    const auto consumer = twice.NewConsumer(1);
    twice.Run(seconds(8));
    EXPECT_THAT(twice.journal.Last("disk-refused"),
                ::testing::AnyOf(HasSubstr("already: name three different disks"),
                                 HasSubstr("this node knows as disk")));
    EXPECT_EQ(InUse(*consumer), 2) << twice.journal.Text();
    twice[1].Start();
    const auto again = twice.NewConsumer(1);
    twice.disks[0]->Hang();  // whichever comes first after a start
    twice.Run(seconds(3));
    twice.disks[0]->Resume();
    twice.Run(seconds(8));
    EXPECT_EQ(InUse(*again), 2) << twice.journal.Text();
  }
}

TEST_F(DiskSet, AnotherClustersDiskInOnePlaceIsRefusedAndTheTwoOthersServe) {
  const auto holder = Holder();
  Superblock foreign = TestSuperblock(1);
  foreign.identity.cluster = {{0xC2}};
  bench.disks[1]->Kill();
  std::fill(bench.disks[1]->medium().begin(), bench.disks[1]->medium().end(), 0);
  Format(bench.disks[1]->medium(), foreign);
  const Bytes before = bench.disks[1]->medium();
  bench.disks[1]->Start();
  ExpectUndisturbed(*holder, seconds(10));
  EXPECT_THAT(holder->view().disks[1].trouble, HasSubstr("another cluster"));
  EXPECT_EQ(bench.disks[1]->medium(), before);
}

TEST_F(DiskSet, ADiskThatWasInitialisedAnewDoesNotCountAsEmpty) {
  const auto holder = Holder();
  bench.disks[1]->Kill();
  Superblock anew = TestSuperblock(1);
  anew.identity.disk.bytes[2] = 9;
  Format(bench.disks[1]->medium(), anew);
  bench.disks[1]->Start();
  ExpectUndisturbed(*holder, seconds(8));
  EXPECT_THAT(holder->view().disks[1].trouble, HasSubstr("initialised anew"));
}

TEST_F(DiskSet, ADiskThatWasRolledBackIsUnreadableAndSaysSo) {
  const auto holder = Holder();
  bench[2].Start();
  const auto other = bench.NewConsumer(2);
  bench.Run(seconds(1));
  const Bytes old = bench.disks[2]->medium();
  bench.Run(seconds(2));
  bench[2].Kill();  // who writes on would cover it up
  bench.disks[2]->medium() = old;
  ExpectUndisturbed(*holder, seconds(5));
  EXPECT_THAT(holder->view().disks[2].trouble, HasSubstr("rolled back"));
  EXPECT_GE(bench.journal.Count("disk-unreadable"), 1);
}

// Two of three are copies: node 1 and node 2 each have two disks to themselves. The view tells, so
// that neither counts the vote while they hear each other.
TEST_F(DiskSet, CopiesOfDisksAreNotSharedWithThePeer) {
  for (const bool copies : {false, true}) {
    Bench pair(1, 3);
    for (const std::size_t i : {0U, 1U}) {
      if (!copies) break;
      // Owned by the bench: a disk outlives the nodes that reach it.
      pair.disks.push_back(std::make_unique<sim::SimDisk>(pair.world, sim::SimDisk::Settings{}));
      pair.disks.back()->medium() = pair.disks[i]->medium();
      pair[2].disks[i] = pair.disks.back().get();
    }
    pair[1].Start();
    pair[2].Start();
    const auto one = pair.NewConsumer(1), two = pair.NewConsumer(2);
    int fresh = 0, shared = 0;
    for (int i = 0; i < 100; ++i) {
      pair.Run(Millis(100));
      const auto& nodes = one->view().view.nodes;
      fresh += !nodes.empty() && nodes.at(1).fresh ? 1 : 0;
      shared += !nodes.empty() && nodes.at(1).shared ? 1 : 0;
    }
    EXPECT_GE(fresh, 10) << "it writes on the third disk";
    EXPECT_EQ(shared > 0, !copies) << shared;
  }
}

}  // namespace
}  // namespace fencepost::qdiskd
