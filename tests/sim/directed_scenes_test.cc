// The scenes that a cluster's users fear, on the shipped daemons in virtual time.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

TEST_F(Scene, BothNodesStartAndEverythingRunsOnce) {
  Bring();
  EXPECT_EQ(cluster_->oracle().shots(), 0);
  EXPECT_EQ(cluster_->Told("member-joined"), 1);
}

TEST_F(Scene, TheActiveNodeLosesPower) {  // scene 1
  Bring();
  active().PowerOff("the plug is pulled");
  const auto took = cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(passive_); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, seconds(4)) << "its power device says off: no lease is waited for";
  std::printf("power lost to services: %lld ms\n", static_cast<long long>(ToMillis(*took)));
}

}  // namespace
}  // namespace fencepost::sim
