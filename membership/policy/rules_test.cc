#include "membership/policy/rules.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/text.h"

namespace fencepost::policy {
namespace {

Comparison OperationOf(const std::string& word) {
  const std::map<std::string, Comparison> words = {
      {"lt", Comparison::kLt}, {"lte", Comparison::kLte}, {"eq", Comparison::kEq},
      {"ne", Comparison::kNe}, {"gt", Comparison::kGt},   {"gte", Comparison::kGte}};
  return words.at(word);
}

std::optional<ValueType> TypeOf(const std::string& word) {
  const std::map<std::string, ValueType> words = {{"string", ValueType::kString},
                                                  {"integer", ValueType::kInteger},
                                                  {"number", ValueType::kNumber},
                                                  {"version", ValueType::kVersion}};
  return word == "-" ? std::nullopt : std::optional<ValueType>(words.at(word));
}

TEST(Rules, ExpressionsAnswerAsPacemakerDoes) {
  std::ifstream table(FENCEPOST_SOURCE_DIR "/tests/golden/rules.txt");
  int compared = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    const auto fields = Split(line, '\t');
    ASSERT_EQ(fields.size(), 5U) << line;
    Rule rule;
    rule.expressions = {{"x", OperationOf(fields[0]), TypeOf(fields[1]), fields[2]}};
    for (const bool expected : {true, false}) {
      for (const std::string& value : Split(fields[expected ? 3 : 4], '|')) {
        if (value.empty()) continue;
        Attributes attributes;
        if (value != "(none)") attributes["x"] = value;
        EXPECT_EQ(Holds(rule, attributes), expected)
            << "x=\"" << value << "\" " << fields[0] << " \"" << fields[2] << "\" as " << fields[1];
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 2000) << "the table is gone";
}

TEST(Rules, DefinedAndNotDefined) {
  Rule defined, missing;
  defined.expressions = {{"pingd", Comparison::kDefined, std::nullopt, ""}};
  missing.expressions = {{"pingd", Comparison::kNotDefined, std::nullopt, ""}};
  EXPECT_TRUE(Holds(defined, {{"pingd", "0"}}));
  EXPECT_FALSE(Holds(missing, {{"pingd", "0"}}));
  EXPECT_FALSE(Holds(defined, {}));
  EXPECT_TRUE(Holds(missing, {}));
}

// The rule that everybody copies: not_defined pingd or pingd lte 0.
Rule Classic() {
  Rule rule;
  rule.id = "ping-rule";
  rule.any = true;
  rule.expressions = {{"pingd", Comparison::kNotDefined, std::nullopt, ""},
                      {"pingd", Comparison::kLte, std::nullopt, "0"}};
  return rule;
}

TEST(Rules, PartsAreJoinedByAndUnlessItSaysOr) {
  EXPECT_TRUE(Holds(Classic(), {}));
  EXPECT_TRUE(Holds(Classic(), {{"pingd", "0"}}));
  EXPECT_FALSE(Holds(Classic(), {{"pingd", "1000"}}));
  Rule outer;
  outer.expressions = {{"#uname", Comparison::kEq, std::nullopt, "alpha"}};
  outer.rules = {Classic()};
  EXPECT_TRUE(Holds(outer, {{"#uname", "alpha"}, {"pingd", "0"}}));
  EXPECT_FALSE(Holds(outer, {{"#uname", "beta"}, {"pingd", "0"}}));
  EXPECT_FALSE(Holds(outer, {{"#uname", "alpha"}, {"pingd", "1"}}));
  outer.any = true;
  EXPECT_TRUE(Holds(outer, {{"#uname", "beta"}, {"pingd", "0"}}));
  EXPECT_TRUE(Holds(outer, {{"#uname", "alpha"}, {"pingd", "1"}}));
  EXPECT_FALSE(Holds(outer, {{"#uname", "beta"}, {"pingd", "1"}}));
}

TEST(Rules, AScoreAttributeGivesItsNumberAndMinusInfinityWhereItIsMissing) {
  LocationRule rule;
  rule.score_attribute = "pingd";
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "2000"}}), 2000);
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "-3"}}), -3);
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "+INFINITY"}}), kInfinity);
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "-infinity"}}), -kInfinity);
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "99999999"}}), kInfinity);
  EXPECT_EQ(ScoreOf(rule, {{"pingd", "many"}}), 0);
  EXPECT_EQ(ScoreOf(rule, {}), -kInfinity);
  rule.score_attribute = "";
  rule.score = 7;
  EXPECT_EQ(ScoreOf(rule, {}), 7);
}

TEST(Rules, TransientAttributesBeatThoseOfTheCibAndNothingBeatsTheBuiltInOnes) {
  const CibNode node{NodeId(2), "beta", true, {{"site", "east"}, {"pingd", "1"}}};
  const Attributes all = AllAttributes(node, {{"pingd", "5"}, {"standby", "off"}});
  EXPECT_EQ(all, (Attributes{{"#id", "2"},
                             {"#kind", "cluster"},
                             {"#uname", "beta"},
                             {"pingd", "5"},
                             {"site", "east"},
                             {"standby", "off"}}));
}

TEST(Rules, WhatARuleSawIsToldInWords) {
  LocationRule rule;
  rule.rule = Classic();
  rule.score = -kInfinity;
  EXPECT_EQ(SeenBy(rule, {{"pingd", "0"}}), "pingd is 0");
  EXPECT_EQ(SeenBy(rule, {}), "pingd is not defined");
  rule.score_attribute = "speed";
  EXPECT_EQ(SeenBy(rule, {{"speed", "10"}}), "speed is 10, pingd is not defined");
  EXPECT_TRUE(LooksAtAttributes(rule));
  rule.score_attribute = "";
  rule.rule.expressions = {{"#uname", Comparison::kEq, std::nullopt, "alpha"}};
  EXPECT_FALSE(LooksAtAttributes(rule));
}

}  // namespace
}  // namespace fencepost::policy
