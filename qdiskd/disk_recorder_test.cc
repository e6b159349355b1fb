// The flight recorder in the daemon's shell: what reaches the disk, and what it must not cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/recorder_format.h"
#include "qdiskd/runner_bench.h"

namespace fencepost::qdiskd {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Recorder : ::testing::Test {
  Bench bench;
  const Geometry geometry = *Geometry::Make(2, kMinCibUnits);

  [[nodiscard]] ByteView RingBytes(int node) {
    return ByteView(bench.disk.medium())
        .subspan(geometry.Offset(Region::kRecorder, NodeId(static_cast<std::uint8_t>(node)), 0),
                 std::size_t{kRecorderUnits} * kUnitBytes);
  }
  // "6 0 1.1 text": kind, about, term, text; each once, in the order of their numbers.
  std::vector<std::string> Told(int node) {
    std::map<std::uint64_t, std::string> all;
    for (const DecodedPage& page :
         DecodeRing(RingBytes(node), NodeId(static_cast<std::uint8_t>(node)), geometry,
                    {kCluster, kDisk}, TestMac())) {
      for (const Record& record : page.page.records) {
        const Decision& d = record.decision;
        all[record.number] = Cat(static_cast<int>(d.kind), " ", d.about, " ", d.term, " ", d.text);
      }
    }
    std::vector<std::string> out;
    for (const auto& [number, text] : all) out.push_back(text);
    return out;
  }
  std::unique_ptr<Consumer> Started() {
    bench[1].Start();
    auto consumer = bench.NewConsumer(1);
    bench.Run(seconds(2));
    return consumer;
  }
};

TEST_F(Recorder, AVoteFromThePromiseToTheConcessionIsOnTheDisk) {
  const auto consumer = Started();
  consumer->Want(1);
  bench.Run(seconds(2));
  consumer->Say(event::Dropped{Term(1, NodeId(1))});
  bench.Run(seconds(2));
  const auto told = Told(1);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_THAT(told[0], ::testing::StartsWith("1 0 0.0 version 0.1.0, start 1, boot "));
  EXPECT_EQ(told[1], "7 0 1.1 ");
  EXPECT_EQ(told[2], "9 0 1.1 ");
  EXPECT_THAT(Told(2), IsEmpty());
}

TEST_F(Recorder, WhoTakesOverSaysAfterWhomItWaits) {
  const auto consumer = Started();
  consumer->Want(1);
  bench.Run(seconds(2));
  bench[1].PowerCycle();
  consumer->Kill();
  bench[2].Start();
  const auto second = bench.NewConsumer(2);
  bench.Run(seconds(2));
  second->Want(2);
  bench.Run(seconds(10));
  EXPECT_TRUE(second->Counts());
  EXPECT_THAT(Told(2), Contains(::testing::MatchesRegex("6 1 2.2 waits .* for the end of 1.1")));
  EXPECT_THAT(Told(2), Contains("7 0 2.2 "));
}

TEST_F(Recorder, TheConsumersDecisionsAreKeptWithTermAndText) {
  const auto consumer = Started();
  const Decision fenced{DecisionKind::kFenced, NodeId(2), Term(3, NodeId(1)), "proved off by bmc"};
  consumer->Say(ToQdiskd(fenced));
  bench.Run(seconds(1));
  EXPECT_THAT(Told(1), Contains("43 2 3.1 proved off by bmc"));
}

TEST_F(Recorder, NothingIsWrittenWhenNothingHappened) {
  const auto consumer = Started();
  consumer->Want(1);
  bench.Run(seconds(2));
  const Bytes before(RingBytes(1).begin(), RingBytes(1).end());
  bench.Run(seconds(60));
  EXPECT_TRUE(consumer->Counts());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), RingBytes(1).begin()));
}

TEST_F(Recorder, ALostDiskIsToldWhenItIsBack) {
  const auto consumer = Started();
  bench.disk.Hang();
  bench.Run(seconds(3));
  bench.disk.Resume();
  bench.Run(seconds(5));
  EXPECT_THAT(Told(1), Contains(HasSubstr("4 0 0.0 ")));
  EXPECT_THAT(Told(1), Contains("5 0 0.0 disk 0"));
}

TEST_F(Recorder, ARestartGoesOnBehindWhatIsThere) {
  Started();
  bench[1].Kill();
  const auto consumer = Started();
  const auto told = Told(1);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[0], HasSubstr("start 1,"));
  EXPECT_THAT(told[1], HasSubstr("start 2,"));
}

TEST_F(Recorder, AStopIsOnTheDiskBeforeTheDaemonEnds) {
  const auto consumer = Started();
  bench[1].runner->Stop();
  bench.Run(seconds(2));
  ASSERT_TRUE(bench[1].ended());
  EXPECT_THAT(Told(1), Contains("2 0 0.0 "));
}

// S: the vote does not depend on it. A ring that cannot be written costs one session, once.
TEST_F(Recorder, ARingOnABadPlaceOfTheMediumTurnsItOffAndTheVoteGoesOn) {
  bench.disk.SetBad(geometry.Offset(Region::kRecorder, NodeId(1), 0),
                    std::uint64_t{kRecorderUnits} * kUnitBytes);
  const auto consumer = Started();
  consumer->Want(1);
  bench.Run(seconds(10));
  EXPECT_EQ(bench.journal.Count("recorder-off"), 1) << bench.journal.Text();
  EXPECT_TRUE(consumer->Counts());
  const int lost = bench.journal.Count("disk-lost");
  EXPECT_LE(lost, 1);
  bench.Run(seconds(60));
  EXPECT_EQ(bench.journal.Count("disk-lost"), lost);
  EXPECT_TRUE(consumer->Counts());
}

// A renewal never waits for it: with each I/O near the limit the lease is kept all the same.
TEST_F(Recorder, ASlowDiskRenewsWhileRecordsAreWritten) {
  const auto consumer = Started();
  consumer->Want(1);
  bench.Run(seconds(2));
  bench.disk.SetLatency(Millis(80), Millis(120));
  for (int i = 0; i < 100; ++i) {
    consumer->Say(ToQdiskd(Decision{DecisionKind::kOrders, NodeId(2), Term(), Cat("order ", i)}));
    bench.Run(Millis(300));
    ASSERT_TRUE(consumer->Counts()) << i;
  }
  bench.Run(seconds(5));
  EXPECT_EQ(bench.journal.Count("disk-lost"), 0);
  EXPECT_THAT(Told(1), Contains("47 2 0.0 order 99"));
}

}  // namespace
}  // namespace fencepost::qdiskd
