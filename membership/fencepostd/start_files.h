// The files that a start needs: configuration, key, CIB; and which of the nodes this one is.
//
// Errors:  every one that is found, fit for an operator: file, place, cause, remedy.
#pragma once
#include <string>
#include <vector>

#include "base/cib.h"
#include "base/config/config.h"
#include "base/result.h"
#include "base/seal/seal.h"

namespace fencepost::daemon {

using Complaints = std::vector<std::string>;

[[nodiscard]] Result<config::Config, Complaints> LoadConfigFile(const std::string& path);
[[nodiscard]] Result<seal::ClusterKey> LoadKey(const std::string& path);
[[nodiscard]] Result<Cib> LoadCib(const std::string& path);
// `asked`: a name or an id; empty: the one that has this machine's host name.
[[nodiscard]] Result<NodeId> WhichNode(const config::Config& config, const std::string& asked);
// Where fencepostd keeps its state: the directory is made when it is missing.
[[nodiscard]] Result<std::string> StateDirectoryOf(const config::Config& config);

}  // namespace fencepost::daemon
