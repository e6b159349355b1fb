// Where the BMC is, and whether anything answers there.
//
// Promise: Presence sends one RMCP presence ping (it needs no login and changes nothing) and is
//          over after kPresenceLimit.
// Errors:  phase resolve, cause unknown-host. A name that needs a name server takes as long as the
//          resolver lets it: fencing configurations should hold addresses.
#pragma once
#include <cstdint>
#include <string>

#include "fence-agents/agent/failure.h"

namespace fencepost::ipmilan {

inline constexpr int kPresenceLimitMs = 300;

struct Address {
  std::string numeric;
  bool ipv6 = false;
};
Result<Address, agent::Failure> Resolve(const std::string& host, std::uint16_t port);

enum class Presence { kSilent, kPortClosed, kAnswers };
Presence AskPresence(const Address& address, std::uint16_t port);

}  // namespace fencepost::ipmilan
