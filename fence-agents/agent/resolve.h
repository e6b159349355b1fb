// Where a device is.
//
// Promise: an address is taken as it is; a name is looked up beside the caller, which goes on at
// the
//          deadline and leaves the look-up behind.
// Time:    deadline is absolute CLOCK_BOOTTIME. Errors: phase resolve, cause unknown-host, with the
//          name by which messages call the device.
#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::agent {

struct Address {
  std::string numeric;
  bool ipv6 = false;
};
Result<Address, Failure> Resolve(const std::string& host, std::uint16_t port,
                                 const std::string& device, MonoTime deadline);

// One datagram to a connected socket, and whether anything came back in time: a closed port shows
// itself there. What cannot be found out is kSilent.
enum class Presence { kSilent, kPortClosed, kAnswers };
Presence AskOnce(const Address& address, std::uint16_t port, ByteView question, int wait_ms);

}  // namespace fencepost::agent
