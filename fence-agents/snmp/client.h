// Asking a device by SNMP, one question at a time.
//
// Promise: a value is returned only when the device answered this question. SetInteger asks
//          permit.Check() immediately before each packet and sends at most kSetPackets.
// Time:    every call is over at its deadline (absolute local time), a SET also at not_after.
// Errors:  phase resolve, connect, auth, privilege, act or verify. A SET whose answer was lost has
//          effect_unknown. "No such object" is a value (kNone), not a failure.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/device.h"
#include "fence-agents/snmp/value.h"

namespace fencepost::snmp {

inline constexpr int kSetPackets = 2;

class Client {
 public:
  virtual ~Client() = default;
  [[nodiscard]] virtual std::string Name() const = 0;  // "PDU 10.0.0.5:161", for messages
  virtual Result<Value, agent::Failure> Get(const Oid& name, MonoTime deadline) = 0;
  virtual agent::SwitchResult SetInteger(const Oid& name, std::int64_t value, MonoTime deadline,
                                         const agent::SwitchPermit& permit) = 0;
  // What stands below root, in order; at most limit rows.
  virtual Result<std::vector<Binding>, agent::Failure> Walk(const Oid& root, std::size_t limit,
                                                            MonoTime deadline) = 0;
};

}  // namespace fencepost::snmp
