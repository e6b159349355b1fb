// What a BMC's status codes mean for somebody who wants a machine to be off.
//
// Promise: a pure function of the code. A code that leaves open whether the machine was switched
//          gives effect_unknown: only a fresh read of the state may then be believed.
// Source:  IPMI 2.0 specification table 5-2 (completion codes) and 13-15 (RMCP+ status codes);
//          OpenIPMI 2.0.33 as observed: EINVAL for a RAKP HMAC that does not match, ENOENT or C3h
//          when nothing answers.
#pragma once
#include <cstdint>
#include <string>

#include "fence-agents/agent/failure.h"

namespace fencepost::ipmilan {

// Why no session came to be. code: as OpenIPMI reports it. name: "BMC 10.0.0.5:623".
agent::Failure SessionFailure(int code, const std::string& name, const std::string& user);
// May another privilege level help?
bool IsPrivilegeRefusal(int code);
// The BMC's answer to a Get Chassis Status or Chassis Control; code is not 0.
agent::Failure CommandFailure(std::uint8_t code, const std::string& name, bool switching);

}  // namespace fencepost::ipmilan
