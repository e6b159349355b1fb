// Who runs this command, where, and whether they want it to stop.
//
// Promise: the user is named by the login that the kernel's audit keeps, else by sudo's word if we
//          are root, else by the real user id. StopSignals blocks SIGINT, SIGTERM and SIGHUP, and
//          its descriptor is readable from the first of them on.
// Errors:  what cannot be found out is said as such ("uid 17").
#pragma once
#include <string>

#include "env/linux/unique_fd.h"
#include "stonith/invoker.h"

namespace fencepost::stonith {

Invoker ThisInvoker();
UniqueFd StopSignals();
// A lock on this file, held as long as the descriptor; none: somebody else holds it.
UniqueFd LockAlone(const std::string& path);

}  // namespace fencepost::stonith
