// What fence_node knows before it acts: the cluster's nodes, the fence devices, and the one node
// that is meant.
//
// Promise: a Target that ChooseTarget returned is the same machine by id and by name in both files;
//          files that disagree about it are refused, for its device could be another machine's.
// Errors:  texts for an operator: LoadSite one a line, each with its file; the rest as Error.
#pragma once
#include <functional>
#include <map>
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
  // From RHCS's cluster.conf: what to do and to undo is said for each node.
  bool from_rhcs = false;
  std::map<NodeId, FenceAction> actions = {};
  std::map<NodeId, std::vector<FenceDevice>> unfence = {};
};

using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t limit)>;

// config_file: fencepost.toml, which names the CIB, or RHCS's cluster.conf, known by its "<".
Result<Site, std::string> LoadSite(const std::string& config_file, const ReadFile& read);

struct Target {
  NodeId id;
  std::string name;
  bool is_this_host = false;
  std::vector<FenceDevice> devices;  // in order of the CIB; may be empty
  std::vector<FenceLevel> levels;    // in order of index; empty: each device is one
  FenceAction action = FenceAction::kReboot;
  std::vector<FenceDevice> unfence;  // what powers it on
};

// name: empty means the node that `host` is. host: as the system calls itself.
Result<Target> ChooseTarget(const Site& site, const std::string& name, std::string_view host);

}  // namespace fencepost::fence_node
