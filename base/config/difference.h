// What differs between two configurations, by the names of tables and keys: for a daemon that is
// asked to read its configuration again.
//
// Promise: empty only if they are equal. Errors: none.
#pragma once
#include <string_view>
#include <vector>

#include "base/config/config.h"

namespace fencepost::config {

// "cluster", "timing", "node", "quorum_disk.min_score", ...; each name once, static storage.
[[nodiscard]] std::vector<std::string_view> Differences(const Config& a, const Config& b);

}  // namespace fencepost::config
