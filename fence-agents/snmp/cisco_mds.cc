// fence_cisco_mds: see docs/man/fence_cisco_mds.8.
#include "fence-agents/snmp/app.h"
#include "fence-agents/snmp/port_device.h"
#include "fence-agents/snmp/specs.h"

int main(int argc, char** argv) {
  return fencepost::snmp::RunPortAgent(fencepost::snmp::MdsSpec(), fencepost::snmp::MakeMdsDevice,
                                       argc, argv);
}
