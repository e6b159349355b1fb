// The body of every agent's main(): reads the options, finds the password, makes the device and
// walks the plan.
//
// Promise: the last line on stderr of a failed run is Failure::Line. metadata, manpage and help
//          never make a device; validate-all makes one, and a factory reaches for no network.
// Errors:  the exit code: 0 done or on, 1 failed or not known, 2 off (status).
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/device.h"
#include "fence-agents/agent/host.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::agent {

inline constexpr Duration kSecretScriptLimit = Millis(5000);

// words: argv without argv[0]; when empty, the options come from stdin.
int RunAgent(const Spec& spec, const std::vector<std::string>& words, const DeviceFactory& make,
             Host& host);

}  // namespace fencepost::agent
