// On or off, and nothing else.
//
// Promise: what is not known is a Failure, never a PowerState. Errors: none here.
#pragma once
#include <string_view>

#include "base/result.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::agent {

enum class PowerState { kOn, kOff };
[[nodiscard]] constexpr std::string_view Name(PowerState s) {
  return s == PowerState::kOn ? "on" : "off";
}
using PowerResult = Result<PowerState, Failure>;
using SwitchResult = Result<Ok, Failure>;

}  // namespace fencepost::agent
