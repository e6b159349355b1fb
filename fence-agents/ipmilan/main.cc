// fence_ipmilan: see docs/man/fence_ipmilan.8.
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/ipmilan/ipmi_device.h"
#include "fence-agents/ipmilan/table.h"

int main(int argc, char** argv) {
  fencepost::agent::LinuxHost host(argc, argv);
  return fencepost::agent::RunAgent(fencepost::ipmilan::IpmilanSpec(),
                                    fencepost::agent::Words(argc, argv),
                                    fencepost::ipmilan::MakeIpmiDevice, host);
}
