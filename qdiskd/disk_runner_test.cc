// The daemon's shell over simulated ports: what reaches the disk and the consumer, and when.
#include "qdiskd/disk_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/runner_bench.h"

namespace fencepost::qdiskd {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

struct Runner : ::testing::Test {
  Bench bench;
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
  [[nodiscard]] bool Conceded() { return bench.OnDisk(1).conceded >= Term(1, NodeId(1)); }
};

TEST_F(Runner, AConsumerGetsTheVoteAndKeepsIt) {
  const auto consumer = Holder();
  EXPECT_EQ(bench.OnDisk(1).held, Term(1, NodeId(1)));
  EXPECT_EQ(bench.OnDisk(1).wall_ms, 1234U);
  EXPECT_GT(bench.OnDisk(1).latency.p50_us, 0U);
  EXPECT_GE(bench.OnDisk(1).latency.max_us, bench.OnDisk(1).latency.p99_us);
  const int held = consumer->Count("held 1.1");
  bench.Run(seconds(10));
  EXPECT_GE(consumer->Count("held 1.1"), held + 35);
  EXPECT_TRUE(consumer->Counts());
  EXPECT_TRUE(consumer->view().view.readable);
  ASSERT_EQ(consumer->view().disks.size(), 1U);
  EXPECT_EQ(consumer->view().disks[0].barrier, "reservation");
  EXPECT_EQ(consumer->view().disks[0].device, "/dev/shared");
  EXPECT_EQ(consumer->view().disks[0].uuid, UuidText(kDisk.bytes));
  EXPECT_EQ(consumer->view().disks[0].trouble, "");
  EXPECT_GT(consumer->view().disks[0].latency.p50_us, 0U);
  EXPECT_GT(consumer->view().cycle_us, 0U);
  EXPECT_EQ(bench.journal.Count("disk-open"), 1);
}

TEST_F(Runner, ALeaseCountsFromBeforeTheWriteWasIssued) {
  bench.disk.SetLatency(Millis(60), Millis(80));
  const auto consumer = Holder();
  const MonoTime deadline = consumer->lease()->deadline;
  EXPECT_LT(deadline, bench[1].machine.Now() + kTimes.lease - Millis(150))
      << "write and read took more than that";
}

TEST_F(Runner, BothCopiesAreWrittenInTurn) {
  const auto consumer = Holder();
  const auto geometry = *Geometry::Make(2, kMinCibUnits);
  const auto sequence_of = [&](int copy) {
    const Place place = PlaceOf(geometry, Region::kHeartbeat, NodeId(1), copy);
    return DecodeSlot(ByteView(bench.disk.medium()).subspan(place.offset, kUnitBytes), place,
                      {kCluster, kDisk}, TestMac())
        .slot.sequence;
  };
  const std::uint64_t a = sequence_of(0), b = sequence_of(1);
  EXPECT_EQ(std::max(a, b) - std::min(a, b), 1U);
  bench.disk.LieOnce();  // a write that is lost must not be followed by one over the newest copy
  bench.Run(Millis(400));
  EXPECT_GE(std::max(sequence_of(0), sequence_of(1)), std::max(a, b));
}

TEST_F(Runner, NothingIsWrittenBeforeAnEarlierLeaseIsOver) {
  bench[1].Start();
  bench.Run(kTimes.lease_max - Millis(100));
  EXPECT_TRUE(bench.OnDisk(1).IsBlank());
  bench.Run(Millis(300));
  EXPECT_FALSE(bench.OnDisk(1).IsBlank());
  bench[2].Start();
  const auto consumer = bench.NewConsumer(2);
  bench.Run(seconds(1));
  EXPECT_FALSE(bench.OnDisk(2).IsBlank()) << "its consumer said that it counts nothing";
}

struct BadDisk {
  const char* name;
  void (*spoil)(Bench&);
  const char* fact;
};
class Refusal : public ::testing::TestWithParam<BadDisk> {};

const BadDisk kBadDisks[] = {
    {"ABlankDisk", [](Bench& b) { std::fill(b.disk.medium().begin(), b.disk.medium().end(), 0); },
     "initialise it with mkqdisk"},
    {"AnotherClusterWithAnotherKey",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.identity.cluster = {{0xC2}};
       Format(b.disk.medium(), other, TestMac(8));
     },
     "belongs to another cluster"},
    {"AnotherClusterWithThisKey",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.identity.cluster = {{0xC2}};
       Format(b.disk.medium(), other);
     },
     "belongs to another cluster"},
    {"AnotherKey", [](Bench& b) { Format(b.disk.medium(), TestSuperblock(), TestMac(8)); },
     "another cluster key"},
    {"AnotherLabel",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.label = "depot";
       Format(b.disk.medium(), other);
     },
     "has the label 'depot'"},
    {"TooFewSlots",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.nodes = 1;
       Format(b.disk.medium(), other);
     },
     "has slots for 1 nodes"},
    {"AFormatWithUnknownFeatures",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.incompat = 1;
       Format(b.disk.medium(), other);
     },
     "upgrade this node"},
    {"TooSmall",
     [](Bench& b) {
       Superblock other = TestSuperblock();
       other.cib_units = 4096;
       Format(b.disk.medium(), other);
     },
     "it was shrunk"},
    {"AnotherUnit", [](Bench& b) { b[1].settings.disks[0].designator = "naa.5"; },
     "is the unit 'sim-0'"},
};

