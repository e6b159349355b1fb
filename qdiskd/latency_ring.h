// How long the last I/Os on one disk took.
//
// Promise: no allocation; Summary is exact over the last kRemembered ones.
// Time:    microseconds, capped at 2^32-1. Errors: none; without an I/O all is 0.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "qdiskd/slot.h"

namespace fencepost::qdiskd {

class LatencyRing {
 public:
  static constexpr std::size_t kRemembered = 128;  // a minute of writes and reads at one a second

  void Add(Duration took) {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    ring_[next_] = static_cast<std::uint32_t>(std::clamp<std::int64_t>(us, 0, kMost));
    next_ = (next_ + 1) % kRemembered;
    count_ = std::min(count_ + 1, kRemembered);
  }
  [[nodiscard]] IoLatency Summary() const {
    if (count_ == 0) return {};
    std::array<std::uint32_t, kRemembered> sorted = ring_;
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count_));
    const auto at = [&](std::size_t percent) { return sorted[(count_ - 1) * percent / 100]; };
    return {at(50), at(99), at(100)};
  }

 private:
  std::array<std::uint32_t, kRemembered> ring_{};
  std::size_t next_ = 0, count_ = 0;
};

}  // namespace fencepost::qdiskd
