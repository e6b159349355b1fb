// What fence_node does with one node: fence, unfence, ask.
//
// Promise: a node is called off only on the fencer's evidence (grade "powered off and verified").
//          Each phase is printed when it has happened, with the time since the beginning; the last
//          line says what was proved, or why nothing was. Fencing and unfencing are recorded as
//          facts with the user: when they begin, and how they end. No secret is printed.
//          What was proved is told to the cluster's daemon, and how that went is printed.
// Time:    a request lives as long as all its devices may take together (the fencer's limits).
// Errors:  the exit code (arguments.h) and the last line.
#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "env/fact_sink.h"
#include "fence-agents/fence_node/arguments.h"
#include "fence-agents/fence_node/site.h"
#include "stonith/agent_runner.h"
#include "stonith/fencer.h"
#include "stonith/invoker.h"

namespace fencepost::fence_node {

// Tells the daemon of this node; an error says why it does not know now.
using Tell = std::function<Status(const std::string& node, const stonith::Evidence& proof,
                                  const std::string& by)>;

int RunFenceNode(const Arguments& arguments, const Site& site, const stonith::Invoker& invoker,
                 stonith::AgentRunner& runner, FactSink& facts, const Tell& tell);

}  // namespace fencepost::fence_node
