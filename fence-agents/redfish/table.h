// What fence_redfish takes.
//
// Promise: names and letters of the fence-agents project; differences stand in
//          tests/conformance/differences.py. Errors: none.
#pragma once
#include "fence-agents/agent/spec.h"

namespace fencepost::redfish {

agent::Spec RedfishSpec();

}  // namespace fencepost::redfish
