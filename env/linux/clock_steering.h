// How the kernel's clock is steered.
//
// Errors:  name what the kernel refused.
#pragma once
#include "base/result.h"

namespace fencepost {

// By how much the system clock runs faster than its hardware at this moment, in parts per million.
[[nodiscard]] Result<double> ClockRatePpm();

}  // namespace fencepost
