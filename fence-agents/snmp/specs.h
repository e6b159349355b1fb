// What the agents that speak SNMP take.
//
// Promise: names, letters and defaults of the fence-agents project; each difference stands in
//          tests/conformance/differences.py. Errors: none.
#pragma once
#include "fence-agents/agent/spec.h"

namespace fencepost::snmp {

agent::Spec ApcSpec();
agent::Spec EatonSpec();
agent::Spec RaritanSpec();
agent::Spec InterfaceSpec();
agent::Spec MdsSpec();

}  // namespace fencepost::snmp
