#include "pingd/score.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::ping {
namespace {

config::PingTarget Target(std::string name, std::string group = "", std::uint32_t weight = 1) {
  config::PingTarget target;
  target.host = target.name = std::move(name);
  target.group = std::move(group);
  target.weight = weight;
  return target;
}

config::PingConfig Example() {
  config::PingConfig config;
  config.multiplier = 100;
  config.groups = {{"any", 1, 2}, {"two", 2, 3}, {"all", config::kAllOfGroup, 5}};
  config.targets = {Target("alone", "", 7), Target("a1", "any"), Target("a2", "any"),
                    Target("t1", "two"),    Target("t2", "two"), Target("t3", "two"),
                    Target("l1", "all"),    Target("l2", "all")};
  return config;
}

struct Case {
  const char* what;
  std::vector<std::size_t> answering;
  std::int64_t score;
};

TEST(Score, CountsTargetsAndGroups) {
  for (const Case& c : std::vector<Case>{{"nobody", {}, 0},
                                         {"a target alone counts its weight", {0}, 700},
                                         {"any: one is enough", {2}, 200},
                                         {"any: two count no more than one", {1, 2}, 200},
                                         {"two of three: one is too few", {3}, 0},
                                         {"two of three", {3, 5}, 300},
                                         {"all but one", {6}, 0},
                                         {"all", {6, 7}, 500},
                                         {"everybody", {0, 1, 2, 3, 4, 5, 6, 7}, 1700}}) {
    Score score(Example());
    for (const std::size_t target : c.answering) score.Set(target, true);
    EXPECT_EQ(score.value(), c.score) << c.what;
  }
}

TEST(Score, DependsOnlyOnWhoAnswersNow) {
  const config::PingConfig config = Example();
  Prng random(1);
  Score score(config);
  std::vector<bool> answers(config.targets.size());
  for (int i = 0; i < 5000; ++i) {
    const std::size_t target = random.Below(answers.size());
    answers[target] = random.OneIn(2);
    score.Set(target, answers[target]);
    Score fresh(config);
    for (std::size_t t = 0; t < answers.size(); ++t) fresh.Set(t, answers[t]);
    ASSERT_EQ(score.value(), fresh.value());
    ASSERT_LE(score.value(), config::HighestScore(config));
    ASSERT_GE(score.value(), 0);
  }
}

}  // namespace
}  // namespace fencepost::ping
