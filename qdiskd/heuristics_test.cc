// The mind of the heuristics: what is run when, what is up, and whether the node is fit.
#include "qdiskd/heuristics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"

namespace fencepost::qdiskd {
namespace {

using config::FitnessConfig;
using config::HeuristicConfig;
using testing::ElementsAre;

HeuristicConfig Asks(const std::string& name, std::int32_t score = 1, std::uint32_t tko = 2,
                     std::uint32_t tko_up = 2) {
  return {name, {"/bin/" + name}, score, Millis(1000), Millis(1000), tko, tko_up};
}

// Runs what the core wants run; a test says how each ends.
struct Bench {
  explicit Bench(FitnessConfig config) : core(std::move(config), now) { Wake(); }
  void Take(HeuristicsEffects effects) {
    for (auto& run : effects.runs) running.push_back(run);
    for (const RunId run : effects.kills) killed.insert(run);
    for (const Fact& fact : effects.facts) told.push_back(fact.Text());
    wake_at = effects.wake_at;
  }
  void Wake() { Take(core.Step(now, event::HeuristicsWake{})); }
  // Time goes on to the next wake or by `d`, whichever is earlier, until `d` is over.
  void Pass(Duration d) {
    const MonoTime end = now + d;
    for (int wakes = 0; wake_at <= end; ++wakes) {
      if (wakes > 10'000) FAIL() << "it wants to be woken again and again at the same time";
      now = wake_at;
      Wake();
    }
    now = end;
  }
  void End(bool ok, const std::string& name, const std::string& how = "") {
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (running[i].program.front() != "/bin/" + name) continue;
      const RunId run = running[i].run;
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      Take(core.Step(now,
                     event::RunEnded{run, ok, how.empty() ? (ok ? "ok" : "exit code 1") : how}));
      return;
    }
    FAIL() << name << " does not run";
  }
  void Round(bool ok, const std::string& name) {  // one run of 100 ms, and the rest of its interval
    Pass(Millis(100));
    End(ok, name);
    Pass(Millis(900));
  }
  [[nodiscard]] Fitness View() const { return core.View(now); }
  [[nodiscard]] HeuristicState State(std::size_t i = 0) const { return View().heuristics[i].state; }

