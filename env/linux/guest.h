// Is this machine a guest of a hypervisor? A paused guest's clocks and watchdog stand still with
// it, so that what would be evidence of a machine's death is none of a guest's.
//
// Promise: true when the processor, the device tree or the kernel says so. Errors: none; what
//          cannot be read says nothing.
#pragma once
#include <string>

namespace fencepost {

// root: "" for this machine.
[[nodiscard]] bool IsGuest(const std::string& root = "");

}  // namespace fencepost
