// The bodies of the mains of the SNMP family.
//
// Promise: that of RunAgent. Errors: its exit code.
#pragma once
#include "fence-agents/agent/device.h"
#include "fence-agents/snmp/client.h"
#include "fence-agents/snmp/outlets.h"

namespace fencepost::snmp {

int RunPduAgent(const agent::Spec& spec, const std::vector<OutletFamily>& families, int argc,
                char** argv);
using PortDeviceMaker = std::unique_ptr<agent::Device> (*)(std::unique_ptr<Client>);
int RunPortAgent(const agent::Spec& spec, PortDeviceMaker make_device, int argc, char** argv);

}  // namespace fencepost::snmp
