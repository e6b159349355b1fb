// One program under its keeper: the process between a daemon and the program, whose only work is
// that nothing of what the program has started is left behind.
//
// Promise: the keeper is a child of the caller and no other program. All that the program starts,
//          and what that starts, whatever group or session it moves to, has the keeper as its last
//          ancestor (PR_SET_CHILD_SUBREAPER). On SIGTERM, and when the caller dies in whatever way,
//          it kills all of them, again and again until none is left, and only then ends. When the
//          program ends by itself it does the same, or with spare_leftovers leaves them to init.
//          So its end is the proof that nothing goes on. It keeps `lock`, and no other descriptor
//          of the caller: a lock (flock) on it is free when the caller and all its keepers have
//          ended.
// Time:    Launch waits until the program's file is loaded. What is in uninterruptible sleep is
//          waited for.
// Errors:  Launch gives the errno of what hindered the start; no keeper is left then.
// Limit:   a keeper that is killed itself takes only the program with it. What another daemon
//          starts on the program's word (systemd, a container engine) is not its descent.
//          REQUIRES: SIGCHLD is not ignored; no other thread of the caller holds a lock that a fork
//          would need; the calling thread lives as long as the caller.
#pragma once
#include <sys/types.h>

#include "env/linux/unique_fd.h"

namespace fencepost {

struct Program {
  const char* path;
  char* const* argv;
  char* const* environment;
  int in, out, err;  // none is one of 0 to 2
  bool spare_leftovers;
  int lock;  // -1: none
};

struct Keeper {
  pid_t pid = -1;
  UniqueFd report;  // after its end: how the program ended, as waitpid says it
};

// 0: the program runs.
[[nodiscard]] int Launch(const Program& program, Keeper& keeper);
// False: the keeper was ended before it could say how the program ended.
[[nodiscard]] bool ReadReport(const Keeper& keeper, int& wait_status);

}  // namespace fencepost
