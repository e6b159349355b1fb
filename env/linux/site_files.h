// The files that say what a daemon or a command of this cluster is: configuration and key.
//
// Errors:  every one that is found, fit for an operator: file, place, cause, remedy. Never a
// secret.
#pragma once
#include <string>
#include <vector>

#include "base/config/config.h"
#include "base/result.h"
#include "base/seal/seal.h"

namespace fencepost {

using Complaints = std::vector<std::string>;

[[nodiscard]] Result<config::Config, Complaints> LoadConfigFile(const std::string& path);
[[nodiscard]] Result<seal::ClusterKey> LoadClusterKey(const std::string& path);
[[nodiscard]] std::string HostName();              // of this machine; empty: it has none
[[nodiscard]] bool IsMissing(const Error& error);  // of a file that was to be read

}  // namespace fencepost
