// What fence_node does with one node: fence, unfence, ask.
//
// Promise: a node is called off only on the fencer's evidence (grade "powered off and verified").
//          Each phase is printed when it has happened, with the time since the beginning; the last
//          line says what was proved, or why nothing was. Fencing and unfencing are recorded as
//          facts with the user: when they begin, and how they end. No secret is printed.
// Time:    a request lives as long as all its devices may take together (the fencer's limits).
// Errors:  the exit code (arguments.h) and the last line.
#pragma once
#include "env/fact_sink.h"
#include "fence-agents/fence_node/arguments.h"
#include "fence-agents/fence_node/invoker.h"
#include "fence-agents/fence_node/site.h"
#include "stonith/agent_runner.h"

namespace fencepost::fence_node {

int RunFenceNode(const Arguments& arguments, const Site& site, const Invoker& invoker,
                 stonith::AgentRunner& runner, FactSink& facts);

}  // namespace fencepost::fence_node
