// One member: what becomes of its own attributes and of those it hears.
#include <gtest/gtest.h>

#include <algorithm>

#include "membership/node/member.h"

namespace fencepost::node {
namespace {

constexpr NodeId kSelf{1}, kPeer{2};

MemberSettings Settings() {
  MemberSettings s;
  s.self = kSelf;
  s.boot.bytes[0] = 1;
  s.incarnation = Incarnation(5);
  s.nodes = {{kSelf, "node-1", Votes(1), 10}, {kPeer, "node-2", Votes(1), 0}};
  s.disk_votes = Votes(1);
  s.times = {Millis(4100), Millis(4100), 1000, Millis(200)};
  s.interval = s.heartbeat = Millis(250);
  s.peer_timeout = Millis(1000);
  s.stale_after = Millis(3250);
  s.attribute_settle = Millis(3000);
  s.score_attribute = "pingd";
  s.cib.nodes = {{kSelf, "node-1", false}, {kPeer, "node-2", false}};
  return s;
}

class AttributesOfAMember : public testing::Test {
 protected:
  void SetUp() override {
    Step(event::Wake{});
    Step(event::DiskConnected{});
    Pass(Millis(300));
  }
  void Step(const MemberEvent& event) {
    const MemberEffects effects = member_.Step(now_, event);
    for (const messaging::Packet& packet : effects.packets) {
      if (const auto* beat = std::get_if<messaging::Heartbeat>(&packet.body)) beat_ = *beat;
    }
    for (const auto& message : effects.to_disk) {
      if (const auto* report = std::get_if<qdiskd::event::Report>(&message)) {
        score_ = report->report.score;
      }
    }
    for (const Fact& fact : effects.facts) facts_.push_back(fact.Text());
  }
  void Pass(Duration d) {
    for (const MonoTime end = now_ + d; now_ < end; now_ += Millis(50)) Step(event::Wake{});
  }
  void Set(const std::string& name, std::optional<std::string> value) {
    Step(event::SetAttribute{name, std::move(value)});
  }
  void Lapsing(const std::string& name, const std::string& value, Duration lapses_after) {
    Step(event::SetAttribute{name, value, lapses_after});
  }

  MonoTime now_ = MonoTime(Millis(100'000));
  Member member_{Settings(), now_};
  messaging::Heartbeat beat_;
  std::int32_t score_ = -1;
  std::vector<std::string> facts_;
};

TEST_F(AttributesOfAMember, TravelAtOnceAndOneThatIsSetAgainIsNoNews) {
  const auto facts = facts_.size();
  Set("pingd", "1000");
  EXPECT_EQ(beat_.attributes, (Attributes{{"pingd", "1000"}}));
  ASSERT_EQ(facts_.size(), facts + 1);
  EXPECT_NE(facts_.back().find("pingd"), std::string::npos);
  Set("pingd", "1000");
  EXPECT_EQ(facts_.size(), facts + 1);
  Set("pingd", std::nullopt);
  EXPECT_TRUE(beat_.attributes.empty());
  EXPECT_TRUE(member_.attributes().empty());
}

TEST_F(AttributesOfAMember, TheConfiguredOneAddsToTheScoreOfItsSide) {
  EXPECT_EQ(score_, 10) << "without it: what the configuration says";
  Set("pingd", "2000");
  EXPECT_EQ(score_, 2010) << "at once: it does not settle";
  EXPECT_EQ(member_.Status(now_).nodes[0].score, 2010);
  Set("other", "5");
  EXPECT_EQ(score_, 2010);
  Set("pingd", "-INFINITY");
  EXPECT_EQ(score_, 10 - kInfinity);
  Set("pingd", std::nullopt);
  EXPECT_EQ(score_, 10);
}

TEST_F(AttributesOfAMember, LapseWhenTheirTellerIsSilentAndNotBefore) {
  Lapsing("pingd", "1000", Millis(19'000));
  Pass(Millis(18'900));
  EXPECT_EQ(beat_.attributes.count("pingd"), 1U) << "a restart of the teller moves nothing";
  Lapsing("pingd", "1000", Millis(19'000));
  Pass(Millis(18'900));
  EXPECT_EQ(beat_.attributes.count("pingd"), 1U) << "it was renewed";
  EXPECT_EQ(score_, 1010);
  Pass(Millis(200));
  EXPECT_TRUE(beat_.attributes.empty()) << "nobody knows what this node sees now";
  EXPECT_TRUE(member_.attributes().empty());
  EXPECT_EQ(score_, 10) << "nor may it win a side with what was";
  EXPECT_EQ(std::count_if(facts_.begin(), facts_.end(),
                          [](const std::string& fact) {
                            return fact.find("attribute-lapsed") != std::string::npos;
                          }),
            1);
  Lapsing("pingd", "0", Millis(19'000));
  EXPECT_EQ(beat_.attributes, (Attributes{{"pingd", "0"}})) << "the teller is back";
}

TEST_F(AttributesOfAMember, LapseAtTheirInstantAlsoWhenNothingElseHappens) {
  Lapsing("pingd", "1000", Millis(1000));
  const MonoTime at = now_ + Millis(1000);
  while (now_ < at) {
    const MonoTime wake = member_.Step(now_, event::Wake{}).wake_at;
    EXPECT_LE(wake, at);
    now_ = std::min(wake, at);
  }
  Step(event::Wake{});
  EXPECT_TRUE(member_.attributes().empty());
}

TEST_F(AttributesOfAMember, WhatIsSetWithoutALimitStays) {
  Lapsing("pingd", "1000", Millis(5000));
  Set("pingd", "1000");
  Lapsing("gone", "1", Millis(5000));
  Set("gone", std::nullopt);
  Pass(Millis(60'000));
  EXPECT_EQ(member_.attributes(), (Attributes{{"pingd", "1000"}}));
}

TEST_F(AttributesOfAMember, AreOfABoundedNumber) {
  for (std::size_t i = 0; i < 2 * kMaxTransientAttributes; ++i) Set(Cat("a", i), "1");
  EXPECT_EQ(member_.attributes().size(), kMaxTransientAttributes);
  Set("a0", "2");
  EXPECT_EQ(member_.attributes().at("a0"), "2") << "one that is there may change";
}

TEST_F(AttributesOfAMember, OfOthersAreShownWhileTheyAreHeard) {
  messaging::Heartbeat beat;
  beat.boot.bytes[0] = 2;
  beat.attributes = {{"pingd", "7"}};
  Step(event::PacketReceived{{kPeer, kSelf, Incarnation(1), 1, beat}});
  EXPECT_EQ(member_.Status(now_).nodes[1].attributes, beat.attributes);
  EXPECT_TRUE(member_.Status(now_).settling);
  Pass(Millis(5000));
  EXPECT_TRUE(member_.Status(now_).nodes[1].attributes.empty());
  EXPECT_FALSE(member_.Status(now_).settling);
}

}  // namespace
}  // namespace fencepost::node
