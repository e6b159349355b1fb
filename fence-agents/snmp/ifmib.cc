// fence_ifmib: see docs/man/fence_ifmib.8.
#include "fence-agents/snmp/app.h"
#include "fence-agents/snmp/port_device.h"
#include "fence-agents/snmp/specs.h"

int main(int argc, char** argv) {
  return fencepost::snmp::RunPortAgent(fencepost::snmp::InterfaceSpec(),
                                       fencepost::snmp::MakeInterfaceDevice, argc, argv);
}
