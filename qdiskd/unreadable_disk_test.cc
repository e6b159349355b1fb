#include <gtest/gtest.h>

#include "qdiskd/runner_bench.h"

namespace fencepost::qdiskd {
namespace {

// Who says nothing for some intervals is taken for hung; see fencepostd's "qdiskd-silent".
TEST(UnreadableDisk, IsToldToTheConsumerInEachInterval) {
  Bench bench;
  bench.disk.Kill();
  bench[2].Start();
  const auto consumer = bench.NewConsumer(2);
  bench.Run(kInterval);
  const int before = consumer->views();
  bench.Run(8 * kInterval);
  EXPECT_GE(consumer->views() - before, 7);
  EXPECT_FALSE(consumer->view().view.readable);
  EXPECT_NE(consumer->view().disks.at(0).trouble, "");
  bench.disk.Start();
  bench.Run(Millis(10'000));
  EXPECT_TRUE(consumer->view().view.readable);
  const int readable = consumer->views();
  bench.Run(8 * kInterval);
  EXPECT_LE(consumer->views() - readable, 9) << "a readable view is not repeated";
}

}  // namespace
}  // namespace fencepost::qdiskd
