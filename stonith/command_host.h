// What the stonith command needs beside fence agents: plugins of cluster-glue, files and variables
// that hold parameters, and an operator who answers.
//
// Promise: RunPlugin starts the plugin as an agent is started (agent_runner.h), with the given
//          variables and nothing else of ours in its environment.
//          AwaitOperator offers the host to meatclient and returns what the operator said.
// Time:    as in agent_runner.h.
// Errors:  say what is wrong with the file or the host; a plugin that is not there is not started.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/cib.h"
#include "base/result.h"
#include "stonith/agent_runner.h"

namespace fencepost::stonith {

inline constexpr std::size_t kMaxValuesFile = 4096;

struct PluginCall {
  std::string name;                // "ipmi" of external/ipmi
  std::vector<std::string> words;  // "off", "beta"
  Parameters variables;
};

class CommandHost : public AgentRunner {
 public:
  virtual std::vector<std::string> Plugins() = 0;  // types: "external/ipmi", "rhcs/x"
  virtual ProcessEnd RunPlugin(const PluginCall& call, MonoTime kill_at) = 0;
  virtual Result<std::string> ReadValues(const std::string& path) = 0;
  virtual std::optional<std::string> Variable(const std::string& name) = 0;
  virtual Result<std::string> AwaitOperator(const std::string& host, MonoTime limit) = 0;
};

}  // namespace fencepost::stonith
