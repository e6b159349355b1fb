// Keeping a daemon on time under memory and CPU pressure: locked memory, real-time scheduling.
//
// Promise: tries both, each on its own; without the privilege the daemon runs on, and the fact says
//          what is missing and how to grant it. Children are not real-time (reset on fork). Memory
//          is locked only where no limit could later make an allocation fail.
// Errors:  none; what was not achieved is a warning in the fact.
// Source:  kRealtimePriority: above ordinary programs, below the kernel's own threads (50).
#pragma once
#include "base/fact.h"

namespace fencepost {

inline constexpr int kRealtimePriority = 10;

Fact GoRealtime();  // "realtime memory=locked scheduling=rr:10"

}  // namespace fencepost
