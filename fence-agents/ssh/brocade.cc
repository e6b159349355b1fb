// fence_brocade: see docs/man/fence_brocade.8.
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/ssh/app.h"
#include "fence-agents/ssh/devices.h"
#include "fence-agents/ssh/specs.h"

int main(int argc, char** argv) {
  using namespace fencepost;  // NOLINT: the whole of a program
  agent::LinuxHost host(argc, argv);
  const auto make =
      [](const agent::Values& values,
         const agent::Login&) -> Result<std::unique_ptr<agent::Device>, agent::Failure> {
    auto settings = ssh::SettingsFrom(values, "switch");
    if (!settings) return settings.error();
    return ssh::MakeBrocadeDevice(ssh::MakeSession(std::move(*settings)),
                                  values.Flag("persistent"));
  };
  return agent::RunAgent(ssh::BrocadeSpec(), agent::Words(argc, argv), make, host);
}
