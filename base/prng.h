// SplitMix64: the same numbers on every compiler, so that a seed is a whole bug report.
//
// Promise: not for secrets. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators" (2014), constants of the reference implementation.
#pragma once
#include <cstdint>

namespace fencepost {

class Prng {
 public:
  explicit constexpr Prng(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // A number in [0, bound). REQUIRES: bound > 0.
  constexpr std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }
  constexpr bool OneIn(std::uint64_t n) { return Below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace fencepost
