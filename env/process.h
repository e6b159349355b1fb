// Starting programs: resource agents and fence agents.
//
// Promise: no shell in between, a clean environment (only what is given), own process group. At
//          kill_at the whole group is killed and the call completes with killed = true. done is
//          called once, after the leader has ended and been reaped. What it left of its group is
//          killed then, unless spare_leftovers. A program whose daemon dies, in whatever way
//          (SIGKILL too), is killed by the kernel, also one that is just being started; the signal
//          is sent before whoever waits for the daemon's end can start the next one.
// Limit:   the program alone: its own children are not killed with it, unless they asked the kernel
//          for the same. A tool that an agent has called can thus finish its one action (a power
//          command, a mount) after the daemon's death, but the agent calls no further one; what it
//          has put into the background goes on. Peers of the daemon's sockets can see them closed
//          an instant before the signal; uninterruptible sleep delays what the signal does.
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
  virtual void Kill(ProcessId process) = 0;  // the group, now; done still comes
};

}  // namespace fencepost
