// Numeric IPv4 and IPv6 addresses: names are not looked up, that can block a daemon for minutes.
//
// Promise: two texts of one address give the same text. Errors: nullopt for anything else.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace fencepost::config {

// "10.0.0.1", "fd00::1" without brackets and zone.
[[nodiscard]] std::optional<std::string> NumericHost(std::string_view text);

}  // namespace fencepost::config
