// What fence_node knows before it acts: the cluster's nodes, the fence devices, and the one node
// that is meant.
//
// Promise: a Target that ChooseTarget returned is the same machine by id and by name in both files;
//          files that disagree about it are refused, for its device could be another machine's.
// Errors:  texts for an operator: LoadSite one a line, each with its file; the rest as Error.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cib.h"
#include "base/config/config.h"
#include "base/result.h"

namespace fencepost::fence_node {

struct Site {
  config::Config config;
  Cib cib;
};

using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t limit)>;

Result<Site, std::string> LoadSite(const std::string& config_file, const ReadFile& read);

struct Target {
  NodeId id;
  std::string name;
  bool is_this_host = false;
  std::vector<FenceDevice> devices;  // in order of the CIB; may be empty
};

// name: empty means the node that `host` is. host: as the system calls itself.
Result<Target> ChooseTarget(const Site& site, const std::string& name, std::string_view host);

}  // namespace fencepost::fence_node
