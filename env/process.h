// Starting programs: resource agents and fence agents.
//
// Promise: no shell in between, a clean environment (only what is given), own process group. At
//          kill_at the program and all of its descent are killed, whatever group or session it
//          moved to, and the call completes with killed = true when nothing of it is left. done is
//          called once. What a program leaves behind when it ends by itself is killed likewise,
//          unless spare_leftovers. When the daemon dies, in whatever way (SIGKILL too), every
//          program that has not ended and all its descent are killed; that takes a moment, and the
//          daemon's successor waits for it before it begins.
// Limit:   what another daemon does on a program's word (a unit of systemd, a container) goes on;
//          uninterruptible sleep delays what a signal does, and with it done.
// Time:    kill_at is absolute local time. Secrets go by stdin, never by argv or environment.
// Errors:  a program that cannot be started completes with started = false and the reason.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace fencepost {

inline constexpr std::size_t kMaxProcessOutput = 65536;  // the rest is dropped and counted

struct Command {
  std::string path;               // absolute
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::pair<std::string, std::string>> environment;
  std::string stdin_text;
  // For resource agents: what they leave in the background (a service they started, the gratuitous
  // ARPs of IPaddr2) lives on after they ended by themselves; not when they were killed.
  bool spare_leftovers = false;
  std::vector<std::string> otherwise = {};  // absolute; tried in turn when nothing is at path
};

struct ProcessEnd {
  bool started = false;
  bool missing = false;  // not started, because there is no such program
  bool killed = false;   // by us, at kill_at or by Kill()
  int exit_code = -1;    // -1 when it did not exit by itself
  int signal = 0;
  std::string output;  // stdout, cut at kMaxProcessOutput
  std::string errors;  // stderr, likewise; or why it was not started
  Duration took{};
};

using ProcessId = std::uint64_t;

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  virtual ProcessId Start(const Command& command, MonoTime kill_at,
                          std::function<void(ProcessEnd)> done) = 0;
  virtual void Kill(ProcessId process) = 0;  // with its descent, now; done still comes
};

}  // namespace fencepost
