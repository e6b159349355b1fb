// Who runs this command, where, and whether they want it to stop.
//
// Promise: the user is named by the login that the kernel's audit keeps, else by sudo's word if we
//          are root, else by the real user id. StopSignals blocks SIGINT, SIGTERM and SIGHUP, and
//          its descriptor is readable from the first of them on.
// Errors:  what cannot be found out is said as such ("uid 17").
#pragma once
#include "env/linux/unique_fd.h"
#include "fence-agents/fence_node/invoker.h"

namespace fencepost::fence_node {

Invoker ThisInvoker();
UniqueFd StopSignals();

}  // namespace fencepost::fence_node
