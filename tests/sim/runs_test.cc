// The simulator itself: it repeats exactly, and its oracles bite.
#include <gtest/gtest.h>

#include "tests/sim/chaos.h"
#include "tests/sim/run.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

TEST(Runs, TheSameSeedTwiceGivesTheSameFacts) {
  for (const std::uint64_t seed : {3U, 8U, 21U, 400U}) {
    const RunResult first = RunSeed(seed, true), second = RunSeed(seed, true);
    EXPECT_EQ(first.fingerprint, second.fingerprint) << "seed " << seed;
    EXPECT_EQ(first.events, second.events);
    EXPECT_EQ(first.timeline, second.timeline);
    EXPECT_TRUE(first.trouble.empty()) << first.trouble.front();
  }
  EXPECT_NE(RunSeed(3, false).fingerprint, RunSeed(8, false).fingerprint);
}

// A power device that says off and does nothing, and a node that is frozen so that it keeps what it
// runs: the instrument must see two of them.
TEST(Oracles, SeeTheServiceThatRunsTwice) {
  Cluster cluster({});
  cluster.StartAll();
  ASSERT_TRUE(cluster.RunUntil(cluster.Bound(), [&] { return cluster.Healthy(); }));
  Node& active = cluster.node(cluster.Active());
  PowerDevice::Mood liar;
  liar.lies = true;
  active.power_device().SetMood(liar);
  active.member_life()->Freeze();
  active.disk_life()->Freeze();
  cluster.Run(seconds(60));
  ASSERT_FALSE(cluster.violations().empty());
  EXPECT_NE(cluster.violations().front().find("S2: "), std::string::npos);
}

TEST(Oracles, NameEachViolation) {
  std::vector<std::string> told;
  Oracle oracle([&](const std::string& what) { told.push_back(what.substr(0, 2)); });
  oracle.Quorate({NodeId(1)});
  oracle.Quorate({NodeId(1), NodeId(2)});
  EXPECT_EQ(told, std::vector<std::string>{"S1"});
  oracle.Quorate({NodeId(1)});
  told.clear();
  oracle.ServiceChanged(NodeId(1), "address", true);
  oracle.PowerLost(NodeId(1));
  oracle.ServiceChanged(NodeId(2), "address", true);
  EXPECT_EQ(told, std::vector<std::string>{"S5"});
  told.clear();
  oracle.SaidOff(NodeId(1));
  oracle.ServiceChanged(NodeId(2), "address", false);
  oracle.ServiceChanged(NodeId(2), "address", true);
  EXPECT_TRUE(told.empty()) << "a power device said off meanwhile";
  oracle.ServiceChanged(NodeId(3), "address", true);
  EXPECT_EQ(told, std::vector<std::string>{"S2"});
  told.clear();
  oracle.Shot(NodeId(2), NodeId(3), true);
  EXPECT_EQ(told, std::vector<std::string>{"S3"}) << "node 1 is the coordinator";
  told.clear();
  oracle.Shot(NodeId(1), NodeId(3), false);
  EXPECT_EQ(told, std::vector<std::string>{"S3"}) << "it had no right to";
  told.clear();
  oracle.Covered(NodeId(1), false);
  oracle.Covered(NodeId(1), false);
  EXPECT_EQ(told, std::vector<std::string>{"R9"}) << "told once";
  told.clear();
  oracle.SplitBegins();
  oracle.Shot(NodeId(1), NodeId(2), true);
  EXPECT_TRUE(told.empty());
  oracle.Quorate({NodeId(2)});
  oracle.Shot(NodeId(2), NodeId(1), true);
  EXPECT_EQ(told, std::vector<std::string>{"S3"}) << "both sides were shot in one split";
}

}  // namespace
}  // namespace fencepost::sim
