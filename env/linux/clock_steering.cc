#include "env/linux/clock_steering.h"

#include <errno.h>
#include <sys/timex.h>
#include <unistd.h>

#include "env/linux/unique_fd.h"

namespace fencepost {

// Source: adjtimex(2): freq in 2^-16 ppm; tick in microseconds for each of USER_HZ ticks a second.
Result<double> ClockRatePpm() {
  timex state{};
  if (adjtimex(&state) < 0) return OsError("the kernel's clock", "ask how it is steered", errno);
  const double hz = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double ticks = (static_cast<double>(state.tick) * hz - 1e6);
  return static_cast<double>(state.freq) / 65536.0 + ticks;
}

}  // namespace fencepost
