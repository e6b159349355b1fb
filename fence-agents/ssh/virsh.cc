// fence_virsh: see docs/man/fence_virsh.8.
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
    auto settings = ssh::SettingsFrom(values, "host");
    if (!settings) return settings.error();
    ssh::VirshSettings virsh;
    virsh.missing_as_off = values.Flag("missing_as_off");
    if (values.Flag("use_sudo")) virsh.sudo = values.Text("sudo_path");
    if (virsh.sudo.find_first_not_of("abcdefghijklmnopqrstuvwxyz/_-.0123456789") !=
        std::string::npos) {
      return agent::Failed(agent::Phase::kOptions, agent::Cause::kBadOption, "option sudo_path",
                           "is no plain path");
    }
    return ssh::MakeVirshDevice(ssh::MakeSession(std::move(*settings)), std::move(virsh));
  };
  return agent::RunAgent(ssh::VirshSpec(), agent::Words(argc, argv), make, host);
}
