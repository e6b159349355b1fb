// The machine's monotonic time, and being called at an instant of it.
//
// Promise: one thread: every callback of every port is called from the loop, never from inside the
//          call that asked for it. Now() is CLOCK_BOOTTIME: it counts time spent in suspend.
// Time:    CallAt calls at or after the instant, once; late when the process was paused.
// Errors:  none. Implementations: env/linux (real), tests/sim (virtual, drifting).
#pragma once
#include <cstdint>
#include <functional>

#include "base/time.h"

namespace fencepost {

using TimerId = std::uint64_t;  // 0 is no timer

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime Now() const = 0;
  virtual TimerId CallAt(MonoTime when, std::function<void()> call) = 0;
  // The call does not happen any more. An id that is over or 0 is ignored.
  virtual void Cancel(TimerId timer) = 0;
};

}  // namespace fencepost
