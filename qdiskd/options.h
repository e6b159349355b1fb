// qdiskd's command line, and what it needs from the configuration to run.
//
// Promise: what LoadSetup returns is complete: this node is known, the key is read, the disk is
//          named. Nothing is opened or written.
// Errors:  one text, a line for each problem: file, cause, remedy. Never a secret.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/config/config.h"
#include "base/result.h"
#include "qdiskd/disk_runner.h"

namespace fencepost::qdiskd {

struct Options {
  bool help = false, version = false;
  bool foreground = false;
  bool debug = false;
  bool quiet = false;  // close standard streams
  std::string config_file{config::kConfigFile};
  std::string node;  // name or id; empty: by the host's name
};
[[nodiscard]] Result<Options> ParseOptions(const std::vector<std::string>& arguments);
[[nodiscard]] std::string UsageText();
[[nodiscard]] std::string VersionText();

struct Setup {
  config::Config config;  // with a quorum disk
  config::NodeConfig self;
  MacFunction mac;
};
[[nodiscard]] Result<Setup, std::string> LoadSetup(const Options& options,
                                                   const std::string& host_name);
[[nodiscard]] RunnerSettings MakeRunnerSettings(const Setup& setup, std::uint32_t own_user,
                                                bool tell_cycles);

}  // namespace fencepost::qdiskd
