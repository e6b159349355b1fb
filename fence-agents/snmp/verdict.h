// What an SNMP error means for fencing.
//
// Promise: every error of RFC 3416 has a phase, a cause and, where there is one, a remedy. A SET
//          that was refused did nothing; genErr and unknown errors leave its effect open.
// Errors:  none. Source: RFC 3416 section 3 (error-status), RFC 3584 (version 1).
#pragma once
#include <string>

#include "fence-agents/agent/failure.h"

namespace fencepost::snmp {

agent::Failure StatusFailure(long status, const std::string& name, bool switching);
// Is it version 1's way to say that there is no such object?
bool IsNoSuchName(long status);

}  // namespace fencepost::snmp
