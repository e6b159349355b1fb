// Any schedule: drifting clocks, a network that loses, delays, repeats and reorders, crashes with
// or without what was being stored, power loss, pauses, clean stops, consumers that act to the last
// instant they were given. Never are two nodes quorate at one instant (S1), and when the faults
// stop a majority has a coordinator (L1).
#include <gtest/gtest.h>

#include <cstdlib>

#include "membership/quorum/quorum_world.h"

namespace fencepost::quorum {
namespace {

constexpr int kSteps = 4000;

struct Totals {
  int takeovers = 0;  // another node is quorate than the last that was
  int settled = 0;
  std::map<std::string, int> seen;
};

void RunSeed(const QuorumWorld::Shape& shape, std::uint64_t seed, Totals* totals) {
  QuorumWorld world(shape, seed);
  int last = -1;
  for (int step = 0; step < kSteps; ++step) {
    world.RandomStep();
    ASSERT_LE(world.QuorateNow(), 1) << "seed " << seed << " step " << step << world.Describe();
    ASSERT_EQ(world.broken(), "") << "seed " << seed << " step " << step;
    const int now = world.Coordinator();
    if (now < 0) continue;
    totals->takeovers += last >= 0 && last != now ? 1 : 0;
    last = now;
  }
  for (const auto& [what, count] : world.seen()) totals->seen[what] += count;
  // A restart wait, the lease of a consumer whose daemon is gone, and time to ask once more.
  const bool settled = world.Settle(Millis(400));
  totals->settled += settled ? 1 : 0;
  EXPECT_TRUE(settled) << "seed " << seed << ": no coordinator" << world.Describe();
  EXPECT_EQ(world.broken(), "") << "seed " << seed << " when settled";
}

int Seeds(int normal) {  // FENCEPOST_SEEDS: for long runs by hand
  const char* more = std::getenv("FENCEPOST_SEEDS");
  return more != nullptr ? std::atoi(more) : normal;
}

void Check(std::vector<std::uint32_t> votes, int seeds) {
  QuorumWorld::Shape shape;
  shape.votes = std::move(votes);
  Totals totals;
  for (int seed = 1; seed <= seeds; ++seed) {
    RunSeed(shape, static_cast<std::uint64_t>(seed), &totals);
    if (testing::Test::HasFailure()) break;
  }
  std::printf("%d seeds, %d takeovers, %d settled\n", seeds, totals.takeovers, totals.settled);
  for (const auto& [what, count] : totals.seen) std::printf("  %8d %s\n", count, what.c_str());
  EXPECT_GT(totals.takeovers, seeds) << "the run proved little";
  for (const char* what :
       {"start with a restart wait", "start after a clean stop", "clean stop",
        "stop without a record", "crash of a coordinator", "crash with a live grant",
        "crash with a grant or a clean stop being stored", "coordinator stands down"}) {
    EXPECT_GT(totals.seen[what], seeds / 5) << what << ": happened too rarely to prove anything";
  }
}

TEST(QuorumInvariant, OneCoordinatorOfThree) { Check({1, 1, 1}, Seeds(250)); }

TEST(QuorumInvariant, OneCoordinatorOfFive) { Check({1, 1, 1, 1, 1}, Seeds(250)); }

TEST(QuorumInvariant, OneCoordinatorOfFourWhereOneHasTwoVotes) { Check({1, 1, 1, 2}, Seeds(250)); }

TEST(QuorumInvariant, TheSameSeedGivesTheSameRun) {
  QuorumWorld::Shape shape;
  shape.votes = {1, 1, 1};
  Totals first, second;
  RunSeed(shape, 7, &first);
  RunSeed(shape, 7, &second);
  EXPECT_EQ(first.seen, second.seen);
  EXPECT_EQ(first.takeovers, second.takeovers);
}

}  // namespace
}  // namespace fencepost::quorum
