// What the stonith command does, over an agent runner.
//
// Promise: -T off and -T reset succeed only on the fencer's evidence: the agent's off ended well
//          and a separate status run says off. Nothing is switched after the time limit.
// Errors:  the exit code (cluster-glue's S_ codes) and a last line "ERROR: ..." on stderr.
#pragma once
#include "stonith/agent_runner.h"
#include "stonith/arguments.h"

namespace fencepost::stonith {

int RunCommand(const Arguments& arguments, AgentRunner& runner);

}  // namespace fencepost::stonith
