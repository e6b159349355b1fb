// Whether an SNMP agent is there at all, whatever it thinks of our secrets.
//
// Promise: sends one discovery packet of version 3, which any engine answers to anybody and which
//          changes nothing. Over after kPresenceWaitMs.
// Errors:  none: what cannot be found out is kSilent.
// Source:  RFC 3414 section 4 (discovery).
#pragma once
#include "fence-agents/agent/resolve.h"

namespace fencepost::snmp {

inline constexpr int kPresenceWaitMs = 500;
agent::Presence AskPresence(const agent::Address& address, std::uint16_t port);

}  // namespace fencepost::snmp
