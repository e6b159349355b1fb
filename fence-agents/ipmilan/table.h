// The option table of fence_ipmilan.
// Promise: a pure value. Errors: none.
// Source: the fence-agents project's agent of that name; docs/fencing.md lists every difference.
#pragma once
#include "fence-agents/agent/spec.h"

namespace fencepost::ipmilan {

agent::Spec IpmilanSpec();

}  // namespace fencepost::ipmilan
