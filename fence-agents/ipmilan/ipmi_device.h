// A machine behind a BMC.
//
// Promise: that of agent::Device. Power off is Chassis Control 0 (immediate), never the soft
//          shutdown, cycle or reset. Operator privilege is tried first unless privlvl says so.
#pragma once
#include "fence-agents/agent/device.h"
#include "fence-agents/ipmilan/session.h"

namespace fencepost::ipmilan {

inline constexpr std::size_t kMaxUsername = 16, kMaxPassword = 20, kKgSize = 20;

// The DeviceFactory of fence_ipmilan.
Result<std::unique_ptr<agent::Device>, agent::Failure> MakeIpmiDevice(const agent::Values& values,
                                                                      const agent::Login& login);

}  // namespace fencepost::ipmilan
