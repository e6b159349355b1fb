// What the agents that command a shell over SSH take.
//
// Promise: names and letters of the fence-agents project; differences stand in
//          tests/conformance/differences.py. Errors: none.
#pragma once
#include "fence-agents/agent/spec.h"

namespace fencepost::ssh {

agent::Spec BrocadeSpec();
agent::Spec VirshSpec();

}  // namespace fencepost::ssh