TEST_P(Refusal, IsToldOnceAndNothingIsTouched) {
  Bench bench;
  GetParam().spoil(bench);
  const Bytes before = bench.disk.medium();
  bench[1].Start();
  const auto consumer = bench.NewConsumer(1);
  bench.Run(seconds(12));
  EXPECT_THAT(bench.journal.Last("disk-refused"), HasSubstr(GetParam().fact));
  EXPECT_EQ(bench.journal.Count("disk-refused"), 1) << bench.journal.Text();
  EXPECT_GE(bench[1].paths[0]->opens(), 3) << "it is tried again";
  EXPECT_EQ(bench.disk.medium(), before);
  EXPECT_EQ(bench.disk.seen().barriers, 0) << "not even a reservation";
  EXPECT_THAT(consumer->view().view.trouble, HasSubstr(GetParam().fact));
  EXPECT_EQ(bench[1].state.values().count("qdisk-0-uuid"), 0U);
}
INSTANTIATE_TEST_SUITE_P(Disks, Refusal, ::testing::ValuesIn(kBadDisks),
                         [](const auto& disk) { return std::string(disk.param.name); });

TEST_F(Runner, ADiskThatIsPutRightIsTakenWithoutARestart) {
  bench.disk.medium().assign(bench.disk.medium().size(), 0);
  bench[1].Start();
  const auto consumer = bench.NewConsumer(1);
  bench.Run(seconds(3));
  Format(bench.disk.medium(), TestSuperblock());
  bench.Run(kRefusedPause + seconds(1));
  EXPECT_TRUE(consumer->view().view.readable);
}

TEST_F(Runner, AReinitialisedDiskIsRefused) {
  Holder();
  bench[1].Kill();
  Superblock anew = TestSuperblock();
  anew.identity.disk = {{0xD2}};
  Format(bench.disk.medium(), anew);
  const Bytes before = bench.disk.medium();
  bench[1].Start();
  bench.Run(seconds(8));
  EXPECT_THAT(bench.journal.Last("disk-refused"), HasSubstr("initialised anew"));
  EXPECT_EQ(bench.disk.medium(), before);
  bench[2].Start();
  bench.Run(seconds(8));
  EXPECT_FALSE(Geometry::Make(2, 1)->total_bytes() == 0 || bench.disk.medium() == before)
      << "a node that never saw the old one takes it";
}

TEST_F(Runner, ATargetThatIsDownAtTheStartIsToldOnceAndTriedUntilItIsUp) {
  bench.disk.Kill();
  bench[1].Start();
  const auto consumer = bench.NewConsumer(1);
  bench.Run(seconds(20));
  EXPECT_EQ(bench.journal.Count("disk-unavailable"), 1) << bench.journal.Text();
  EXPECT_THAT(consumer->view().view.trouble, HasSubstr("connection refused"));
  EXPECT_GE(bench[1].paths[0]->opens(), 15);
  bench.disk.Start();
  bench.Run(seconds(2));
  EXPECT_TRUE(consumer->view().view.readable);
  EXPECT_EQ(consumer->view().view.trouble, "");
}

