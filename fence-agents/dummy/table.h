// What fence_dummy takes.
//
// Promise: names and defaults of the fence-agents project's fence_dummy. Errors: none.
#pragma once
#include "fence-agents/agent/spec.h"

namespace fencepost::dummy {

agent::Spec DummySpec();

}  // namespace fencepost::dummy
