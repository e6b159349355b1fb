// IscsiDisk and the quorum disk daemon's shell against a target that misbehaves: what is wrong is
// noticed, named, and never taken for an empty disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "qdiskd/mkqdisk/create.h"
#include "tests/doubles/iscsi/quorum_bench.h"

namespace fencepost::doubles {
namespace {

using ::testing::HasSubstr;

struct DiskFaults : ::testing::Test {
  std::unique_ptr<Loop> loop = std::move(Loop::Create().value());
  std::unique_ptr<IscsiTarget> target = std::move(IscsiTarget::Open(*loop, {}).value());
  IscsiDisk disk{*loop, *config::ParseDiskUrl(target->Url()), ""};
  qdiskd::mkqdisk::WaitingDisk Waiting(BlockDevice& device, Duration patience = Millis(5000)) {
    return {device, *loop, {[this] { loop->Run(); }, [this] { loop->Stop(); }}, patience};
  }
  static Writer Node(std::uint64_t start) {
    return MakeWriter({{1, 2, 3, 4}}, NodeId(1), Incarnation(start));
  }
  void Fault(const std::string& line) { ASSERT_EQ(target->Control("fault " + line), "ok"); }
};

// The accident that rule R5a's barrier prevents: an old write over a newer one.
TEST_F(DiskFaults, ALateWriteIsOverBeforeANewSessionMayWrite) {
  const Writer old_start = Node(1), new_start = Node(2);
  auto waiting = Waiting(disk);
  ASSERT_TRUE(waiting.Open(&old_start).ok());
  auto hasty = Waiting(disk, Millis(50));
  Fault("write late 2000");
  const auto late = hasty.Write(4096, Bytes(512, 0xEE));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().kind, IoKind::kTimeout);
  EXPECT_EQ(target->unit().medium()[4096], 0) << "it is inside the storage";
  ASSERT_TRUE(waiting.Open(&new_start).ok());
  EXPECT_EQ(target->unit().medium()[4096], 0xEE) << "the reset waited for it";
  ASSERT_TRUE(waiting.Write(4096, Bytes(512, 0x11)).ok());
  waiting.Pause(Millis(2200));
  EXPECT_EQ(target->unit().medium()[4096], 0x11);
}

TEST_F(DiskFaults, AWriteThatWasNotAnsweredEndsTheSession) {
  const Writer writer = Node(1);
  auto waiting = Waiting(disk);
  ASSERT_TRUE(waiting.Open(&writer).ok());
  Fault("write drop");
  EXPECT_EQ(Waiting(disk, Millis(50)).Write(0, Bytes(512, 1)).error().kind, IoKind::kTimeout);
  EXPECT_EQ(waiting.Write(0, Bytes(512, 1)).error().kind, IoKind::kClosed);
}

struct Answer {
  const char* fault;
  IoKind kind;
  const char* text;
};
constexpr Answer kAnswers[] = {{"write error 3 c00", IoKind::kMedium, "sense 3/0c00"},
                               {"write error 7 2700", IoKind::kReadOnly, "write-protected"},
                               {"write status 18", IoKind::kConflict, "preempted"},
                               {"write close", IoKind::kUnreachable, "session was lost"}};

TEST_F(DiskFaults, EachAnswerToAWriteHasItsKind) {
  for (const Answer& answer : kAnswers) {
    const Writer writer = Node(1);
    auto waiting = Waiting(disk);
    ASSERT_TRUE(waiting.Open(&writer).ok());
    Fault(answer.fault);
    const auto result = waiting.Write(0, Bytes(512, 1));
    ASSERT_FALSE(result.ok()) << answer.fault;
    EXPECT_EQ(result.error().kind, answer.kind) << answer.fault;
    EXPECT_THAT(result.error().text, HasSubstr(answer.text));
    waiting.Close();
  }
}

TEST_F(DiskFaults, PassingTroubleIsRiddenOut) {
  const Writer writer = Node(1);
  auto waiting = Waiting(disk);
  Fault("reserve-out error 6 2900 count=2");
  Fault("reset drop count=2");
  ASSERT_TRUE(waiting.Open(&writer).ok());
  for (const char* fault : {"write status 8 count=3", "write status 28", "write error 6 2903",
                            "write status 40", "read status 8", "read error 6 2a05"}) {
    Fault(fault);
    ASSERT_TRUE(waiting.Write(0, Bytes(512, 3)).ok()) << fault;
    ASSERT_TRUE(waiting.Read(0, 512).ok()) << fault;
  }
  EXPECT_GE(target->struck(), 10);
}

TEST_F(DiskFaults, AUnitThatRefusesFuaIsSynchronised) {
  const Writer writer = Node(1);
  ASSERT_EQ(target->Control("feature fua=refused"), "ok");
  auto waiting = Waiting(disk);
  ASSERT_TRUE(waiting.Open(&writer).ok());
  ASSERT_TRUE(waiting.Write(0, Bytes(512, 3)).ok());
  EXPECT_EQ(target->Control("power-cut"), "ok");
  EXPECT_EQ(target->unit().medium()[0], 3) << "it was durable when it was told so";
}

TEST_F(DiskFaults, WithoutABarrierThereIsNoWriter) {
  const Writer writer = Node(1);
  ASSERT_EQ(target->Control("feature reservations=no"), "ok");
  auto waiting = Waiting(disk);
  EXPECT_EQ(waiting.Open(&writer).error().kind, IoKind::kNoBarrier);
  EXPECT_TRUE(waiting.Open(nullptr).ok());
}

// Two portals of one unit.
struct Portals : ::testing::Test {
  std::unique_ptr<Loop> loop = std::move(Loop::Create().value());
  std::unique_ptr<IscsiTarget> target = Open();
  IscsiDisk disk{*loop, Url(0), "", {Url(1)}};
  qdiskd::mkqdisk::WaitingDisk waiting{
      disk, *loop, {[this] { loop->Run(); }, [this] { loop->Stop(); }}, Millis(5000)};
  const Writer writer = MakeWriter({{1, 2, 3, 4}}, NodeId(1), Incarnation(1));

