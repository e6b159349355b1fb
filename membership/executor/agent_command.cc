#include "membership/executor/agent_command.h"

#include "base/text.h"

namespace fencepost::executor {
namespace {
constexpr std::string_view kAgentScratch = "/run/resource-agents";
constexpr std::string_view kPath = "/usr/sbin:/usr/bin:/sbin:/bin";
}  // namespace

Duration TimeoutOf(const Primitive& primitive, ResourceAction action) {
  switch (action) {
    case ResourceAction::kStart:
      return primitive.start_timeout;
    case ResourceAction::kStop:
      return primitive.stop_timeout;
    case ResourceAction::kMonitor:
      return primitive.monitor_timeout;
    case ResourceAction::kProbe:
      break;
  }
  return primitive.probe_timeout;
}

AgentCommand MakeAgentCommand(const Primitive& primitive, ResourceAction action,
                              const std::string& ocf_root) {
  // To an agent a probe is a monitor of interval 0.
  const bool probe = action == ResourceAction::kProbe;
  const std::string verb(ToText(probe ? ResourceAction::kMonitor : action));
  const Duration interval =
      action == ResourceAction::kMonitor ? primitive.monitor_interval : Duration{};
  AgentCommand command;
  command.path = Cat(ocf_root, "/resource.d/", primitive.provider, "/", primitive.type);
  command.argv = {command.path, verb};
  command.environment = {
      {"PATH", std::string(kPath)},
      {"OCF_ROOT", ocf_root},
      {"OCF_RA_VERSION_MAJOR", "1"},
      {"OCF_RA_VERSION_MINOR", "0"},
      {"OCF_RESOURCE_INSTANCE", primitive.id},
      {"OCF_RESOURCE_PROVIDER", primitive.provider},
      {"OCF_RESOURCE_TYPE", primitive.type},
      {"HA_RSCTMP", std::string(kAgentScratch)},
      {"OCF_RESKEY_CRM_meta_name", verb},
      {"OCF_RESKEY_CRM_meta_timeout", Cat(ToMillis(TimeoutOf(primitive, action)))},
      {"OCF_RESKEY_CRM_meta_interval", Cat(ToMillis(interval))},
  };
  for (const auto& [name, value] : primitive.parameters) {
    command.environment.emplace_back(Cat("OCF_RESKEY_", name), value);
  }
  return command;
}

}  // namespace fencepost::executor
