// What a fence agent says about itself, read from its metadata.
//
// Promise: survives any bytes: what is no metadata is an error.
// Source:  the fence-agents project's metadata format.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fencepost::stonith {

inline constexpr std::size_t kMaxAgentParameters = 512;

struct AgentParameter {
  std::string name, description;
  bool deprecated = false;
};
struct AgentDescription {
  std::string name, shortdesc, longdesc, parameters_xml;
  std::vector<AgentParameter> parameters;
  [[nodiscard]] bool Has(std::string_view parameter) const;
};
Result<AgentDescription> ParseMetadata(const std::string& agent, std::string_view xml);
// cluster-glue's form of it, for -m.
std::string GlueMetadata(const AgentDescription& agent);
// Without what no operator sets.
std::vector<std::string> OperatorNames(const AgentDescription& agent);
std::string GlueHelp(const AgentDescription& agent);

}  // namespace fencepost::stonith
