// The machine that is a file.
//
// Promise: that of device.h. The file is replaced as a whole, so that no reader sees half a word;
//          a symbolic link in its place is refused.
// Time:    an answer takes as long as random_sleep_range says, never past the deadline.
// Errors:  phase connect or verify; a file that does not say on or off is unclear.
#pragma once
#include "fence-agents/agent/device.h"

namespace fencepost::dummy {

Result<std::unique_ptr<agent::Device>, agent::Failure> MakeDummyDevice(const agent::Values& values,
                                                                       const agent::Login& login);

}  // namespace fencepost::dummy
