// The type of local monotonic time (CLOCK_BOOTTIME of this node), and nothing more.
//
// Promise: it has no now(): code that holds a MonoTime was given one. Instants of two nodes are
//          never compared; only env/linux makes an instant from the machine's clock.
// Time:    nanoseconds. Errors: none.
#pragma once
#include <chrono>
#include <cstdint>

namespace fencepost {

struct MonoClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;
using Duration = MonoClock::duration;
using Millis = std::chrono::milliseconds;

inline constexpr MonoTime kNever = MonoTime::max();

// How much two clocks may differ in rate, in parts per million.
using DriftPpm = std::uint32_t;

// (1 + drift) * d, rounded up: how long the slower clock's d may last on the faster clock.
[[nodiscard]] constexpr Duration Inflate(Duration d, DriftPpm drift) {
  const auto extra = (d.count() / 1'000'000 + 1) * static_cast<std::int64_t>(drift);
  return d + Duration(extra);
}

[[nodiscard]] constexpr std::int64_t ToMillis(Duration d) {
  return std::chrono::duration_cast<Millis>(d).count();
}

}  // namespace fencepost
