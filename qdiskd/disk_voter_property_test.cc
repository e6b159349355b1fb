// Any schedule: drifting clocks, late and lost writes, crashes, reboots, hangs, consumers that keep
// their lease to its last instant. Never do two nodes count the disk's vote at one instant (S1 for
// the disk), and when the faults stop a node that asks gets it (L1).
#include <gtest/gtest.h>

#include <cstdlib>

#include "qdiskd/voter_world.h"

namespace fencepost::qdiskd {
namespace {

struct Totals {
  int takeovers = 0, live = 0, asked = 0;
  std::map<std::string, int> seen;
};

void RunSeed(const VoterWorld::Shape& shape, std::uint64_t seed, int steps, Totals* totals) {
  VoterWorld world(shape, seed);
  int last = -1;
  for (int step = 0; step < steps; ++step) {
    world.RandomStep();
    ASSERT_LE(world.LeasesNow(), 1) << "seed " << seed << " step " << step;
    for (int i = 0; i < shape.nodes; ++i) {
      if (!world.Counts(i)) continue;
      totals->takeovers += last >= 0 && last != i ? 1 : 0;
      last = i;
    }
  }
  for (const auto& [name, count] : world.seen()) totals->seen[name] += count;
  // Liveness: one node alone, the others off, no more faults.
  for (int i = 1; i < shape.nodes; ++i) world.PowerOff(i);
  world.Crash(0);
  world.PowerOn(0);
  world.node(0).hung = false;
  world.Start(0);
  for (int d = 0; d < shape.disks; ++d) world.OpenDisk(0, d, true);
  world.FinishAll(0);
  world.AckStart(0);
  bool held = false;
  for (int attempt = 0; attempt < 8 && !held; ++attempt) {
    world.Want(0);
    held = world.RunUntilHeld(0, Millis(300));
  }
  ++totals->asked;
  totals->live += held ? 1 : 0;
  EXPECT_TRUE(held) << "seed " << seed << " never gets the vote";
}

int Seeds(int normal) {  // FENCEPOST_SEEDS: for long runs by hand
  const char* more = std::getenv("FENCEPOST_SEEDS");
  return more != nullptr ? std::atoi(more) : normal;
}

void Check(const VoterWorld::Shape& shape, int seeds) {
  Totals totals;
  for (std::uint64_t seed = 1; seed <= static_cast<std::uint64_t>(seeds); ++seed) {
    RunSeed(shape, seed, 4000, &totals);
    if (testing::Test::HasFailure()) break;
  }
  std::printf("%d seeds, %d takeovers, %d of %d live\n", seeds, totals.takeovers, totals.live,
              totals.asked);
  for (const auto& [name, count] : totals.seen) std::printf("  %8d %s\n", count, name.c_str());
  EXPECT_GT(totals.takeovers, seeds / 4) << "the run proved little";
  EXPECT_GT(totals.seen["disk-vote-wait-ended: its holder conceded"], 0);
  EXPECT_GT(totals.seen["disk-vote-wait-ended: its holder is off"], 0);
}

TEST(DiskVoterInvariant, OneHolderTwoNodesOneDisk) { Check({}, Seeds(400)); }

TEST(DiskVoterInvariant, OneHolderThreeNodesThreeDisks) {
  VoterWorld::Shape shape;
  shape.nodes = 3;
  shape.disks = 3;
  Check(shape, Seeds(400));
}

TEST(DiskVoterInvariant, TheSameSeedGivesTheSameRun) {
  Totals first, second;
  RunSeed({}, 7, 4000, &first);
  RunSeed({}, 7, 4000, &second);
  EXPECT_EQ(first.seen, second.seen);
  EXPECT_EQ(first.takeovers, second.takeovers);
}

}  // namespace
}  // namespace fencepost::qdiskd
