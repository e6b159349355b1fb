// How long the scenes of the demo take, over many seeds: each draws clocks, latencies and the
// moment of the fault.
//
// Time:    virtual, from the fault until every service runs where it should.
// Errors:  a run that is not over within its bound, or violates an oracle, is counted as bad.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fencepost::sim {

inline constexpr std::string_view kSceneNames = "1, 2b, 3, 4";

struct SceneTimes {
  std::vector<Duration> took;        // ascending
  std::vector<std::uint64_t> seeds;  // of the same runs
  std::vector<std::uint64_t> bad;
  [[nodiscard]] std::string Text() const;  // a table of the distribution
};

// nullopt: there is no such scene.
[[nodiscard]] std::optional<SceneTimes> TimeScene(std::string_view scene, std::uint64_t from,
                                                  std::uint64_t seeds, bool print_slowest);

}  // namespace fencepost::sim
