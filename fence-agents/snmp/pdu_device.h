// A power distribution unit by SNMP.
//
// Promise: that of device.h. Which table the unit has is found once a run, from its sysObjectID, or
//          said by the operator. A state that is neither the table's "on" nor its "off" is a
//          failure. A name that several outlets bear is refused.
// Time, Errors: those of client.h; phase select for a plug or table that is not there.
#pragma once
#include <memory>

#include "fence-agents/snmp/client.h"
#include "fence-agents/snmp/outlets.h"

namespace fencepost::snmp {

inline constexpr std::size_t kMaxOutlets = 1024;

// families outlives the device. model: "" or the word of one of them.
std::unique_ptr<agent::Device> MakePduDevice(std::unique_ptr<Client> client,
                                             const std::vector<OutletFamily>& families,
                                             std::string model, std::string switch_number);

}  // namespace fencepost::snmp
