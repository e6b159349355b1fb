#include "base/config/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace fencepost::config {
namespace {

std::string ReadSource(const std::string& path) {
  std::ifstream file(FENCEPOST_SOURCE_DIR + std::string("/") + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ParseConfig, ReadsTheExampleThatIsShipped) {
  const auto config = ParseConfig(ReadSource("docs/examples/two-node.toml"), "two-node.toml");
  ASSERT_TRUE(config.ok()) << config.error()[0].Text();
  EXPECT_EQ(config->cluster_name, "shop");
  EXPECT_EQ(config->Expected(), Votes(3));
  EXPECT_EQ(config->Majority(), Votes(2));
}

}  // namespace
}  // namespace fencepost::config
