// What fencepostd needs beside configuration and key: the CIB, and the place of its state.
//
// Errors:  fit for an operator: file, place, cause, remedy.
#pragma once
#include <string>

#include "base/cib.h"
#include "base/config/config.h"
#include "base/result.h"

namespace fencepost::daemon {

[[nodiscard]] Result<Cib> LoadCib(const std::string& path);
// Where fencepostd keeps its state: the directory is made when it is missing.
[[nodiscard]] Result<std::string> StateDirectoryOf(const config::Config& config);

}  // namespace fencepost::daemon
