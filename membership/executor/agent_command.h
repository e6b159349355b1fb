// How an OCF agent is called: program, arguments, environment.
//
// Promise: no shell; the environment is complete (nothing is inherited).
// Source:  OCF Resource Agent API 1.1; the variables that resource-agents 4.12 reads.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/cib.h"
#include "base/resource.h"

namespace fencepost::executor {

inline constexpr const char* kOcfRoot = "/usr/lib/ocf";

struct AgentCommand {
  std::string path;
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
};

// `ocf_root`: where the agents are, OCF_ROOT of the API; by default kOcfRoot.
[[nodiscard]] AgentCommand MakeAgentCommand(const Primitive& primitive, ResourceAction action,
                                            const std::string& ocf_root);
// The time-out of this action.
[[nodiscard]] Duration TimeoutOf(const Primitive& primitive, ResourceAction action);

}  // namespace fencepost::executor
