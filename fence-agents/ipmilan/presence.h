// Whether anything answers at the BMC's address.
//
// Promise: sends one RMCP presence ping (it needs no login and changes nothing) and is over after
//          kPresenceLimitMs.
// Errors:  none: what cannot be found out is kSilent.
// Source:  ASF 2.0 specification, section 3.2.
#pragma once
#include "fence-agents/agent/resolve.h"

namespace fencepost::ipmilan {

inline constexpr int kPresenceLimitMs = 300;
agent::Presence AskPresence(const agent::Address& address, std::uint16_t port);

}  // namespace fencepost::ipmilan
