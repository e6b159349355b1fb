// fence_apc_snmp: see docs/man/fence_apc_snmp.8.
#include "fence-agents/snmp/app.h"
#include "fence-agents/snmp/specs.h"

int main(int argc, char** argv) {
  return fencepost::snmp::RunPduAgent(fencepost::snmp::ApcSpec(), fencepost::snmp::ApcFamilies(),
                                      argc, argv);
}
