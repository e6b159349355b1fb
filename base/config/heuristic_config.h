// What qdiskd asks of its node before it lets it win a split, and who wins one, as values.
//
// Promise: plain data; config.h reads and checks it. A node is fit while the scores of the
//          heuristics that are up add up to at least min_score; without heuristics it is fit.
// Time:    local durations. A run counts as many misses as the intervals that it took, at least
//          one; `tko` misses in a row bring a heuristic down, `tko_up` successes in a row up.
// Errors:  none.
// Source:  names and defaults of qdisk(5) where they have a meaning; docs/adr/0021.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/time.h"

namespace fencepost::config {

inline constexpr std::size_t kMaxHeuristics = 10;  // qdisk(5)'s
inline constexpr std::size_t kMaxHeuristicArguments = 64;
inline constexpr std::int32_t kMaxHeuristicScore = 10'000;  // ten of them stay below kMaxScore
inline constexpr std::uint32_t kMaxHeuristicTko = 1000;
inline constexpr Duration kMinHeuristicInterval = Millis(100);
inline constexpr std::uint32_t kHeuristicTko = 2, kHeuristicTkoUp = 2;
// A loss is to be known before the peer's silence is: three of four parts of peer_timeout.
inline constexpr int kHeuristicRunsPerSilence = 4;

struct HeuristicConfig {
  std::string name;                  // shown; default: the file name of the program
  std::vector<std::string> program;  // argv; the first is an absolute path, no shell in between
  std::int32_t score = 1;
  Duration interval{};  // from the start of one run to the next, or to its end if that is later
  Duration timeout{};   // a run is killed then, and has failed
  std::uint32_t tko = kHeuristicTko, tko_up = kHeuristicTkoUp;
  friend bool operator==(const HeuristicConfig&, const HeuristicConfig&) = default;
};

struct FitnessConfig {
  std::vector<HeuristicConfig> heuristics;
  std::int32_t min_score = 0;  // 0 only without heuristics
  [[nodiscard]] std::int32_t Highest() const {
    std::int32_t sum = 0;
    for (const HeuristicConfig& each : heuristics) sum += each.score;
    return sum;
  }
  friend bool operator==(const FitnessConfig&, const FitnessConfig&) = default;
};

// Which side of a split should win, beside votes and scores: the same on all nodes.
struct ElectionConfig {
  NodeId required_node;       // 0: none
  bool master_wins = false;   // who holds the disk's vote keeps it
  bool highest_wins = false;  // the last resort: the highest node id instead of the lowest
  friend bool operator==(const ElectionConfig&, const ElectionConfig&) = default;
};

}  // namespace fencepost::config
