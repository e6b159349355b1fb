// Heuristics over simulated programs, and what reaches the disk of them.
#include "qdiskd/heuristic_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "qdiskd/runner_bench.h"
#include "tests/sim/ports/programs.h"

namespace fencepost::qdiskd {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

config::FitnessConfig OneCheck() {
  return {{{"gateway", {"/check", "10.0.0.254"}, 5, Millis(500), Millis(400), 2, 2}}, 5};
}

struct Fit : ::testing::Test {
  Bench bench;
  sim::Programs programs{bench[1].machine};
  sim::Performance performance;
  std::unique_ptr<sim::SimClock> clock;
  std::unique_ptr<sim::SimProcessRunner> processes;
  std::unique_ptr<sim::SimFacts> facts;
  std::unique_ptr<HeuristicRunner> heuristics;

  void Start(const config::FitnessConfig& config) {
    programs.Install("/check", [this](const Command&) { return performance; });
    bench[1].Start();
    clock = std::make_unique<sim::SimClock>(bench[1].machine, bench[1].life);
    processes = std::make_unique<sim::SimProcessRunner>(programs, bench[1].life);
    facts = std::make_unique<sim::SimFacts>(bench.journal, bench[1].machine, "qdiskd");
    heuristics = std::make_unique<HeuristicRunner>(
        config, HeuristicRunner::Ports{*clock, *processes, *facts},
        [this](const Fitness& fitness) { bench[1].runner->SetFitness(fitness); });
    heuristics->Start();
  }
  ~Fit() override { heuristics.reset(); }
};

TEST_F(Fit, TheScoreIsOnTheDiskBesideThatOfTheConsumer) {
  Start(OneCheck());
  const auto consumer = bench.NewConsumer(1);
  NodeReport report;
  report.view = 1;
  report.score = 100;
  const auto speak = [&] {
    consumer->Say(event::Report{report});
    bench.Run(seconds(1));
  };
  bench.Run(seconds(1));
  for (int i = 0; i < 3; ++i) speak();
  EXPECT_EQ(bench.OnDisk(1).report.score, 105);
  EXPECT_FALSE(bench.OnDisk(1).report.unfit);
  EXPECT_EQ(consumer->view().fitness.score, 5);
  EXPECT_EQ(consumer->view().fitness.heuristics.at(0).last, "ok");
  performance.exit_code = 1;
  performance.errors = "no\x1b answer\nat all";
  for (int i = 0; i < 3; ++i) speak();
  EXPECT_EQ(bench.OnDisk(1).report.score, 100);
  EXPECT_TRUE(bench.OnDisk(1).report.unfit);
  EXPECT_EQ(consumer->view().fitness.heuristics.at(0).last, "exit code 1: no? answer");
  performance.exit_code = 0;
  for (int i = 0; i < 3; ++i) speak();
  EXPECT_EQ(bench.OnDisk(1).report.score, 105);
  EXPECT_FALSE(bench.OnDisk(1).report.unfit);
}

TEST_F(Fit, AProgramThatHangsIsKilledAndHasFailed) {
  Start(OneCheck());
  bench.Run(seconds(2));
  EXPECT_TRUE(heuristics->View().fit);
  performance.takes = sim::kHangs;
  bench.Run(seconds(2));
  EXPECT_FALSE(heuristics->View().fit);
  EXPECT_LE(programs.running(), 1);
  EXPECT_GE(programs.started().size(), 6U) << "and it is tried again";
  EXPECT_EQ(programs.started().back().argv, (std::vector<std::string>{"/check", "10.0.0.254"}));
  EXPECT_EQ(programs.started().back().environment.size(), 2U);
  EXPECT_THAT(heuristics->View().heuristics.at(0).last, HasSubstr("killed at its time limit"));
}

TEST_F(Fit, AProgramThatIsNotThereIsNamed) {
  auto config = OneCheck();
  config.heuristics[0].program = {"/nowhere"};
  Start(config);
  bench.Run(seconds(2));
  EXPECT_FALSE(heuristics->View().fit);
  EXPECT_THAT(heuristics->View().heuristics.at(0).last, HasSubstr("not started: "));
  EXPECT_EQ(bench.journal.Count("heuristic-down"), 1) << "told once";
}

TEST_F(Fit, ReloadKillsWhatIsNotAskedAnyMore) {
  performance.takes = sim::kHangs;
  Start(OneCheck());
  bench.Run(Millis(100));
  EXPECT_EQ(programs.running(), 1);
  heuristics->Reload({});
  bench.Run(Millis(100));
  EXPECT_EQ(programs.running(), 0);
  EXPECT_TRUE(heuristics->View().fit);
  EXPECT_EQ(bench[1].runner->fitness().heuristics.size(), 0U);
}

// Two nodes that hear only themselves; node 1 holds the vote and becomes unfit.
struct UnfitHolder {
  Bench bench;
  std::unique_ptr<Consumer> one, two;
  std::uint32_t votes_of_one;

  explicit UnfitHolder(std::uint32_t votes) : votes_of_one(votes) {
    const Votes expected(votes + 1 + 1);
    for (const int node : {1, 2}) {
      bench[node].settings.voter.rules = {expected, Votes(1), NodeId(), false, false};
      bench[node].Start();
    }
    one = bench.NewConsumer(1);
    two = bench.NewConsumer(2);
    Run(2, true);
    one->Want(1);
    Run(3, true);
    EXPECT_TRUE(one->Counts()) << bench.journal.Text();
  }
  // Both repeat their reports, as fencepostd does.
  void Run(int duration, bool both) {
    for (int i = 0; i < 2 * duration; ++i) {
      for (const int node : {1, 2}) {
        NodeReport report;
        report.view = both ? 3 : NodeBit(NodeId(static_cast<std::uint8_t>(node)));
        report.votes = Votes(node == 1 ? votes_of_one : 1);
        (node == 1 ? one : two)->Say(event::Report{report});
      }
      bench.Run(Millis(500));
    }
  }
};

TEST(Unfit, AHolderLosesASplitToAFitNodeAndNothingWithoutASplit) {
  UnfitHolder pair(1);
  pair.bench[1].runner->SetFitness({0, 1, 1, false, {}});
  pair.Run(5, true);
  EXPECT_EQ(pair.one->Count("must-drop"), 0) << "they hear each other";
  EXPECT_TRUE(pair.one->Counts());
  pair.Run(3, false);
  EXPECT_EQ(pair.one->Count("must-drop another side wins the split: votes of fit nodes 1 beat 0"),
            1)
      << testing::PrintToString(pair.one->log());
  pair.two->Want(1);
  pair.Run(3, false);
  EXPECT_TRUE(pair.two->Counts()) << pair.bench.journal.Text();
}

// S6: node 1 has three of five votes by itself.
TEST(Unfit, AHolderThatIsQuorateWithoutTheDiskGivesUpForNobody) {
  UnfitHolder pair(3);
  pair.bench[1].runner->SetFitness({0, 1, 1, false, {}});
  pair.two->Want(1);
  pair.Run(8, false);
  EXPECT_EQ(pair.one->Count("must-drop"), 0);
  EXPECT_TRUE(pair.one->Counts());
  EXPECT_FALSE(pair.two->Counts());
  EXPECT_EQ(pair.one->view().view.election.sides, 2) << "the split was seen";
}

}  // namespace
}  // namespace fencepost::qdiskd