  std::unique_ptr<IscsiTarget> Open() {
    IscsiTarget::Settings settings;
    settings.ports = {0, 0};
    return std::move(IscsiTarget::Open(*loop, settings).value());
  }
  config::DiskUrl Url(std::size_t portal) { return *config::ParseDiskUrl(target->Url(portal)); }
};

TEST_F(Portals, OneThatRefusesOrKeepsSilentIsPassedBy) {
  for (const char* order : {"down 0", "hang 0"}) {
    ASSERT_EQ(target->Control(order), "ok");
    ASSERT_TRUE(waiting.Open(&writer).ok()) << order;
    EXPECT_TRUE(waiting.Write(0, Bytes(512, 1)).ok());
    waiting.Close();
    for (const char* back : {"up 0", "resume 0"}) ASSERT_EQ(target->Control(back), "ok");
    ASSERT_EQ(target->Control("down 1"), "ok");
    ASSERT_TRUE(waiting.Open(&writer).ok()) << "and back again";
    waiting.Close();
    ASSERT_EQ(target->Control("up 1"), "ok");
  }
  ASSERT_EQ(target->Control("down"), "ok");
  EXPECT_EQ(waiting.Open(&writer).error().kind, IoKind::kUnreachable);
}

// What was sent through the failed path is over before anything is written through the other.
TEST_F(Portals, AFailoverIsANewSessionBehindANewBarrier) {
  ASSERT_TRUE(waiting.Open(&writer).ok());
  ASSERT_EQ(target->Control("fault write late 2000"), "ok");
  qdiskd::mkqdisk::WaitingDisk hasty(
      disk, *loop, {[this] { loop->Run(); }, [this] { loop->Stop(); }}, Millis(50));
  EXPECT_EQ(hasty.Write(4096, Bytes(512, 0xEE)).error().kind, IoKind::kTimeout);
  ASSERT_EQ(target->Control("hang 0"), "ok");
  ASSERT_TRUE(waiting.Open(&writer).ok());
  EXPECT_EQ(target->unit().medium()[4096], 0xEE) << "it landed before, once";
  ASSERT_TRUE(waiting.Write(4096, Bytes(512, 0x11)).ok());
  waiting.Pause(Millis(2200));
  EXPECT_EQ(target->unit().medium()[4096], 0x11);
}

TEST_F(Portals, AWrongSecretIsNotTriedElsewhere) {
  ASSERT_EQ(target->Control("fault login status 201"), "ok");
  EXPECT_EQ(waiting.Open(nullptr).error().kind, IoKind::kDenied);
  EXPECT_TRUE(waiting.Open(nullptr).ok());
}

// Three doubles under the daemon's shell; faults are done to the second.
struct QuorumFault {
  const char* name;
  std::vector<std::string> orders;
  const char* trouble;  // part of what is said about this disk
  bool heals;           // when the orders are taken back
};

class QuorumFaults : public ::testing::TestWithParam<QuorumFault> {};

const QuorumFault kQuorumFaults[] = {
    {"Hang", {"hang"}, "no answer", true},
    {"Down", {"down"}, "efused", true},
    {"ReadErrors", {"fault read error 3 1100 count=0"}, "READ failed", true},
    {"WriteErrors", {"fault write error 3 c00 count=0"}, "WRITE failed", true},
    {"ReadOnly", {"read-only yes"}, "write-protected", true},
    {"LosesWrites", {"fault write lose count=0"}, "loses writes", true},
    {"TornWrites", {"fault write tear 150 count=0"}, "was written", true},
    {"StaleReads", {"fault read stale count=0"}, "was written", true},
    {"MisdirectedWrites", {"fault write shift 8192 count=0"}, "was written", false},
    {"MisdirectedReads", {"fault read shift 4096 count=0"}, "", true},
    {"Zeroed", {"kick", "zero"}, "mkqdisk", false},
};

TEST_P(QuorumFaults, IsNamedAndCostsNeitherTheVoteNorItsRenewal) {
  const QuorumFault& fault = GetParam();
  QuorumBench bench;
  ASSERT_TRUE(bench.HoldVote()) << bench.facts.text;
  ASSERT_EQ(bench.targets[1]->Control("snapshot"), "ok");
  bench.RunFor(3 * kBenchInterval);
  for (const std::string& order : fault.orders) {
    ASSERT_EQ(bench.targets[1]->Control(order), "ok");
  }
  const bool named = bench.RunUntil([&] {
    const std::string& trouble = bench.server.view.disks.at(1).trouble;
    return !trouble.empty() && trouble.find(fault.trouble) != std::string::npos;
  });
  EXPECT_TRUE(named) << bench.server.view.disks.at(1).trouble << "\n" << bench.facts.text;
  const int held = bench.server.held;
  EXPECT_TRUE(bench.RunUntil([&] { return bench.server.held >= held + 5; }));
  EXPECT_FALSE(bench.server.gap) << "the lease ran out in between";
  EXPECT_EQ(bench.server.view.disks.at(0).trouble + bench.server.view.disks.at(2).trouble, "");
  bool told = false;
  for (const std::string& line : Split(bench.facts.text, '\n')) {
    const bool bad = line.starts_with("disk-lost") || line.starts_with("disk-unreadable") ||
                     line.starts_with("disk-refused");
    told |= bad && line.find(" disk=1 ") != std::string::npos;
  }
  EXPECT_TRUE(told) << bench.facts.text;
  for (const char* order : {"clear", "resume", "up", "read-only no"}) {
    ASSERT_EQ(bench.targets[1]->Control(order), "ok");
  }
  if (!fault.heals) return;
  EXPECT_TRUE(bench.RunUntil([&] { return bench.server.view.disks.at(1).trouble.empty(); }))
      << bench.server.view.disks.at(1).trouble << "\n"
      << bench.facts.text;
}
INSTANTIATE_TEST_SUITE_P(Disks, QuorumFaults, ::testing::ValuesIn(kQuorumFaults),
                         [](const auto& fault) { return std::string(fault.param.name); });

struct QuorumDisks : ::testing::Test {
  QuorumBench bench;
};

TEST_F(QuorumDisks, OneThatWasInitialisedAnewIsAnotherVoter) {
  ASSERT_TRUE(bench.HoldVote()) << bench.facts.text;
  bench.targets[1]->Control("kick");
  bench.Format(1, 0x77);
  EXPECT_TRUE(bench.RunUntil([&] {
    return bench.server.view.disks.at(1).trouble.find("initialised anew") != std::string::npos;
  })) << bench.facts.text;
  EXPECT_FALSE(bench.server.gap);
}

TEST_F(QuorumDisks, OneThatWentBackWhileAPeerWasDeadIsNotBelieved) {
  ASSERT_TRUE(bench.HoldVote()) << bench.facts.text;
  ASSERT_EQ(bench.targets[1]->Control("snapshot"), "ok");
  bench.WriteAsPeer(1, 5);
  EXPECT_TRUE(bench.RunUntil([&] { return bench.server.SequenceOf(2) == 5; }));
  ASSERT_EQ(bench.targets[1]->Control("rollback"), "ok");
  EXPECT_TRUE(bench.RunUntil([&] {
    return bench.server.view.disks.at(1).trouble.find("rolled back") != std::string::npos;
  })) << bench.facts.text;
  EXPECT_EQ(bench.server.SequenceOf(2), 0U) << "and the majority never saw that write";
  EXPECT_FALSE(bench.server.gap);
}

}  // namespace
}  // namespace fencepost::doubles
