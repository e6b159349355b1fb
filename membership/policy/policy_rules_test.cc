// Locations by rules: attributes of nodes move resources, and it is said why. Cases marked
// [crm_simulate] were put to crm_simulate of Pacemaker 2.1.5, which placed the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "membership/policy/policy.h"

namespace fencepost::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr NodeId kA{1}, kB{2};

// Nodes alpha and beta, one primitive "ip" with stickiness 100 that runs on alpha.
struct Pair {
  Cib cib;
  ClusterView view;

  Pair() {
    cib.nodes = {{kA, "alpha", false}, {kB, "beta", false}};
    Primitive ip;
    ip.id = "ip";
    ip.stickiness = 100;
    cib.groups = {{"ip", {ip}}};
    for (const NodeId id : {kA, kB}) {
      NodeView node;
      node.id = id;
      node.state = NodeState::kMember;
      node.resources.push_back({});
      node.resources.back().resource = "ip";
      node.resources.back().state = ResourceState::kStopped;
      view.nodes.push_back(node);
    }
    RunsOn(0);
  }
  void RunsOn(std::size_t node) {
    for (std::size_t i = 0; i < 2; ++i) {
      view.nodes[i].resources[0].state =
          i == node ? ResourceState::kRunning : ResourceState::kStopped;
    }
  }
  void Pingd(const char* alpha, const char* beta) {
    view.nodes[0].attributes["pingd"] = alpha;
    view.nodes[1].attributes["pingd"] = beta;
  }
  // not_defined pingd or pingd lte 0
  void KeepAway(Score score) {
    Rule rule{"ping-rule", true, {}, {}};
    rule.expressions = {{"pingd", Comparison::kNotDefined, std::nullopt, ""},
                        {"pingd", Comparison::kLte, std::nullopt, "0"}};
    cib.locations.push_back({"by-ping", "ip", NodeId(), 0, {{rule, score, ""}}});
  }
  void ScoreByPingd() {
    Rule rule{"ping-score", false, {{"pingd", Comparison::kDefined, std::nullopt, ""}}, {}};
    cib.locations.push_back({"by-ping", "ip", NodeId(), 0, {{rule, 0, "pingd"}}});
  }
  [[nodiscard]] Plan Decide() const { return policy::Decide(cib, view); }
  [[nodiscard]] std::string Reason() const { return Decide().placements[0].reason; }
};

const Order kStopOnAlpha{ResourceAction::kStop, "ip", kA};
const Order kStartOnBeta{ResourceAction::kStart, "ip", kB};

// [crm_simulate]
TEST(PingRule, KeepsTheResourceAwayFromANodeThatSeesNothingAndSaysSo) {
  Pair p;
  p.KeepAway(-kInfinity);
  p.Pingd("1000", "1000");
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  EXPECT_EQ(p.Reason(), "");
  p.Pingd("0", "1000");
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStopOnAlpha));
  EXPECT_EQ(p.Reason(),
            "is to be stopped on alpha: alpha is kept away by rule ping-rule: pingd is 0");
  p.RunsOn(2);
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStartOnBeta));
}

// [crm_simulate]
TEST(PingRule, WithMinusInfinityAllLostIsNowhereAtAllAsInPacemaker) {
  Pair p;
  p.KeepAway(-kInfinity);
  p.Pingd("0", "0");
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStopOnAlpha));
  p.RunsOn(2);
  p.view.nodes[1].attributes.clear();
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  EXPECT_EQ(p.Reason(),
            "no node may run it: alpha is kept away by rule ping-rule: pingd is 0; beta is kept "
            "away by rule ping-rule: pingd is not defined");
}

// [crm_simulate]
TEST(PingScore, MovesToTheNodeThatSeesMoreAndSaysSo) {
  Pair p;
  p.ScoreByPingd();
  p.Pingd("2000", "2000");
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  p.Pingd("1000", "2000");
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStopOnAlpha));
  EXPECT_EQ(p.Reason(),
            "is to be stopped on alpha: beta has the score 2000, alpha 1100 (alpha: rule "
            "ping-score: pingd is 1000; beta: rule ping-score: pingd is 2000)");
}

// [crm_simulate]
TEST(PingScore, AllLostAlikeMovesAndStopsNothing) {
  Pair p;
  p.ScoreByPingd();
  p.Pingd("0", "0");
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  EXPECT_EQ(p.Reason(), "");
}

// [crm_simulate]
TEST(PingScore, WhatHasMovedStaysWhenTheOtherSeesAsMuchAgain) {
  Pair p;
  p.ScoreByPingd();
  p.cib.locations.push_back({"likes-alpha", "ip", kA, 50});
  p.RunsOn(1);
  p.Pingd("1000", "1000");
  EXPECT_THAT(p.Decide().orders, IsEmpty()) << "stickiness 100 beats a preference of 50";
}

// [crm_simulate]
TEST(Scores, ANodeWithANegativeSumIsNone) {
  Pair p;
  p.KeepAway(-500);
  p.Pingd("0", "0");
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStopOnAlpha)) << "stickiness does not make up for it";
  EXPECT_EQ(p.Reason(),
            "is to be stopped on alpha: alpha has the score -400 (rule ping-rule: pingd is 0)");
  p.RunsOn(2);
  EXPECT_EQ(p.Reason(),
            "no node may run it: alpha has the score -500 by rule ping-rule: pingd is 0; beta has "
            "the score -500 by rule ping-rule: pingd is 0");
}

TEST(Attributes, WhileTheyAreNotKnownNothingIsStoppedForThemAndNothingIsStarted) {
  Pair p;
  p.KeepAway(-kInfinity);
  p.ScoreByPingd();
  p.view.nodes[0].attributes_known = false;
  p.view.nodes[1].attributes["pingd"] = "1000";
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  EXPECT_EQ(p.Reason(), "");
  p.RunsOn(2);
  EXPECT_THAT(p.Decide().orders, IsEmpty());
  EXPECT_EQ(p.Reason(), "waits for the attributes of node alpha to settle");
  p.cib.locations.clear();
  EXPECT_FALSE(p.Decide().orders.empty()) << "no rule looks at them";
}

TEST(Attributes, StandbyMayBeTransientAndBeatsTheCib) {
  Pair p;
  p.view.nodes[0].attributes["standby"] = "on";
  EXPECT_THAT(p.Decide().orders, ElementsAre(kStopOnAlpha));
  EXPECT_EQ(p.Reason(), "is to be stopped on alpha: alpha is in standby");
  p.cib.nodes[0].standby = true;
  p.view.nodes[0].attributes["standby"] = "off";
  EXPECT_THAT(p.Decide().orders, IsEmpty());
}

}  // namespace
}  // namespace fencepost::policy
