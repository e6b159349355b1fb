#include "fence-agents/snmp/app.h"

#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/snmp/pdu_device.h"
#include "fence-agents/snmp/session.h"
#include "fence-agents/snmp/settings.h"

namespace fencepost::snmp {
namespace {

using Made = Result<std::unique_ptr<agent::Device>, agent::Failure>;

template <class Wrap>
int Run(const agent::Spec& spec, const char* kind, const Wrap& wrap, int argc, char** argv) {
  agent::LinuxHost host(argc, argv);
  const auto make = [&](const agent::Values& values, const agent::Login&) -> Made {
    auto settings = ParseSettings(values);
    if (!settings) return settings.error();
    return wrap(values, MakeSession(std::move(*settings), kind));
  };
  return agent::RunAgent(spec, agent::Words(argc, argv), make, host);
}

}  // namespace

int RunPduAgent(const agent::Spec& spec, const std::vector<OutletFamily>& families, int argc,
                char** argv) {
  const auto wrap = [&](const agent::Values& values, std::unique_ptr<Client> client) -> Made {
    return MakePduDevice(std::move(client), families, values.Text("model"), values.Text("switch"));
  };
  return Run(spec, "PDU", wrap, argc, argv);
}

int RunPortAgent(const agent::Spec& spec, PortDeviceMaker make_device, int argc, char** argv) {
  const auto wrap = [&](const agent::Values&, std::unique_ptr<Client> client) -> Made {
    return make_device(std::move(client));
  };
  return Run(spec, "switch", wrap, argc, argv);
}

}  // namespace fencepost::snmp
