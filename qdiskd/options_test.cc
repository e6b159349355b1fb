// The command line and the choice of this node.
#include "qdiskd/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/reload.h"

namespace fencepost::qdiskd {
namespace {

using ::testing::HasSubstr;

TEST(QdiskdOptions, AreTheClassicOnes) {
  const auto options = ParseOptions({"-f", "-d", "-Q", "--config", "x.toml", "--node", "beta"});
  ASSERT_TRUE(options.ok()) << options.error().Text();
  EXPECT_TRUE(options->foreground && options->debug && options->quiet);
  EXPECT_EQ(options->config_file, "x.toml");
  EXPECT_EQ(options->node, "beta");
  EXPECT_EQ(ParseOptions({})->config_file, "/etc/fencepost/fencepost.toml");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--conf", "x"}, {"-x"}, {"--node"}, {"stray"}}) {
    const auto refused = ParseOptions(wrong);
    ASSERT_FALSE(refused.ok()) << wrong.front();
    EXPECT_THAT(refused.error().Text(), HasSubstr("qdiskd -h"));
  }
}

TEST(QdiskdOptions, AConfigurationThatCannotBeReadIsNamed) {
  Options options;
  options.config_file = "/nonexistent/fencepost.toml";
  const auto setup = LoadSetup(options, "alpha");
  ASSERT_FALSE(setup.ok());
  EXPECT_THAT(setup.error(), HasSubstr("/nonexistent/fencepost.toml"));
}

TEST(QdiskdReload, TakesHeuristicsAndNamesWhatNeedsARestart) {
  config::Config now;
  now.quorum_disk.emplace();
  config::Config next = now;
  EXPECT_EQ(WhatNeedsRestart(now, next), "");
  next.quorum_disk->fitness = {{{"a", {"/bin/a"}, 1, Millis(1000), Millis(1000), 2, 2}}, 1};
  EXPECT_EQ(WhatNeedsRestart(now, next), "");
  next.timing.interval = Millis(5);
  next.quorum_disk->election.master_wins = true;
  EXPECT_EQ(WhatNeedsRestart(now, next), "timing, quorum_disk.master_wins");
  next.quorum_disk.reset();
  EXPECT_THAT(WhatNeedsRestart(now, next), HasSubstr("quorum_disk"));
}

}  // namespace
}  // namespace fencepost::qdiskd
