// Devices that are commanded by a shell over SSH.
//
// Promise: that of agent::Device. A port is off when switchshow says that it is disabled; a guest
// when
//          virsh says that it is shut off. A name that would need quoting is refused.
// Time, Errors: those of remote.h; phase select for what is not there, privilege for what is
// refused.
#pragma once
#include <memory>

#include "fence-agents/agent/device.h"
#include "fence-agents/ssh/remote.h"

namespace fencepost::ssh {

// persistent: the port stays disabled when the switch restarts.
std::unique_ptr<agent::Device> MakeBrocadeDevice(std::unique_ptr<Remote> remote, bool persistent);
struct VirshSettings {
  std::string sudo;  // path of sudo; empty: none
  bool missing_as_off = false;
};
std::unique_ptr<agent::Device> MakeVirshDevice(std::unique_ptr<Remote> remote,
                                               VirshSettings settings);

}  // namespace fencepost::ssh
