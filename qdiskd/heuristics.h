// Is this node fit to win a split? Decides from what small programs say, and when each runs.
// Sans-IO: the shell runs the programs and hands back how they ended.
//
// Promise:
//   - A node is fit while the scores of its heuristics that are up add up to min_score. That ranks
//     it when a network splits (election.h) and does nothing else: an unfit node is not reset, and
//     it keeps its place in a partition that is quorate.
//   - Hysteresis on both edges: `tko` misses in a row bring a heuristic down, `tko_up` successes in
//     a row bring it up again. A failed run counts one miss for each interval that it took. The
//     first result after a start decides alone, in either direction.
//   - Until a heuristic has a first result it adds nothing, and fitness changes only if the result
//     could not change it. A node starts unfit, unless it has no heuristics.
//   - One run of a heuristic at a time. A run that does not end although it was killed has failed,
//     as often as intervals pass; its late result is discarded, and only then comes the next run.
//   - Reload keeps what is known of a program that stays, whatever becomes of its numbers.
// Time:    handed in with each event, local, monotonic. A loss is known at the latest
//          tko * interval + timeout after the last run that succeeded began.
// Errors:  a failed run is an event; facts heuristic-down, heuristic-up, node-unfit, node-fit.
// Source:  qdisk(5); docs/adr/0021.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/config/heuristic_config.h"
#include "base/fact.h"
#include "base/time.h"

namespace fencepost::qdiskd {

// How long a killed program may take to be gone before it counts as one that does not end.
inline constexpr Duration kHeuristicKillGrace = Millis(500);

enum class HeuristicState : std::uint8_t { kUnknown = 0, kUp = 1, kDown = 2 };
[[nodiscard]] std::string_view Name(HeuristicState state);

struct HeuristicView {
  std::string name;
  HeuristicState state = HeuristicState::kUnknown;
  std::int32_t score = 0;
  std::string last;  // how the last run ended: "ok", "exit code 1", "killed at its time limit"
  Duration age{};    // since it did; 0 without one
  friend bool operator==(const HeuristicView&, const HeuristicView&) = default;
};

struct Fitness {
  std::int32_t score = 0, highest = 0, min_score = 0;
  bool fit = true;
  std::vector<HeuristicView> heuristics;
  friend bool operator==(const Fitness&, const Fitness&) = default;
};

using RunId = std::uint64_t;  // never given twice

namespace event {
struct RunEnded {
  RunId run = 0;
  bool ok = false;
  std::string how;  // for people
};
struct HeuristicsWake {};
}  // namespace event
using HeuristicsEvent = std::variant<event::RunEnded, event::HeuristicsWake>;

struct HeuristicsEffects {
  struct Run {
    RunId run = 0;
    std::vector<std::string> program;
    MonoTime kill_at{};
  };
  std::vector<Run> runs;
  std::vector<RunId> kills;  // their results are not wanted any more
  std::vector<Fact> facts;
  MonoTime wake_at = kNever;  // send HeuristicsWake then; every call gives it anew
};

class Heuristics {
 public:
  // The first runs are effects of the first HeuristicsWake.
  Heuristics(config::FitnessConfig config, MonoTime started);

  HeuristicsEffects Step(MonoTime now, const HeuristicsEvent& event);
  HeuristicsEffects Reload(MonoTime now, config::FitnessConfig config);
  [[nodiscard]] Fitness View(MonoTime now) const;
  [[nodiscard]] const config::FitnessConfig& config() const { return config_; }

 private:
  struct Run {
    RunId id = 0;
    MonoTime started{}, kill_at{};
    bool given_up = false;  // it does not end: counted already
  };
  struct One {
    HeuristicState state = HeuristicState::kUnknown;
    std::uint32_t misses = 0, hits = 0;  // in a row
    std::optional<Run> run;
    MonoTime next{};
    std::string last;
    MonoTime last_at{};
  };
  void Ended(MonoTime now, const event::RunEnded& e);
  void Advance(MonoTime now, std::size_t index);
  void Succeeded(std::size_t index);
  void Failed(std::size_t index, std::uint32_t misses);
  void Judge();
  void SetWake();
  [[nodiscard]] std::int32_t Score() const;
  Fact& Say(Severity severity, std::string_view name);

  config::FitnessConfig config_;
  std::vector<One> all_;  // in the order of config_.heuristics
  bool fit_;
  RunId last_run_ = 0;
  HeuristicsEffects out_;
};

}  // namespace fencepost::qdiskd