TEST_F(Runner, AHangIsALostDiskWithinTheTimeoutAndHealsByItself) {
  const auto consumer = Holder();
  bench.disk.Hang();
  bench.Run(kInterval + kIoTimeout + Millis(20));
  EXPECT_EQ(bench.journal.Count("disk-lost"), 1) << bench.journal.Text();
  EXPECT_FALSE(consumer->view().view.readable);
  EXPECT_TRUE(consumer->Counts()) << "its deadline is not over";
  bench.Run(seconds(5));
  EXPECT_FALSE(consumer->Counts());
  EXPECT_EQ(bench.journal.Count("disk-lost"), 1);
  bench.disk.Resume();
  bench.Run(seconds(4));
  EXPECT_TRUE(consumer->Counts()) << bench.journal.Text();
}

TEST_F(Runner, ATargetThatDiesAndReturnsCostsNoLease) {
  const auto consumer = Holder();
  bench.disk.Kill();
  for (int i = 0; i < 20; ++i) {
    bench.Run(Millis(100));
    ASSERT_TRUE(consumer->Counts());
  }
  bench.disk.Start();
  for (int i = 0; i < 60; ++i) {
    bench.Run(Millis(100));
    ASSERT_TRUE(consumer->Counts()) << bench.journal.Text();
  }
}

// A lease from its end, not at the deadline of the disk's lease: it counted node votes of the term
// too, which may have been asked for later.
TEST_F(Runner, TheTermOfADeadConsumerIsConcededALeaseAfterItsEndAndNotBefore) {
  const auto consumer = Holder();
  bench.Run(Millis(100));
  consumer->Kill();
  const MonoTime over = bench[1].machine.Now() + kTimes.lease_max;
  ASSERT_LT(consumer->lease()->deadline, over);
  while (bench[1].machine.Now() < over) {
    ASSERT_FALSE(Conceded());
    bench.Run(Millis(10));
  }
  bench.Run(Millis(100));
  EXPECT_TRUE(Conceded()) << bench.journal.Text();
  EXPECT_FALSE(bench.OnDisk(1).report.quorate);
}

TEST_F(Runner, AHelloAfterTheConsumersEndConcedesAtOnce) {
  const auto consumer = Holder();
  consumer->Kill();
  bench.Run(Millis(50));
  ASSERT_FALSE(Conceded());
  const auto next = bench.NewConsumer(1);
  bench.Run(Millis(300));
  EXPECT_TRUE(Conceded());
  next->Want(2);
  bench.Run(seconds(2));
  EXPECT_TRUE(next->Counts());
}

TEST_F(Runner, ASecondConsumerReplacesTheFirstButItsHelloProvesNothingAboutIt) {
  const auto first = Holder();
  first->Freeze();
  const MonoTime deadline = first->lease()->deadline;
  const auto second = bench.NewConsumer(1);
  bench.Run(Millis(100));
  second->Want(2);
  second->Say(event::Dropped{Term(9, NodeId(1))});
  while (bench[1].machine.Now() < deadline) {
    ASSERT_FALSE(Conceded()) << "the first one may still count it";
    ASSERT_FALSE(second->Counts());
    bench.Run(Millis(10));
  }
  EXPECT_EQ(second->Count("refused"), 1);
  bench.Run(Millis(400));
  EXPECT_TRUE(Conceded());
  second->Want(3);
  bench.Run(seconds(2));
  EXPECT_TRUE(second->Counts());
  EXPECT_EQ(second->Count("held 1.1"), 0) << "the term of another consumer";
}

TEST_F(Runner, AConsumerThatHangsOrDiesSpeaksForNobody) {
  bench[1].Start();
  bench.Run(seconds(1));
  for (const bool dies : {false, true}) {
    const auto consumer = bench.NewConsumer(1);
    bench.Run(Millis(100));
    NodeReport strong;
    strong.view = 3;
    strong.score = 100;
    strong.votes = Votes(1);
    consumer->Say(event::Report{strong});
    bench.Run(seconds(1));
    ASSERT_EQ(bench.OnDisk(1).report, strong);
    dies ? consumer->Kill() : consumer->Freeze();
    bench.Run(dies ? seconds(1) : seconds(8));
    EXPECT_EQ(bench.OnDisk(1).report.votes, Votes(0)) << "the healthy side would concede to it";
    EXPECT_EQ(bench.OnDisk(1).report.score, 0);
  }
}

