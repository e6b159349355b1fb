// Runs one program to its end, for commands that have nothing else to do meanwhile (agents,
// stonith). Daemons use the ProcessRunner port instead.
//
// Promise: that of env/process.h: no shell, only the given environment, own process group, which
//          is killed at kill_at, when `stop` is readable, and also when the leader has ended. The
//          child dies with us.
// Time:    kill_at is absolute CLOCK_BOOTTIME.
// Errors:  started = false with the reason. Ignores SIGPIPE in this process from the first call.
#pragma once
#include "base/time.h"
#include "env/process.h"

namespace fencepost::agent {

MonoTime BoottimeNow();
void SleepUntil(MonoTime when);
bool IsReadable(int fd);  // now; false for -1
ProcessEnd RunProgram(const Command& command, MonoTime kill_at, int stop = -1);

}  // namespace fencepost::agent
