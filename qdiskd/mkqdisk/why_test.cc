// "Why was I fenced?": the story that a disk tells.
#include "qdiskd/mkqdisk/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kNine = 1795252800000;  // 2026-11-21 09:20:00
const NodeNames kNames = {{NodeId(1), "db1"}, {NodeId(2), "db2"}};

struct Story {
  DiskStory story;
  Story() { story.slots.resize(2, {Condition::kBlank, {}, 0}); }
  Story& Say(int by, std::uint64_t seconds, DecisionKind kind, int about = 0, Term term = {},
             const std::string& text = "") {
    const NodeId node(static_cast<std::uint8_t>(by));
    const Decision decision{kind, NodeId(static_cast<std::uint8_t>(about)), term, text};
    story.records.push_back({node, {story.records.size() + 1, kNine + seconds * 1000, decision}});
    return *this;
  }
  [[nodiscard]] std::vector<std::string> Sentences(int node) const {
    return Explain(story, NodeId(static_cast<std::uint8_t>(node)), kNames).sentences;
  }
};

const Term kSix(6, NodeId(2)), kSeven(7, NodeId(1));

Story Fenced() {
  Story s;
  s.Say(2, 0, DecisionKind::kHolds, 0, kSix)
      .Say(1, 10, DecisionKind::kMemberLost, 2, kSeven, "not heard any more")
      .Say(1, 14, DecisionKind::kHolds, 0, kSeven)
      .Say(1, 15, DecisionKind::kFenceDecided, 2, kSeven, "lost, and without evidence")
      .Say(1, 17, DecisionKind::kFenced, 2, kSeven, "proved off by bmc-2")
      .Say(1, 18, DecisionKind::kEvidence, 2, kSeven, "powered off and verified");
  return s;
}

TEST(Why, WhoFencedItWhenInWhichTermOnWhichEvidenceAndWhatItHeld) {
  EXPECT_THAT(
      Fenced().Sentences(2),
      ElementsAre(
          "node 2 (db2) was fenced by node 1 (db1) at 2026-11-21 09:20:17.000, term 7.1: proved "
          "off by bmc-2.",
          "node 1 (db1) decided that at 2026-11-21 09:20:15.000, term 7.1, because: lost, and "
          "without evidence.",
          "node 1 (db1) lost it as a member at 2026-11-21 09:20:10.000, term 7.1: not heard any "
          "more.",
          "Its services could be recovered from 2026-11-21 09:20:18.000 on this evidence of node "
          "1 (db1): powered off and verified.",
          "It held the disk's vote in term 6.2 from 2026-11-21 09:20:00.000; it never conceded "
          "it, and node 1 (db1) held it from 2026-11-21 09:20:14.000 (term 7.1), when that lease "
          "was over.",
          "It has never written a heartbeat on this disk."));
}

TEST(Why, ANodeThatWasNotFencedIsNotSaidToHaveBeen) {
  const auto said = Fenced().Sentences(1);
  EXPECT_EQ(said.front(), "No record on this disk says that node 1 (db1) was fenced.");
}

TEST(Why, AFailureAfterASuccessAndADecisionWithoutAnOutcomeAreTold) {
  Story s = Fenced();
  s.Say(1, 60, DecisionKind::kFenceDecided, 2, kSeven, "lost again")
      .Say(1, 62, DecisionKind::kFenceFailed, 2, kSeven, "bmc-2: no answer");
  EXPECT_THAT(s.Sentences(2)[1], HasSubstr("failed at 2026-11-21 09:21:02.000"));
  EXPECT_THAT(s.Sentences(2)[2], HasSubstr("because: lost again."));
  s.Say(2, 70, DecisionKind::kFenceDecided, 1, kSix, "it hangs");
  EXPECT_THAT(s.Sentences(1)[0], HasSubstr("decided to fence it at"));
  EXPECT_THAT(s.Sentences(1)[0], HasSubstr("no outcome of it is recorded"));
}

TEST(Why, AConcessionAndARestartAreTold) {
  Story s = Fenced();
  s.Say(2, 12, DecisionKind::kConcedes, 0, kSix);
  s.Say(2, 90, DecisionKind::kStarted, 0, Term(), "version 0.1.0, start 4");
  const auto said = s.Sentences(2);
  EXPECT_THAT(said[4], HasSubstr("until it conceded it at 2026-11-21 09:20:12.000"));
  EXPECT_THAT(said.back(), HasSubstr("started again since, at 2026-11-21 09:21:30.000"));
}

TEST(Why, TheRecordsFollowInTheOrderOfTime) {
  const std::string text = WhyText(Fenced().story, NodeId(2), kNames);
  EXPECT_THAT(text, HasSubstr("  2026-11-21 09:20:15.000  node 1 (db1), term 7.1  decided to "
                              "fence node 2 (db2): lost, and without evidence\n"));
  EXPECT_LT(text.find("lost node 2"), text.find("fenced node 2 (db2): proved"));
}

TEST(Why, WhatIsUnknownOrHostileDoesNoHarm) {
  Story s;
  s.Say(1, 5, static_cast<DecisionKind>(201), 2, kSeven, "x\x1b[2J");
  s.story.slots[1].condition = Condition::kBadMac;
  s.story.unreadable = 3;
  const std::string text = WhyText(s.story, NodeId(2), {});
  EXPECT_THAT(text, HasSubstr("does not know (kind 201): x?[2J"));
  EXPECT_THAT(text, HasSubstr("another cluster key"));
  EXPECT_THAT(text, HasSubstr("3 units of the flight recorders could not be read"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(WhyText(DiskStory{}, NodeId(9), {}), HasSubstr("none"));
}

TEST(Why, TwoDisksTellOneStory) {
  DiskStory one = Fenced().story, two = Fenced().story;
  two.records.pop_back();
  two.records.push_back(
      {NodeId(2), {40, kNine + 99'000, {DecisionKind::kStarted, NodeId(), Term(), ""}}});
  two.slots[1] = {Condition::kOk, {}, 0};
  two.slots[1].slot.sequence = 5;
  Merge(one, two);
  EXPECT_EQ(one.records.size(), Fenced().story.records.size() + 1);
  EXPECT_EQ(one.records.back().by, NodeId(2));
  EXPECT_EQ(one.slots[1].slot.sequence, 5U);
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk
