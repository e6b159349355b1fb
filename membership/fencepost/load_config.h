// The configuration as every subcommand reads it.
//
// Promise: nullopt after all its errors were printed to Io::err, one a line.
// Errors:  as ReadSmallFile and ParseConfig name them.
#pragma once
#include <optional>
#include <string>

#include "base/config/config.h"
#include "membership/fencepost/command.h"

namespace fencepost::command {

// --config FILE
[[nodiscard]] boost::program_options::options_description ConfigOption();
[[nodiscard]] std::optional<config::Config> LoadConfig(const std::string& path, Io& io);

}  // namespace fencepost::command
