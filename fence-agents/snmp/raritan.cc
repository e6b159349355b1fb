// fence_raritan: see docs/man/fence_raritan.8.
#include "fence-agents/snmp/app.h"
#include "fence-agents/snmp/specs.h"

int main(int argc, char** argv) {
  return fencepost::snmp::RunPduAgent(fencepost::snmp::RaritanSpec(),
                                      fencepost::snmp::RaritanFamilies(), argc, argv);
}
