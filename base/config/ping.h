// The [ping] table of fencepost.toml: whose answers show that a node still sees the world.
//
// Promise: a PingConfig that was read, or that CheckPing found no fault in, is consistent: targets
//          can be probed as they say, groups exist and can be met, and the highest score is at most
//          kMaxScore. Names of hosts are not looked up here.
// Errors:  name the thing, the problem and the remedy.
// Source:  defaults are those of the classic pingd (interval, attempts, time-out, dampening).
#pragma once
#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config/config_reader.h"
#include "base/config/ping_config.h"
#include "base/result.h"

namespace fencepost::config {

// "router.example", "10.0.0.254", "fd00::1", "fe80::1%eth0": the host, and its device if named.
[[nodiscard]] Result<PingTarget> ParsePingHost(std::string_view text);
// Whole seconds or fractions ("2", "1.5") as the classic switches have it, or with a unit.
[[nodiscard]] Result<Duration> ParsePingTime(std::string_view text);

void ReadPing(const toml::table& table, Errors& errors, PingConfig& out);

// nullopt: no fault. For what did not come from a file: the same rules.
[[nodiscard]] std::optional<Error> CheckPing(const PingConfig& config);

}  // namespace fencepost::config
