// Who asks, and where: what an operator's act is recorded with.
//
// Promise: names only. Errors: none.
#pragma once
#include <string>

namespace fencepost::stonith {

struct Invoker {
  std::string host;  // as the system calls itself
  std::string user;  // "alice as root"
};

}  // namespace fencepost::stonith
