// What "fencepost status" prints of the JSON that fencepostd answers (docs/format/status.md).
//
// Promise: lines of at most 80 columns, longer reasons are wrapped. Fields it does not know are
//          left out, fields it misses are "?", so that versions may differ by one.
// Errors:  StatusExit and StatusReport take any JSON object.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace fencepost::command {

// 0: quorate and all is well; 1: degraded; 2: not quorate.
[[nodiscard]] int StatusExit(const nlohmann::json& status);
[[nodiscard]] std::string StatusReport(const nlohmann::json& status);

}  // namespace fencepost::command
