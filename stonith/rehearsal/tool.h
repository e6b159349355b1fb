// stonith plan and stonith rehearse: options, files and the daemon's sight for the rehearsal.
//
// Promise: before anything is switched a record says that it began, so that a host that switched
//          itself off finds out afterwards. Exit codes: 0 passed, 1 failed, 2 not done.
// Time:    the host's. Errors: on stderr, with file and remedy.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/host_linux.h"

namespace fencepost::stonith {

// words: argv without argv[0]; the first is "plan" or "rehearse".
[[nodiscard]] bool IsRehearsalCommand(const std::vector<std::string>& words);
int RunRehearsalCommand(const std::vector<std::string>& words, agent::LinuxHost& host);

}  // namespace fencepost::stonith
