// The command line of mkqdisk: the switches of the Red Hat Cluster Suite's, and ours beside them.
//
// Promise: what ParseOptions returned can be carried out: exactly one thing is to be done, and all
//          it needs is there. No secret is an option; files that hold them are.
// Errors:  the option, what is wrong with it, what to write.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd::mkqdisk {

enum class Action { kHelp, kVersion, kCreate, kList, kFind, kWhy, kProbe };

struct Options {
  Action action = Action::kHelp;
  std::string device;                // kCreate, kProbe
  std::string label;                 // kCreate, kFind
  std::string node;                  // kWhy: id or name
  std::vector<std::string> devices;  // kList, kFind, kWhy: beside the configured one
  bool details = false, yes = false, force = false, json = false;
  std::optional<int> rounds;     // kList, kFind: watch; 0: until interrupted
  std::string config_file;       // empty: the usual one
  std::string cluster;           // instead of the configuration, with key_file
  std::string key_file;          // empty: the configuration's
  std::string chap_secret_file;  // empty: the configuration's
  int nodes = kMaxNodes;
  std::uint32_t cib_units = qdiskd::kDefaultCibUnits;
};

[[nodiscard]] std::string UsageText();
Result<Options> ParseOptions(const std::vector<std::string>& arguments);

}  // namespace fencepost::qdiskd::mkqdisk
