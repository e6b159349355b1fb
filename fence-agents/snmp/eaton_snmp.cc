// fence_eaton_snmp: see docs/man/fence_eaton_snmp.8.
#include "fence-agents/snmp/app.h"
#include "fence-agents/snmp/specs.h"

int main(int argc, char** argv) {
  return fencepost::snmp::RunPduAgent(fencepost::snmp::EatonSpec(),
                                      fencepost::snmp::EatonFamilies(), argc, argv);
}
