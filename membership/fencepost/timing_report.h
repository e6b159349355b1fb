// What "fencepost quorum timing" and docs/timing.md show of a Timing.
//
// Promise: every time, every inequality with its slack, every worst-case failover; plain text,
// lines
//          of at most 120 columns. Time: as in Timing. Errors: none.
#pragma once
#include <string>
#include <string_view>

#include "base/config/timing.h"

namespace fencepost::config {

[[nodiscard]] std::string TimingReport(std::string_view title, const Timing& timing);

}  // namespace fencepost::config
