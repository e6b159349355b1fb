// fence_dummy: see docs/man/fence_dummy.8.
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/dummy/dummy_device.h"
#include "fence-agents/dummy/table.h"

int main(int argc, char** argv) {
  fencepost::agent::LinuxHost host(argc, argv);
  return fencepost::agent::RunAgent(fencepost::dummy::DummySpec(),
                                    fencepost::agent::Words(argc, argv),
                                    fencepost::dummy::MakeDummyDevice, host);
}
