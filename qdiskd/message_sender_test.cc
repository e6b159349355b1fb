// What is believed of a node that was told to die, and what is not: directed schedules.
#include "qdiskd/message_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fencepost::qdiskd {
namespace {

using testing::HasSubstr;

constexpr Duration kCycle = Millis(250), kIo = Millis(400), kWatchdog = Millis(3000);
constexpr Duration kEps = Millis(200);
const BootId kBoot{{0xB2}}, kNextBoot{{0xB3}};

struct Sender : testing::Test {
  Sender() {
    SenderSettings settings{NodeId(1), BootId{{0xA1}}, Incarnation(3),       kCycle, kIo, 100'000,
                            kEps,      disks,          {{NodeId(2), "beta"}}};
    sender.emplace(settings);
    other.node = NodeId(2);
    other.boot = kBoot;
    other.incarnation = Incarnation(7);
    other.sequence = 100;
    See();
  }
  SenderEffects Keep(SenderEffects e) {
    for (const MessageAnswer& answer : e.answers) answers.push_back(answer);
    if (e.write) box = *e.write;
    return e;
  }
  SenderEffects Step(const SenderEvent& event) { return Keep(sender->Step(now, event)); }
  // A cycle: the view was read now.
  SenderEffects See() {
    DiskView view;
    view.readable = readable;
    view.trouble = trouble;
    view.began = now;
    view.nodes.push_back({NodeId(2), other, fresh, true, 0, {}});
    return Step(sender::Saw{view});
  }
  SenderEffects Ask(MessageKind what = MessageKind::kReset, Duration within = Millis(20'000)) {
    return Step(sender::Ask{++last_id, NodeId(2), what, now + within, Term(), "alice"});
  }
  void Written() { Step(sender::BoxWritten{box.sequence}); }
  void Answer(MessagePhase phase, Duration watchdog = {}) {
    AckBox acks{NodeId(2), kBoot, Incarnation(7), 1, 0, {}};
    acks.entries.push_back({NodeId(1), Incarnation(3), last_id, kind, phase, watchdog});
    Step(sender::AcksRead{now, {std::nullopt, acks}});
  }
  void Pass(Duration d) {
    const MonoTime until = now + d;
    while (now < until && answers.empty()) {
      now = std::min(until, now + kCycle);
      See();
      Step(sender::Wake{});
    }
  }
  int disks = 1;
  std::optional<MessageSender> sender;
  MonoTime now{Millis(100'000)};
  bool readable = true, fresh = true;
  std::string trouble;
  Slot other;
  std::uint64_t last_id = 0;
  MessageKind kind = MessageKind::kReset;
  Outbox box;
  std::vector<MessageAnswer> answers;
};

TEST_F(Sender, NamesTheLifeThatItSaw) {
  const SenderEffects e = Ask();
  ASSERT_TRUE(e.write);
  ASSERT_EQ(e.write->messages.size(), 1U);
  const OutMessage& m = e.write->messages[0];
  EXPECT_EQ(m.to_boot, kBoot);
  EXPECT_EQ(m.to_incarnation, Incarnation(7));
  EXPECT_EQ(m.number, 1U);
  ASSERT_EQ(e.decisions.size(), 1U);
  EXPECT_THAT(std::string(e.decisions[0].text), HasSubstr("alice"));
}

TEST_F(Sender, WritesAnewWhileItMeansItAndNoLonger) {
  Ask(MessageKind::kReset, Millis(3000));
  Written();
  std::uint64_t before = box.sequence;
  const MonoTime end = now + Millis(3000);
  while (now + kIo + kCycle <= end) {
    EXPECT_EQ(box.messages.size(), 1U);
    now += kCycle;
    Step(sender::Wake{});
    EXPECT_EQ(box.sequence, before + 1);
    before = box.sequence;
  }
  EXPECT_TRUE(box.messages.empty()) << "what landed now would be a late shot";
  EXPECT_TRUE(answers.empty()) << "a proof may still come";
  now = end;
  Step(sender::Wake{});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
  EXPECT_THAT(answers[0].text, HasSubstr("does not read the disk"));
}

TEST_F(Sender, TestIsAnswered) {
  kind = MessageKind::kTest;
  Ask(kind);
  Written();
  Answer(MessagePhase::kDone);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kAnswered);
  EXPECT_TRUE(box.messages.empty());
}

TEST_F(Sender, ANewBootIsProofOnceItsSlotShowsIt) {
  Ask();
  Written();
  Answer(MessagePhase::kResetting);
  other.sequence++;
  See();
  EXPECT_TRUE(answers.empty());
  other.boot = kNextBoot;
  See();
  EXPECT_TRUE(answers.empty()) << "a later start writes a later incarnation: this is an old disk";
  other.incarnation = Incarnation(8);
  See();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNewBoot);
}

TEST_F(Sender, ARestartedDaemonIsNoProof) {
  Ask();
  Written();
  other.incarnation = Incarnation(8);
  other.sequence = 1;
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
}

TEST_F(Sender, AWatchdogIsProofWhenItHasHadItsTimeInSilence) {
  Ask();
  Written();
  other.sequence++;
  Answer(MessagePhase::kResetting, kWatchdog);
  EXPECT_TRUE(box.messages.empty()) << "it has been heard";
  See();  // the last heartbeat, before it went quiet, is seen now
  const MonoTime since = now;
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kWatchdogReset);
  EXPECT_GE(now - since, kWatchdog + kWatchdog / 10 + kEps);
  EXPECT_LE(now - since, kWatchdog + kWatchdog / 10 + kEps + kCycle);
}

TEST_F(Sender, SilenceIsReadNotAssumed) {
  Ask();
  Written();
  Answer(MessagePhase::kResetting, kWatchdog);
  readable = false;
  Pass(Millis(10'000));
  EXPECT_TRUE(answers.empty());
  readable = true;
  other.sequence += 20;
  See();
  EXPECT_TRUE(answers.empty()) << "it lived meanwhile";
  Pass(Millis(3000));
  EXPECT_TRUE(answers.empty());
  Pass(Millis(1000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kWatchdogReset);
}

TEST_F(Sender, SilenceIsOfALookThatBeganAfterTheWatchdogBit) {
  Ask();
  Written();
  Answer(MessagePhase::kResetting, kWatchdog);
  See();
  now += Millis(10'000);
  Step(sender::Wake{});
  EXPECT_TRUE(answers.empty()) << "the last look was before that";
  See();
  EXPECT_EQ(answers.size(), 1U);
}

TEST_F(Sender, WithoutAHardwareWatchdogAnAcknowledgementProvesNothing) {
  Ask();
  Written();
  Answer(MessagePhase::kResetting, Duration());
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
  EXPECT_THAT(answers[0].text, HasSubstr("no armed hardware watchdog"));
}

TEST_F(Sender, TimeAloneProvesNothing) {
  Ask();
  Written();
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
}

TEST_F(Sender, AnswersToOthersAndOfOthersDoNotCount) {
  Ask();
  Written();
  const Acknowledgement right{NodeId(1),           Incarnation(3),           1,
                              MessageKind::kReset, MessagePhase::kResetting, kWatchdog};
  const AckBox good{NodeId(2), kBoot, Incarnation(7), 1, 0, {right}};
  std::vector<AckBox> wrong(5, good);
  wrong[0].entries[0].from = NodeId(3);
  wrong[1].entries[0].from_incarnation = Incarnation(2);
  wrong[2].entries[0].number = 9;
  wrong[3].boot = kNextBoot;
  wrong[4].node = NodeId(3);
  for (const AckBox& each : wrong) Step(sender::AcksRead{now, {each}});
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
}

TEST_F(Sender, WhatNoDiskTookFailsAtOnceInTheDisksWords) {
  Ask();
  Step(sender::BoxFailed{0, box.sequence, "disk 0: the medium refuses writes"});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].proof, MessageProof::kNone);
  EXPECT_THAT(answers[0].text, HasSubstr("the medium refuses writes"));
  EXPECT_TRUE(sender->Idle());
}

TEST_F(Sender, AFailureAfterItWasTakenIsNotTheLastWord) {
  Ask();
  Written();
  now += kCycle;
  Step(sender::Wake{});
  Step(sender::BoxFailed{0, box.sequence, "gone"});
  EXPECT_TRUE(answers.empty()) << "it may be dying of the first write";
}

TEST_F(Sender, AnAnswerOfAnEarlierWriteIsNoFailureOfThisMessage) {
  const std::uint64_t before = box.sequence;
  Ask();
  Step(sender::BoxFailed{0, before, "gone"});
  Step(sender::BoxWritten{before});
  EXPECT_TRUE(answers.empty());
  Step(sender::BoxFailed{0, box.sequence, "gone"});
  EXPECT_EQ(answers.size(), 1U) << "what an earlier box was answered is not about it";
}

TEST_F(Sender, NoMessageHidesAnother) {
  Ask();
  const Outbox first = box;
  Ask(MessageKind::kTest);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_THAT(answers[0].text, HasSubstr("under way"));
  EXPECT_EQ(box, first);
}

TEST_F(Sender, WhoAsksAndGoesTakesItsMessageAlong) {
  Ask();
  Written();
  Step(sender::Withdraw{last_id});
  EXPECT_TRUE(box.messages.empty());
  EXPECT_TRUE(answers.empty());
  EXPECT_TRUE(sender->Idle());
}

TEST_F(Sender, IsRefusedWithTheReason) {
  readable = false;
  trouble = "iscsi://a: no route to host";
  See();
  Ask();
  readable = true;
  See();
  Ask(MessageKind::kReset, Millis(100));
  Step(sender::Ask{++last_id, NodeId(1), MessageKind::kReset, kNever, Term(), "x"});
  Step(sender::Ask{++last_id, NodeId(9), MessageKind::kReset, kNever, Term(), "x"});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_THAT(answers[0].text, HasSubstr("no route to host"));
  EXPECT_THAT(answers[1].text, HasSubstr("too little time"));
  EXPECT_THAT(answers[2].text, HasSubstr("itself"));
  EXPECT_THAT(answers[3].text, HasSubstr("never written"));
  EXPECT_EQ(box.sequence, 0U) << "nothing was written";
}

TEST_F(Sender, AProvedOffIsOffUntilItsSlotChanges) {
  kind = MessageKind::kOff;
  Ask(kind);
  Written();
  Answer(MessagePhase::kResetting, kWatchdog);
  fresh = false;
  See();
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kUnknown) << "not proved yet";
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kOff);
  EXPECT_EQ(sender->PowerOf(now + Millis(3000), NodeId(2)).power, NodePower::kUnknown)
      << "a look of long ago";
  readable = false;
  See();
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kUnknown);
  readable = true;
  other.sequence++;
  See();
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kUnknown)
      << "it wrote: it is not off";
  fresh = true;
  See();
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kOn);
}

TEST_F(Sender, AProvedResetIsNotOff) {
  Ask();
  Written();
  Answer(MessagePhase::kResetting, kWatchdog);
  fresh = false;
  Pass(Millis(20'000));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(sender->PowerOf(now, NodeId(2)).power, NodePower::kUnknown) << "it is coming up again";
}

TEST_F(Sender, WhatAnEarlierStartLeftIsPutAway) {
  EXPECT_FALSE(Step(sender::DiskReady{false}).write);
  const SenderEffects e = Step(sender::DiskReady{true});
  ASSERT_TRUE(e.write);
  EXPECT_TRUE(e.write->messages.empty());
}

}  // namespace
}  // namespace fencepost::qdiskd
