// pingd's command line, and what of it and of the configuration the daemon runs with.
//
// Promise: what LoadSettings returns is complete and checked. Hosts of the command line replace the
//          targets and groups of the configuration; other switches replace single values. Without
//          a configuration file, hosts on the command line are enough.
// Errors:  Error or one text, a line for each problem.
// Source:  the switches of the classic pingd (Pacemaker 1.0 and 1.1).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/config/config.h"
#include "base/result.h"

namespace fencepost::ping {

struct Options {
  bool help = false, version = false;
  bool daemonize = false, foreground = false, once = false, status = false, json = false;
  bool no_updates = false, attrd = false, unprivileged = false;
  bool section_given = false;  // --attr-section or --attr-set: of no meaning any more
  std::string pid_file;
  std::vector<std::string> hosts;
  std::string attribute, dampen, hold, interval, timeout, source, device;  // empty: not given
  std::optional<std::uint32_t> attempts, multiplier;
  std::optional<std::int64_t> failure_score;
  std::string config_file;  // empty: the usual one, if it is there
  std::string run_dir;      // empty: of the configuration
};
[[nodiscard]] Result<Options> ParseOptions(const std::vector<std::string>& arguments);
[[nodiscard]] std::string UsageText();
[[nodiscard]] std::string VersionText();

struct Settings {
  config::PingConfig ping;
  std::string run_dir;
  config::LogTarget log = config::LogTarget::kStderr;
};
// For --status no target is needed.
[[nodiscard]] Result<Settings, std::string> LoadSettings(const Options& options);

}  // namespace fencepost::ping
