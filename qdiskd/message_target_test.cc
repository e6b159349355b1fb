// Whom a message kills, and whom it must not: directed schedules.
#include "qdiskd/message_target.h"

#include <gtest/gtest.h>

namespace fencepost::qdiskd {
namespace {

constexpr Duration kCycle = Millis(250), kIo = Millis(400);
const BootId kBoot{{0xB2}}, kOldBoot{{0xB1}};
const Incarnation kStart(7);

struct Target : testing::Test {
  void Again(BootId boot, Incarnation start) {
    target.emplace(TargetSettings{NodeId(2), boot, start, kCycle, kIo});
  }
  Target() {
    Again(kBoot, kStart);
    message = {NodeId(2), MessageKind::kReset, 1, Term(), kBoot, kStart};
  }
  Outbox Box(std::uint64_t sequence) const {
    return {NodeId(1), BootId{{0xA1}}, Incarnation(3), sequence, 0, {message}};
  }
  TargetEffects Read(const Outbox& box, Term promised = {}, int disk = 0) {
    now += kCycle;
    return target->Step(now, target::BoxesRead{disk, now, {box, std::nullopt}, promised});
  }
  // Two looks at a living sender.
  TargetEffects Told(std::uint64_t sequence = 1, Term promised = {}) {
    const TargetEffects first = Read(Box(sequence), promised);
    EXPECT_FALSE(first.quiet || first.act || first.acknowledge || first.exit);
    return Read(Box(sequence + 1), promised);
  }
  TargetEffects Wake() {
    now = std::max(now, wake);
    return target->Step(now, target::Wake{});
  }
  std::optional<MessageTarget> target;
  OutMessage message;
  MonoTime now{Millis(10'000)}, wake{};
};

TEST_F(Target, DiesQuietlyThenSaysSoThenActs) {
  TargetEffects e = Told();
  ASSERT_TRUE(e.quiet);
  EXPECT_EQ(e.quiet->by, NodeId(1));
  EXPECT_FALSE(e.acknowledge || e.act) << "nothing is said before the node is quiet";
  EXPECT_TRUE(target->IsCondemned());
  ASSERT_EQ(e.decisions.size(), 1U);

  e = target->Step(now, target::FeedingEnded{Millis(3000)});
  ASSERT_TRUE(e.acknowledge);
  EXPECT_FALSE(e.act);
  const Acknowledgement said{NodeId(1),           Incarnation(3),           1,
                             MessageKind::kReset, MessagePhase::kResetting, Millis(3000)};
  EXPECT_EQ(target->Acks(), std::vector{said});

  e = target->Step(now, target::Acknowledged{*e.acknowledge});
  ASSERT_TRUE(e.act);
  EXPECT_EQ(e.act->kind, MessageKind::kReset);
}

TEST_F(Target, OneLookIsNotEnough) {
  EXPECT_FALSE(Read(Box(5)).quiet);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Read(Box(5)).quiet) << "what a dead sender left is read for ever";
  }
  EXPECT_TRUE(Read(Box(6)).quiet) << "it lives after all";
}

TEST_F(Target, TwoLooksFarApartAreNotEnough) {
  EXPECT_FALSE(Read(Box(5)).quiet);
  now += LiveWindow(TargetSettings{NodeId(2), kBoot, kStart, kCycle, kIo});
  EXPECT_FALSE(Read(Box(6)).quiet) << "written while this node was away; its sender may be dead";
}

TEST_F(Target, AReadThatIsOldWhenItComesIsNotEnough) {
  EXPECT_FALSE(Read(Box(5)).quiet);
  const MonoTime began = now + kCycle;
  now += kCycle + LiveWindow(TargetSettings{NodeId(2), kBoot, kStart, kCycle, kIo}) + Millis(1);
  EXPECT_FALSE(target->Step(now, target::BoxesRead{0, began, {Box(6)}, {}}).quiet)
      << "the process was stopped meanwhile";
}

TEST_F(Target, TwoDisksAreNotTwoLooks) {
  EXPECT_FALSE(Read(Box(5), {}, 0).quiet);
  EXPECT_FALSE(Read(Box(6), {}, 1).quiet) << "disk 1 may be older, and disk 0 not written again";
  (void)target->Step(now, target::SessionOver{0});
  EXPECT_FALSE(Read(Box(6), {}, 0).quiet) << "a sight of another session";
  EXPECT_TRUE(Read(Box(7), {}, 1).quiet);
}

TEST_F(Target, AnotherMessageOrAnotherStartOfItsSenderBeginsAnew) {
  EXPECT_FALSE(Read(Box(5)).quiet);
  message.number = 2;
  EXPECT_FALSE(Read(Box(6)).quiet);
  Outbox other = Box(7);
  other.incarnation = Incarnation(4);
  EXPECT_FALSE(Read(other).quiet);
  EXPECT_FALSE(Read(Outbox{NodeId(1), BootId{{0xA1}}, Incarnation(4), 8, 0, {}}).quiet);
  other.sequence = 9;
  EXPECT_FALSE(Read(other).quiet) << "it was withdrawn in between";
}

TEST_F(Target, WhatAnEarlierBootWasToldKillsNobody) {
  message.to_boot = kOldBoot;
  for (std::uint64_t sequence = 1; sequence < 20; ++sequence) {
    const TargetEffects e = Read(Box(sequence));
    EXPECT_FALSE(e.quiet || e.act || e.acknowledge);
  }
}

TEST_F(Target, ARestartedDaemonOfTheSameBootObeysAReset) {
  Again(kBoot, Incarnation(8));
  EXPECT_TRUE(Told().quiet) << "a new start of qdiskd is no death";
}

TEST_F(Target, AMessageIsObeyedOnce) {
  message.kind = MessageKind::kTest;
  TargetEffects e = Told();
  ASSERT_TRUE(e.acknowledge);
  EXPECT_EQ(target->Acks().at(0).phase, MessagePhase::kDone);
  for (std::uint64_t sequence = 3; sequence < 20; ++sequence) {
    EXPECT_FALSE(Read(Box(sequence)).acknowledge);
    EXPECT_FALSE(Read(Box(sequence), {}, 1).acknowledge) << "the same from another disk";
  }
  message.number = 2;
  EXPECT_TRUE(Told(30).acknowledge) << "the next one";
}

TEST_F(Target, ExitEndsOneStartOfTheDaemonOnly) {
  message.kind = MessageKind::kExit;
  TargetEffects e = Told();
  ASSERT_TRUE(e.acknowledge);
  EXPECT_FALSE(e.exit) << "first it says so";
  EXPECT_TRUE(target->Step(now, target::Acknowledged{*e.acknowledge}).exit);
  EXPECT_FALSE(target->Step(now + kIo, target::Wake{}).exit) << "once";

  Again(kBoot, Incarnation(8));
  e = Told(40);
  EXPECT_FALSE(e.exit || e.acknowledge);
}

TEST_F(Target, ExitDoesNotWaitForADiskThatTakesNothing) {
  message.kind = MessageKind::kExit;
  const TargetEffects e = Told();
  EXPECT_EQ(e.wake_at, now + kIo);
  EXPECT_TRUE(target->Step(e.wake_at, target::Wake{}).exit);
}

TEST_F(Target, ATermThatIsOverKillsNobody) {
  message.term = Term(4, NodeId(1));
  TargetEffects e = Told(1, Term(5, NodeId(2)));
  EXPECT_FALSE(e.quiet || e.act);
  ASSERT_TRUE(e.acknowledge);
  EXPECT_EQ(target->Acks().at(0).phase, MessagePhase::kRefused);
  message.number = 2;
  EXPECT_TRUE(Told(10, Term(4, NodeId(1))).quiet) << "its own term is not over";
}

TEST_F(Target, DiesAtTheLimitWithoutWatchdogKeeperAndWithoutDisk) {
  TargetEffects e = Told();
  ASSERT_EQ(e.wake_at, now + kIo);
  wake = e.wake_at;
  e = Wake();
  ASSERT_TRUE(e.acknowledge) << "its keeper does not answer";
  EXPECT_EQ(target->Acks().at(0).watchdog, Duration()) << "nothing is claimed for it";
  EXPECT_FALSE(e.act);
  ASSERT_EQ(e.wake_at, now + kIo);
  wake = e.wake_at;
  EXPECT_TRUE(Wake().act) << "no disk took the acknowledgement";
}

TEST_F(Target, WhatIsSaidTooLateOfTheWatchdogIsNotClaimed) {
  wake = Told().wake_at;
  const TargetEffects e = Wake();
  (void)target->Step(now, target::FeedingEnded{Millis(3000)});
  EXPECT_EQ(target->Acks().at(0).watchdog, Duration());
  EXPECT_TRUE(target->Step(now, target::Acknowledged{*e.acknowledge}).act);
}

TEST_F(Target, TriesAgainForAsLongAsItLives) {
  TargetEffects e = Told();
  e = target->Step(now, target::FeedingEnded{});
  e = target->Step(now, target::Acknowledged{*e.acknowledge});
  ASSERT_TRUE(e.act);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(e.wake_at, now + kActAgain);
    wake = e.wake_at;
    e = Wake();
    EXPECT_TRUE(e.act);
  }
}

TEST_F(Target, ACondemnedNodeObeysNothingElse) {
  ASSERT_TRUE(Told().quiet);
  const Outbox other{NodeId(3),
                     BootId{{0xA3}},
                     Incarnation(1),
                     1,
                     0,
                     {{NodeId(2), MessageKind::kExit, 1, Term(), kBoot, kStart}}};
  Outbox later = other;
  later.sequence = 2;
  Read(other);
  const TargetEffects e = Read(later);
  EXPECT_FALSE(e.exit);
  EXPECT_EQ(target->Acks().size(), 1U);
}

TEST_F(Target, WhatCannotBeReadIsNoMessage) {
  now += kCycle;
  const TargetEffects e =
      target->Step(now, target::BoxesRead{0, now, {std::nullopt, std::nullopt}, {}});
  EXPECT_FALSE(e.quiet || e.act || e.acknowledge || e.exit);
}

}  // namespace
}  // namespace fencepost::qdiskd
