// A daemon in the background, the classic way: whoever started it waits until it is ready, or has
// said why it is not.
//
// Promise: Enter() returns in the child only: a session of its own, working directory "/". The
//          parent ends with 0 after Ready(), with 1 when the child ends before. One fork: a daemon
//          that never opens a terminal cannot get one.
// Errors:  Enter names what the kernel refused. REQUIRES: one thread, and no event loop made yet.
#pragma once
#include "base/result.h"
#include "env/linux/unique_fd.h"

namespace fencepost {

class Background {
 public:
  static Result<Background> Enter();
  void Ready();  // standard input, output and error become /dev/null

 private:
  explicit Background(UniqueFd ready) : ready_(std::move(ready)) {}
  UniqueFd ready_;
};

// Standard input, output and error become /dev/null; false: they stay as they are.
bool CloseStandardStreams();

}  // namespace fencepost
