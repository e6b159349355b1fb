// The values of Pacemaker's attributes: booleans, times, scores, names. Each is read as a whole;
// nullopt is "not one of these".
//
// Errors: none of its own; the caller knows the line and what to write instead.
// Time:   "10", "10s", "10sec", "200ms", "2m", "2min", "1h", "1hr"; a bare number is seconds.
// Source: Pacemaker Explained 2.1, "Common Attribute Types" (of the time units: no "us").
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/cib.h"
#include "base/time.h"

namespace fencepost::cib {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxValueBytes = 1024;
inline constexpr Duration kMaxOperationTime = std::chrono::hours(24);

[[nodiscard]] std::optional<bool> ParseBool(std::string_view text);
[[nodiscard]] std::optional<Duration> ParseTime(std::string_view text);  // 0..kMaxOperationTime
[[nodiscard]] std::optional<Score> ParseScore(std::string_view text);    // "INFINITY", "-100"

// Letters, digits, '_', '-' and '.', beginning with none of "-.": fit to be an XML id, a node's
// name, and one component of a path. At most kMaxNameBytes.
[[nodiscard]] bool IsName(std::string_view text);
// Fit to be part of the name of an environment variable.
[[nodiscard]] bool IsParameterName(std::string_view text);
// The parameter of a fence agent that carries a secret itself, not the file that holds it.
[[nodiscard]] bool IsSecretParameter(std::string_view name);

}  // namespace fencepost::cib
