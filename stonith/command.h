// What the stonith command does, over a host.
//
// Promise: -T off and -T reset of a fence agent succeed only on the fencer's evidence: the agent's
//          off ended well and a separate status run says off. What a plugin or a person says is
//          told as their word. Nothing is switched after the time limit.
// Errors:  the exit code (cluster-glue's S_ codes) and a last line "ERROR: ..." on stderr.
#pragma once
#include "stonith/arguments.h"
#include "stonith/command_host.h"

namespace fencepost::stonith {

int RunCommand(const Arguments& arguments, CommandHost& host);

}  // namespace fencepost::stonith
