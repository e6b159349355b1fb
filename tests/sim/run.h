// One seed: a cluster is drawn and brought up, faults strike it, then everything is mended and it
// must become healthy again in time (L1). What it proved is counted.
//
// Promise: the same seed gives the same RunResult, fingerprint included, on every machine.
// Errors:  trouble: what was violated, in words; empty is good.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fencepost::sim {

using Counts = std::map<std::string, std::uint64_t>;

struct RunResult {
  std::uint64_t seed = 0;
  std::vector<std::string> trouble;
  std::string shape;  // "2 nodes, 1 disk"
  std::int64_t virtual_ms = 0, recovered_ms = 0;
  std::uint64_t events = 0, fingerprint = 0;
  Counts facts, seen, faults;
  std::string timeline;  // only when asked for, or when there is trouble
};

[[nodiscard]] RunResult RunSeed(std::uint64_t seed, bool want_timeline);

// Many runs added up.
struct Summary {
  std::uint64_t runs = 0, events = 0;
  std::int64_t virtual_ms = 0, slowest_recovery_ms = 0;
  std::vector<std::uint64_t> bad_seeds;
  Counts facts, seen, faults;
  void Add(const RunResult& result);
  [[nodiscard]] std::string Text() const;
  // What a set of runs must have shown to have proved anything; empty: all of it.
  [[nodiscard]] std::vector<std::string> NotReached() const;
};

}  // namespace fencepost::sim