TEST_F(Runner, PeersThatMisbehaveAreDropped) {
  const auto holder = Holder();
  const auto drops = [&](const char* why) {
    bench.Run(Millis(50));
    EXPECT_THAT(bench.journal.Last("local-peer-dropped"), HasSubstr(why));
  };
  const auto watcher = bench.NewConsumer(1, false);
  bench.Run(Millis(50));
  watcher->SayBytes({kLocalVersion, 99, 3});
  drops("unknown type");
  const auto eager = bench.NewConsumer(1, false);
  bench.Run(Millis(50));
  eager->Want(7);
  drops("has not said Hello");
  Consumer stranger(bench[1].hub, bench[1].machine, 1000);
  stranger.Connect();
  drops("user 1000");
  Consumer own(bench[1].hub, bench[1].machine, 50);
  own.Connect(false);
  bench.Run(Millis(50));
  own.Say(local::Watch{});
  bench.Run(seconds(1));
  EXPECT_TRUE(own.view().view.readable);
  std::vector<std::unique_ptr<Consumer>> many;
  for (std::size_t i = 0; i < kMaxWatchers; ++i) {
    many.push_back(bench.NewConsumer(1, false));
    bench.Run(Millis(20));
    many.back()->Say(local::Watch{});
  }
  drops("watchers already");
  holder->SayBytes({9, 0});
  drops("version 9");
  EXPECT_FALSE(Conceded()) << "a consumer that was dropped may still count its lease";
}

TEST_F(Runner, ACleanStopLetsTheConsumerDropAndSaysSoOnTheDisk) {
  const auto consumer = Holder();
  bench[1].runner->Stop();
  bench.Run(seconds(1));
  EXPECT_EQ(bench[1].EndText(), "ok") << bench.journal.Text();
  EXPECT_EQ(consumer->Count("must-drop qdiskd is being stopped"), 1);
  EXPECT_TRUE(Conceded());
  EXPECT_FALSE(consumer->Counts());
}

TEST_F(Runner, AStopDoesNotSpeakForAConsumerThatIsSilent) {
  const auto consumer = Holder();
  consumer->SetAnswersDrop(false);
  bench[1].runner->Stop();
  bench.Run(Millis(200));
  const MonoTime deadline = consumer->lease()->deadline;
  const MonoTime over = bench[1].machine.Now() + kTimes.lease_max - Millis(200);
  while (bench[1].machine.Now() < over) {
    ASSERT_FALSE(bench[1].ended());
    bench.Run(Millis(50));
    ASSERT_EQ(consumer->lease()->deadline, deadline) << "a stopping daemon gives nothing more";
  }
  bench.Run(Millis(300));
  EXPECT_EQ(bench[1].EndText(), "ok");
  EXPECT_FALSE(Conceded());
}

TEST_F(Runner, AStopWithoutADiskOrAConsumerEndsInTime) {
  bench.disk.Kill();
  bench[1].Start();
  bench.Run(seconds(1));
  bench[1].runner->Stop();
  bench.Run(Millis(10));
  EXPECT_EQ(bench[1].EndText(), "ok");
  bench[2].Start();
  bench[2].runner->Stop();
  bench.Run(Millis(50));
  EXPECT_EQ(bench[2].EndText(), "ok") << "stopped before its incarnation was durable";
}

TEST_F(Runner, ARestartedDaemonIsANewIncarnationThatWaitsForItsConsumer) {
  const auto consumer = Holder();
  const std::uint64_t before = bench.OnDisk(1).incarnation.value();
  bench[1].Kill();
  consumer->Freeze();  // and counts on
  bench[1].Start();
  bench.Run(seconds(2));
  EXPECT_EQ(bench.OnDisk(1).incarnation.value(), before) << "its lease may still be counted";
  EXPECT_FALSE(Conceded());
  bench.Run(seconds(3));
  EXPECT_GT(bench.OnDisk(1).incarnation.value(), before);
  EXPECT_TRUE(Conceded());
}

