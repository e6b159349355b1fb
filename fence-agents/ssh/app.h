// The common half of the mains of the SSH family.
//
// Promise: the settings of a session, checked. Errors: phase options, cause bad-option.
#pragma once
#include "fence-agents/agent/device.h"
#include "fence-agents/ssh/session.h"

namespace fencepost::ssh {

Result<SessionSettings, agent::Failure> SettingsFrom(const agent::Values& values,
                                                     const std::string& kind);

}  // namespace fencepost::ssh
