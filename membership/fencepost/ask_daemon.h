// One question to this node's fencepostd, and its answer.
//
// Promise: bounded in time: kConnectLimit to reach it, kAnswerLimit for the answer.
// Errors:  nobody there (is_running false), no answer in time, an answer that is no JSON object, or
//          the daemon's own "error".
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace fencepost::command {

inline constexpr Duration kConnectLimit = std::chrono::seconds(1);
inline constexpr Duration kAnswerLimit = std::chrono::seconds(5);

struct Unanswered {
  bool is_running = false;
  Error error;
};

[[nodiscard]] Result<nlohmann::json, Unanswered> AskDaemon(const std::string& run_dir,
                                                           const nlohmann::json& request);
void SleepFor(Duration d);

}  // namespace fencepost::command