TEST_F(Runner, TheIncarnationIsDurableBeforeItIsWritten) {
  bench[1].state.SetLatency(Millis(300), Millis(300));
  for (int i = 0; i < 20; ++i) {
    bench[1].Start();
    const auto consumer = bench.NewConsumer(1);
    bench.Run(Millis(200 + 60 * i) + (i == 16 ? 13 * kInterval : Duration()));
    bench[1].Kill();
    const auto& values = bench[1].state.values();
    std::uint64_t stored = 0;
    if (const auto found = values.find("qdiskd-incarnation"); found != values.end()) {
      ByteReader reader(found->second);
      stored = reader.Get<std::uint64_t>();
    }
    ASSERT_LE(bench.OnDisk(1).incarnation.value(), stored);
    if (i == 15) bench[1].state.Lose();  // then the disk's own record raises it
  }
  EXPECT_GT(bench.OnDisk(1).incarnation.value(), 10U);
}

TEST_F(Runner, WithoutStateOrIdentityItDoesNotRun) {
  bench[1].state.SetFull(true);
  bench[1].Start();
  bench.Run(seconds(6));
  EXPECT_THAT(bench[1].EndText(), HasSubstr("no space left"));
  EXPECT_TRUE(bench.OnDisk(1).IsBlank());
  bench[1].state.SetFull(false);
  bench[1].state.SetRotten("qdiskd-incarnation");
  bench[1].Start();
  bench.Run(seconds(1));
  EXPECT_THAT(bench[1].EndText(), HasSubstr("wrong checksum"));
  bench[2].Start();
  bench[2].Kill();
  bench[2].identity->Break();
  bench[2].Start();
  bench.Run(seconds(1));
  EXPECT_THAT(bench[2].EndText(), HasSubstr("boot identity"));
}

TEST_F(Runner, OfTwoNodesWithOneIdTheNewcomerStopsAndTheHolderGoesOn) {
  BenchNode twin(bench.world, bench.disks, bench.journal, 1, 0);
  const auto consumer = Holder();
  bench.Run(seconds(2));
  twin.Start();
  Consumer other(twin.hub, twin.machine);
  other.Connect();
  for (int i = 0; i < 200; ++i) {
    bench.Run(Millis(100));
    ASSERT_TRUE(consumer->Counts()) << bench.journal.Text();
  }
  EXPECT_EQ(bench[1].EndText(), "runs");
  EXPECT_THAT(twin.EndText(), HasSubstr("two nodes have the id 1"));
  EXPECT_THAT(bench.journal.Last("disk-conflict"), HasSubstr("two nodes have the id 1"));
}

TEST_F(Runner, ATwinWithMoreStartsIsFoundByTheHolder) {
  BenchNode twin(bench.world, bench.disks, bench.journal, 1, 0);
  for (int i = 0; i < 5; ++i) {
    twin.Start();
    bench.Run(Millis(20));
    twin.Kill();
  }
  const auto consumer = Holder();
  twin.Start();
  bench.Run(seconds(20));
  EXPECT_THAT(bench[1].EndText(), HasSubstr("two nodes have the id 1"));
  EXPECT_EQ(twin.EndText(), "runs");
}

TEST_F(Runner, APeerTakesTheVoteOfASilentNodeAfterTheWaitAndNotBefore) {
  const auto consumer = Holder();
  bench[2].Start();
  const auto rival = bench.NewConsumer(2);
  bench.Run(seconds(3));
  EXPECT_TRUE(rival->view().view.nodes.at(0).fresh);
  EXPECT_TRUE(consumer->view().view.nodes.at(1).fresh);
  rival->Say(event::Report{{0b11, 0, Votes(1), false, false, false}});
  consumer->Say(event::Report{{0b11, 0, Votes(1), true, false, false}});
  rival->Want(1);
  bench.Run(seconds(5));
  EXPECT_EQ(rival->Count("held"), 0) << "the holder is alive";
  const MonoTime deadline = consumer->lease()->deadline;
  bench[1].machine.PowerOff();
  bench[1].Kill();
  bench.Run(seconds(3));
  EXPECT_EQ(rival->Count("held"), 0)
      << "node 1 would have counted until " << ToMillis(deadline.time_since_epoch());
  bench.Run(seconds(8));
  EXPECT_TRUE(rival->Counts()) << bench.journal.Text();
}

}  // namespace
}  // namespace fencepost::qdiskd
