// Asks the pingd that runs in a run directory for its status.
//
// Promise: the status with all targets, however many pages it has.
// Time:    at most kAskLimit. Errors: nobody is there, or what answers is no pingd.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace fencepost::ping {

inline constexpr Duration kAskLimit = std::chrono::seconds(5);

[[nodiscard]] Result<nlohmann::json> AskStatus(const std::string& run_dir);

}  // namespace fencepost::ping
