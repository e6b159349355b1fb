// Storage death by the shipped daemon: two nodes, simulated disks, and what may go wrong between.
#include "qdiskd/message_post.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/runner_bench.h"

namespace fencepost::qdiskd {
namespace {

using testing::HasSubstr;

constexpr Duration kWatchdog = Millis(2000);

struct Post : testing::Test {
  explicit Post(int disks = 1) : bench(7, disks) {
    for (int node = 1; node <= 2; ++node) bench[node].Start();
    member = bench.NewConsumer(1);
    keeper = bench.NewConsumer(2);
    keeper->SetWatchdog(kWatchdog);
    bench.Run(Millis(3000));
    tool = NewTool();
    before = bench[2].machine.boot();
  }
  std::unique_ptr<Consumer> NewTool() {
    auto made = std::make_unique<Consumer>(bench[1].hub, bench[1].machine);
    made->Connect(false);
    bench.Run(Millis(100));
    return made;
  }
  void Send(MessageKind kind, Duration within = Millis(15'000)) {
    tool->Say(local::SendMessage{kind, "beta", bench[1].machine.Now() + within, "alice"});
  }
  const local::MessageEnd& End(Duration within = Millis(16'000)) {
    static const local::MessageEnd kNone{MessageProof::kNone, "nothing was answered"};
    for (Duration d{}; d < within && tool->ends().empty(); d += Millis(50)) bench.Run(Millis(50));
    return tool->ends().empty() ? kNone : tool->ends().back();
  }
  bool Died() { return bench[2].machine.boot() != before; }
  NodePower PowerOfBeta() {
    tool->Say(local::AskPower{"beta"});
    bench.Run(Millis(100));
    return tool->power() ? tool->power()->power : NodePower::kUnknown;
  }
  Bench bench;
  std::unique_ptr<Consumer> member, keeper, tool;
  BootId before;
};
struct PostOfThree : Post {
  PostOfThree() : Post(3) {}
};

TEST_F(Post, TestIsAnsweredAndNobodyIsHarmed) {
  Send(MessageKind::kTest);
  EXPECT_EQ(End().proof, MessageProof::kAnswered);
  EXPECT_THAT(End().text, HasSubstr("beta"));
  EXPECT_FALSE(Died());
}

TEST_F(Post, AResetNodeIsProvedByItsNextBoot) {
  keeper->SetWatchdog(Duration());
  Send(MessageKind::kReset);
  for (int i = 0; i < 100 && !Died(); ++i) bench.Run(Millis(50));
  ASSERT_TRUE(Died());
  EXPECT_EQ(keeper->Count("die"), 1);
  bench.Run(Millis(500));
  EXPECT_TRUE(tool->ends().empty()) << "dead, and not proved yet";
  bench[2].Start();
  EXPECT_EQ(End(Millis(6000)).proof, MessageProof::kNewBoot) << End().text;
  const BootId next = bench[2].machine.boot();
  bench.Run(Millis(10'000));
  EXPECT_EQ(bench[2].machine.boot(), next) << "the next boot was not meant";
}

TEST_F(Post, AnOffIsProvedByTheWatchdogAndThenItIsOff) {
  Send(MessageKind::kOff);
  EXPECT_EQ(End().proof, MessageProof::kWatchdogReset) << End().text;
  EXPECT_TRUE(Died());
  bench.Run(Millis(3000));
  EXPECT_EQ(PowerOfBeta(), NodePower::kOff);
  bench[2].Start();
  bench.Run(Millis(6000));
  EXPECT_EQ(PowerOfBeta(), NodePower::kOn);
}

TEST_F(Post, WithoutAWatchdogThatIsEvidenceAnOffIsNotProved) {
  keeper->SetWatchdog(Duration());
  Send(MessageKind::kOff);
  EXPECT_EQ(End().proof, MessageProof::kNone);
  EXPECT_THAT(End().text, HasSubstr("no armed hardware watchdog"));
  EXPECT_TRUE(Died());
  EXPECT_EQ(PowerOfBeta(), NodePower::kUnknown);
}

TEST_F(Post, AKeeperThatHangsDoesNotHoldUpTheDeath) {
  keeper->SetWatchdog(std::nullopt);
  Send(MessageKind::kReset);
  for (int i = 0; i < 60 && !Died(); ++i) bench.Run(Millis(50));
  EXPECT_TRUE(Died());
  EXPECT_EQ(End().proof, MessageProof::kNone) << "it does not come up again in this test";
}

TEST_F(Post, ARebootThatHangsIsTriedAgainAlsoByTheNextDaemonAndWritesNoHeartbeat) {
  bench[2].death.SetHangs(true);
  Send(MessageKind::kReset);
  bench.Run(Millis(3000));
  EXPECT_GE(bench[2].death.acts(), 2);
  const std::uint64_t sequence = bench.OnDisk(2).sequence;
  bench[2].Start();  // systemd starts it again
  const int acts = bench[2].death.acts();
  bench.Run(Millis(5000));
  EXPECT_GE(bench[2].death.acts(), acts + 4);
  EXPECT_EQ(bench.OnDisk(2).sequence, sequence);
  EXPECT_FALSE(Died());
}

TEST_F(Post, WhereTheBootCannotBeMarkedNothingIsClaimed) {
  bench[2].death.SetUnmarkable(true);
  Send(MessageKind::kOff);
  EXPECT_EQ(End().proof, MessageProof::kNone) << "a restarted fencepostd could feed again";
  EXPECT_TRUE(Died());
}

TEST_F(Post, AMessageGoesWithWhoAsked) {
  bench.disk.Cut(NodeId(2));
  Send(MessageKind::kReset);
  bench.Run(Millis(1500));
  tool->Kill();
  bench.Run(Millis(1000));
  bench.disk.Heal(NodeId(2));
  bench.Run(Millis(8000));
  EXPECT_FALSE(Died()) << "nobody means it any more";
}

TEST_F(Post, WhatADeadSenderLeftKillsNobody) {
  bench.disk.Cut(NodeId(2));
  Send(MessageKind::kReset);
  bench.Run(Millis(1500));
  bench[1].machine.PowerOff();
  bench[1].Kill();
  bench.disk.Heal(NodeId(2));
  bench.Run(Millis(10'000));
  EXPECT_FALSE(Died());
  bench[1].machine.PowerOn();
  bench[1].Start();
  bench.Run(Millis(10'000));
  EXPECT_FALSE(Died()) << "its next start has put it away";
}

TEST_F(Post, ATargetWithoutTheDiskIsNoSuccess) {
  bench.disk.Cut(NodeId(2));
  Send(MessageKind::kReset, Millis(4000));
  EXPECT_EQ(End().proof, MessageProof::kNone);
  EXPECT_THAT(End().text, HasSubstr("does not read the disk"));
}

TEST_F(Post, AWriteProtectedDiskIsAFailureInItsOwnWords) {
  bench.disk.SetReadOnly(true);
  Send(MessageKind::kReset);
  EXPECT_EQ(End(Millis(2000)).proof, MessageProof::kNone);
  EXPECT_THAT(End().text, testing::AnyOf(HasSubstr("not written"), HasSubstr("cannot be read")));
  EXPECT_FALSE(Died());
  bench.disk.SetReadOnly(false);
  bench.Run(Millis(8000));
  EXPECT_FALSE(Died()) << "it was called failed";
}

TEST_F(Post, ATargetThatCanOnlyReadDiesAllTheSame) {
  Send(MessageKind::kReset);
  for (int i = 0; i < 40 && keeper->Count("die") == 0; ++i) bench.Run(Millis(25));
  bench.disk.SetReadOnly(true);
  bench.Run(Millis(2000));
  EXPECT_TRUE(Died());
}

TEST_F(Post, ExitEndsTheDaemonOnce) {
  Send(MessageKind::kExit);
  EXPECT_EQ(End().proof, MessageProof::kAnswered);
  bench.Run(Millis(6000));
  EXPECT_TRUE(bench[2].ended());
  bench[2].Start();
  bench.Run(Millis(6000));
  EXPECT_FALSE(bench[2].ended());
}

TEST_F(Post, ClearPutsAMessageAwayAndTellsWhoAskedForIt) {
  bench.disk.Cut(NodeId(2));
  Send(MessageKind::kReset);
  bench.Run(Millis(1000));
  auto other = NewTool();
  other->Say(local::ClearMessage{"beta", "bob"});
  EXPECT_THAT(End(Millis(500)).text, HasSubstr("cleared by bob"));
  ASSERT_EQ(other->ends().size(), 1U);
  bench.disk.Heal(NodeId(2));
  bench.Run(Millis(8000));
  EXPECT_FALSE(Died());
}

TEST_F(Post, WhatMakesNoSenseIsRefused) {
  tool->Say(local::SendMessage{MessageKind::kReset, "gamma", kNever, "x"});
  EXPECT_THAT(End().text, HasSubstr("gamma"));
  tool->Say(local::SendMessage{MessageKind::kReset, "alpha", kNever, "x"});
  EXPECT_THAT((bench.Run(Millis(200)), tool->ends().back().text), HasSubstr("itself"));
  tool->Say(local::SendMessage{static_cast<MessageKind>(9), "beta", kNever, "x"});
  EXPECT_THAT((bench.Run(Millis(200)), tool->ends().back().text), HasSubstr("no such message"));
}

TEST_F(PostOfThree, AnyDiskThatWorksDoes) {
  for (std::size_t i = 1; i < 3; ++i) bench.disks[i]->Cut(NodeId(2));
  Send(MessageKind::kOff);
  bench.Run(Millis(4000));
  EXPECT_TRUE(Died()) << "one of three reaches it";
}

TEST_F(PostOfThree, ATornOrBadOutboxOnOneDiskDoesNotHideIt) {
  const auto geometry = *Geometry::Make(2, kMinCibUnits);
  bench.disks[0]->SetBad(geometry.RegionOffset(Region::kOutbox), 4 * kUnitBytes);
  Send(MessageKind::kReset);
  bench.Run(Millis(4000));
  EXPECT_TRUE(Died());
}

}  // namespace
}  // namespace fencepost::qdiskd
