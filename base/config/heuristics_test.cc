// [[quorum_disk.heuristic]], who wins a split, and what differs between two configurations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/config/config.h"
#include "base/config/difference.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kSite = R"([cluster]
name = "shop"
[[node]]
name = "alpha"
id = 1
address = "10.0.0.1"
[[node]]
name = "beta"
id = 2
address = "10.0.0.2"
[quorum_disk]
device = "/dev/disk/by-id/q"
)";

Config Good(std::string_view rest) {
  const auto config = ParseConfig(Cat(kSite, rest), "f");
  EXPECT_TRUE(config.ok()) << config.error().front().Text();
  return config.ok() ? *config : Config{};
}

std::string Errors(std::string_view rest) {
  const auto config = ParseConfig(Cat(kSite, rest), "f");
  std::string all;
  if (config.ok()) return all;
  for (const ConfigError& error : config.error()) all += error.Text() + "\n";
  return all;
}

TEST(Heuristic, HasTheDefaultsOfTheProfile) {
  const auto fitness = Good(R"([[quorum_disk.heuristic]]
program = ["/usr/sbin/pingd", "--once", "-N", "10.0.0.254"]
)")
                           .quorum_disk->fitness;
  ASSERT_EQ(fitness.heuristics.size(), 1U);
  const HeuristicConfig& one = fitness.heuristics[0];
  EXPECT_THAT(one.program, ElementsAre("/usr/sbin/pingd", "--once", "-N", "10.0.0.254"));
  EXPECT_EQ(one.name, "pingd");
  EXPECT_EQ(one.score, 1);
  EXPECT_EQ(one.interval, Millis(1000)) << "a quarter of peer_timeout";
  EXPECT_EQ(one.timeout, one.interval);
  EXPECT_EQ(one.tko, 2U);
  EXPECT_EQ(one.tko_up, 2U);
  // A loss is known before the peer's silence is.
  EXPECT_LT(one.tko * one.interval + one.timeout, StockTiming("default")->peer_timeout);
}

TEST(Heuristic, MinScoreIsThatOfQdisk5) {  // floor((n + 1) / 2)
  const auto least = [](int a, int b) {
    return Good(Cat("[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\nscore = ", a,
                    "\n[[quorum_disk.heuristic]]\nprogram = [\"/b\"]\nscore = ", b, "\n"))
        .quorum_disk->fitness.min_score;
  };
  EXPECT_EQ(least(1, 1), 1);
  EXPECT_EQ(least(1, 2), 2);
  EXPECT_EQ(least(2, 2), 2);
  EXPECT_EQ(least(3, 4), 4);
  EXPECT_EQ(Good("").quorum_disk->fitness.min_score, 0);
  EXPECT_EQ(Good("min_score = 3\n[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\nscore = 3\n")
                .quorum_disk->fitness.min_score,
            3);
}

TEST(Heuristic, WhatIsWrongIsNamed) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"[[quorum_disk.heuristic]]\nscore = 1\n", "heuristic[1].program: is missing"},
      {"[[quorum_disk.heuristic]]\nprogram = \"ping x\"\n", "program: is no list"},
      {"[[quorum_disk.heuristic]]\nprogram = []\n", "program: is empty"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"ping\"]\n", "\"ping\" is not an absolute path"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\", \"\\u0000\"]\n", "program: is no list"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\nscore = 0\n", "score: 0 is out of range"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\ntko = 0\n", "tko: 0 is out of range"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\ntko_up = 0\n", "tko_up: 0 is out of"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\ninterval = \"50ms\"\n", "below 100ms"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\ninterval = \"1s\"\ntimeout = \"3s\"\n",
       "timeout: 3.000s is longer than tko * interval, 2.000s"},
      {"[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\nprogramm = 1\n", "programm"},
      {"min_score = 2\n[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\n", "min_score: 2 is out of"},
      {"min_score = 1\n", "min_score: is given, but there is no heuristic"},
      {"required_node = \"gamma\"\n", "\"gamma\" is none of the nodes"},
      {"tie_breaker = \"alpha\"\n", "tie_breaker: \"alpha\" is not known"},
      {"status_file = \"x\"\n", "status_file: \"x\" is neither an absolute path nor"},
      {"master_wins = 1\n", "master_wins: is a whole number, not true or false"},
      {"master_wins = true\n[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\n",
       "master_wins: contradicts heuristics"},
      {"master_wins = true\nrequired_node = \"alpha\"\n", "master_wins: contradicts required_node"},
  };
  for (const auto& [text, error] : cases) EXPECT_THAT(Errors(text), HasSubstr(error)) << text;
}

TEST(Heuristic, ThereAreAtMostTen) {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\n";
  EXPECT_EQ(Errors(text), "");
  EXPECT_THAT(Errors(text + text), HasSubstr("there are 20 heuristics; at most 10"));
}

TEST(Election, IsAsWritten) {
  const auto plain = Good("").quorum_disk->election;
  EXPECT_EQ(plain, ElectionConfig{});
  const auto config =
      Good("required_node = \"beta\"\ntie_breaker = \"highest\"\n").quorum_disk->election;
  EXPECT_EQ(config, (ElectionConfig{NodeId(2), false, true}));
  EXPECT_TRUE(Good("master_wins = true\n").quorum_disk->election.master_wins);
}

TEST(Differences, NameWhatDiffers) {
  const Config before = Good("");
  EXPECT_THAT(Differences(before, before), ElementsAre());
  EXPECT_THAT(Differences(before, Good("[[quorum_disk.heuristic]]\nprogram = [\"/a\"]\n")),
              ElementsAre("quorum_disk.heuristic", "quorum_disk.min_score"));
  EXPECT_THAT(Differences(before, Good("required_node = \"beta\"\n")),
              ElementsAre("quorum_disk.required_node"));
  // Whatever can be written differs by some name.
  const std::string_view cases[] = {"label = \"x\"\n",
                                    "[timing]\nheartbeat = \"900ms\"\n",
                                    "master_wins = true\n",
                                    "tie_breaker = \"highest\"\n",
                                    "[log]\ntarget = \"syslog\"\n",
                                    "[paths]\nocf_root = \"/x\"\n",
                                    "[attributes]\nscore = \"pingd\"\n",
                                    "[watchdog]\ndevice = \"/dev/watchdog\"\n",
                                    "[[ping.target]]\nhost = \"10.0.0.254\"\n"};
  for (const std::string_view text : cases) {
    EXPECT_FALSE(Differences(before, Good(text)).empty()) << text;
  }
}

}  // namespace
}  // namespace fencepost::config