  MonoTime now{std::chrono::seconds(100)};
  MonoTime wake_at = kNever;
  Heuristics core;
  std::vector<HeuristicsEffects::Run> running;
  std::set<RunId> killed;
  std::vector<std::string> told;
};

TEST(Heuristics, WithoutAnyANodeIsFit) {
  Bench bench({});
  EXPECT_EQ(bench.View(), (Fitness{0, 0, 0, true, {}}));
  EXPECT_EQ(bench.wake_at, kNever);
}

TEST(Heuristics, ANodeIsUnfitUntilItsFirstResultsSayOtherwise) {
  Bench bench({{Asks("a"), Asks("b")}, 1});
  EXPECT_FALSE(bench.View().fit);
  ASSERT_EQ(bench.running.size(), 2U);
  EXPECT_EQ(bench.running[0].kill_at, bench.now + Millis(1000));
  bench.End(true, "b");
  EXPECT_TRUE(bench.View().fit) << "one of two is enough, whatever the other says";
  EXPECT_EQ(bench.View().score, 1);
  bench.End(false, "a");
  EXPECT_EQ(bench.State(0), HeuristicState::kDown) << "the first result decides alone";
  EXPECT_TRUE(bench.View().fit);
  EXPECT_EQ(bench.View().heuristics[0].last, "exit code 1");
}

TEST(Heuristics, HaveHysteresisOnBothEdges) {
  Bench bench({{Asks("a", 1, 3, 2)}, 1});
  bench.Round(true, "a");
  for (int flap = 0; flap < 5; ++flap) {  // never three in a row
    bench.Round(false, "a");
    bench.Round(false, "a");
    EXPECT_EQ(bench.State(), HeuristicState::kUp);
    bench.Round(true, "a");
  }
  for (int i = 0; i < 2; ++i) bench.Round(false, "a");
  EXPECT_TRUE(bench.View().fit);
  bench.Pass(Millis(100));
  bench.End(false, "a");
  EXPECT_EQ(bench.State(), HeuristicState::kDown) << "the third";
  EXPECT_FALSE(bench.View().fit);
  bench.Pass(Millis(900));
  for (int flap = 0; flap < 5; ++flap) {  // never two in a row
    bench.Round(true, "a");
    EXPECT_EQ(bench.State(), HeuristicState::kDown) << "one success is a flap";
    bench.Round(false, "a");
  }
  bench.Round(true, "a");
  bench.Round(true, "a");
  EXPECT_EQ(bench.State(), HeuristicState::kUp);
  EXPECT_TRUE(bench.View().fit);
  EXPECT_THAT(bench.told,
              ElementsAre("heuristic-up heuristic=a", "node-fit score=1 highest=1 min_score=1",
                          "heuristic-down heuristic=a why=\"exit code 1\" misses=3",
                          "node-unfit score=0 highest=1 min_score=1", "heuristic-up heuristic=a",
                          "node-fit score=1 highest=1 min_score=1"));
}

TEST(Heuristics, AFailedRunCountsForEachIntervalThatItTook) {
  auto slow = Asks("a", 1, 3);
  slow.timeout = Millis(3000);
  Bench bench({{slow}, 1});
  bench.Round(true, "a");
  bench.Pass(Millis(2100));
  bench.End(false, "a", "killed at its time limit");
  EXPECT_EQ(bench.State(), HeuristicState::kDown) << "it took three intervals";
}

TEST(Heuristics, OneRunAtATimeAndTheNextAsSoonAsItMay) {
  auto slow = Asks("a");
  slow.timeout = Millis(2000);
  Bench bench({{slow}, 1});
  bench.Pass(Millis(1500));
  ASSERT_EQ(bench.running.size(), 1U) << "the first still runs";
  bench.End(true, "a");
  EXPECT_EQ(bench.running.size(), 1U) << "the next is due";
  bench.End(true, "a");
  EXPECT_EQ(bench.running.size(), 0U);
  bench.Pass(Millis(999));
  EXPECT_EQ(bench.running.size(), 0U);
  bench.Pass(Millis(1));
  EXPECT_EQ(bench.running.size(), 1U);
}

TEST(Heuristics, ALossIsKnownWithinItsBound) {
  // tko * interval + timeout after the last good run began, whether runs fail at once, late, or not
  // at all before they are killed.
  for (const int takes : {0, 300, 999, 1000}) {
    Bench bench({{Asks("a", 1, 3)}, 1});
    const MonoTime began = bench.now;
    bench.End(true, "a");
    while (bench.State() == HeuristicState::kUp) {
      bench.Pass(Millis(1000) - (bench.now - began) % Millis(1000));
      ASSERT_EQ(bench.running.size(), 1U);
      bench.Pass(Millis(takes));
      bench.End(false, "a");
      ASSERT_LE(bench.now - began, Millis(3 * 1000 + 1000)) << takes;
    }
  }
}

TEST(Heuristics, AProgramThatDoesNotDieHasFailedAndIsNotStartedTwice) {
  Bench bench({{Asks("a", 1, 2)}, 1});
  bench.Round(true, "a");
  ASSERT_EQ(bench.running.size(), 1U);
  bench.Pass(Millis(1400));  // killed at 1000, and nothing comes back
  EXPECT_TRUE(bench.View().fit);
  bench.Pass(Millis(200));
  EXPECT_FALSE(bench.View().fit) << "1.5 intervals are two misses";
  EXPECT_EQ(bench.View().heuristics[0].last, "was killed and does not end");
  bench.Pass(std::chrono::seconds(60));
  EXPECT_EQ(bench.running.size(), 1U);
  bench.End(true, "a");  // late: it is no success
  EXPECT_FALSE(bench.View().fit);
  EXPECT_EQ(bench.View().heuristics[0].last, "was killed and does not end");
  bench.Pass(Millis(1000));
  ASSERT_EQ(bench.running.size(), 1U) << "now it may run again";
  bench.Round(true, "a");
  bench.Round(true, "a");
  EXPECT_TRUE(bench.View().fit);
}

TEST(Heuristics, ReloadKeepsWhatIsKnownOfAProgramThatStays) {
  Bench bench({{Asks("a"), Asks("b")}, 2});
  bench.End(true, "a");
  bench.End(true, "b");
  bench.Pass(Millis(1000));
  ASSERT_EQ(bench.running.size(), 2U);
  EXPECT_TRUE(bench.View().fit);
  auto heavier = Asks("b", 5, 1);
  heavier.name = "renamed";
  bench.Take(bench.core.Reload(bench.now, {{Asks("c"), heavier}, 5}));
  EXPECT_EQ(bench.killed.size(), 1U) << "the run of the program that is gone";
  EXPECT_EQ(bench.State(0), HeuristicState::kUnknown);
  EXPECT_EQ(bench.State(1), HeuristicState::kUp);
  EXPECT_EQ(bench.View().score, 5);
  EXPECT_TRUE(bench.View().fit);
  EXPECT_EQ(bench.running.size(), 3U) << "c was started, b still runs, a was killed";
  bench.End(false, "a");  // of nobody
  bench.End(false, "b");
  EXPECT_EQ(bench.State(1), HeuristicState::kDown) << "by the new tko";
  EXPECT_FALSE(bench.View().fit);
}

TEST(Heuristics, AReloadDoesNotMakeANodeUnfitBeforeItKnows) {
  Bench bench({{Asks("a")}, 1});
  bench.End(true, "a");
  bench.Take(bench.core.Reload(bench.now, {{Asks("b")}, 1}));
  EXPECT_TRUE(bench.View().fit);
  bench.End(false, "b");
  EXPECT_FALSE(bench.View().fit);
  bench.Take(bench.core.Reload(bench.now, {}));
  EXPECT_TRUE(bench.View().fit) << "nothing is asked any more";
  EXPECT_EQ(bench.wake_at, kNever);
}

// Whatever ends when: never two runs of one heuristic, and fit is what the states add up to.
TEST(Heuristics, StayConsistentUnderAnyOrderOfEvents) {
  int fits = 0, unfits = 0, hung = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Prng rng(seed);
    Bench bench({{Asks("a", 1, 2, 2), Asks("b", 2, 3, 1), Asks("c", 1, 1, 3)}, 2});
    for (int step = 0; step < 200; ++step) {
      bench.Pass(Millis(static_cast<int>(rng.Below(700))));
      std::set<std::string> names;
      for (const auto& run : bench.running) {
        EXPECT_TRUE(names.insert(run.program.front()).second) << "seed " << seed;
        hung += bench.now > run.kill_at + kHeuristicKillGrace ? 1 : 0;
      }
      if (!bench.running.empty() && !rng.OneIn(3)) {
        const auto& run = bench.running[rng.Below(bench.running.size())];
        bench.End(rng.OneIn(2), run.program.front().substr(5));
      }
      const Fitness view = bench.View();
      std::int32_t sum = 0;
      bool known = true;
      for (const HeuristicView& each : view.heuristics) {
        if (each.state == HeuristicState::kUp) sum += each.score;
        known = known && each.state != HeuristicState::kUnknown;
      }
      EXPECT_EQ(view.score, sum);
      if (known) {
        EXPECT_EQ(view.fit, sum >= 2) << "seed " << seed;
        (view.fit ? fits : unfits) += 1;
      }
    }
  }
  EXPECT_GT(fits, 1000);
  EXPECT_GT(unfits, 1000);
  EXPECT_GT(hung, 1000);
}

}  // namespace
}  // namespace fencepost::qdiskd
