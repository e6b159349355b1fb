// How the stonith command reaches fence agents and its terminal.
//
// Promise: Run starts the agent in its own process group with a clean environment; parameters go
//          by stdin; the group is dead at kill_at. Agents lists each name once, the first directory
//          that has it wins.
//          Interrupted: the user wants the command to end. A run ends then, killed, and stays so.
// Time:    Now is CLOCK_BOOTTIME.
// Errors:  an agent that is not there: started = false and the reason.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "env/process.h"

namespace fencepost::stonith {

class AgentRunner {
 public:
  virtual ~AgentRunner() = default;
  [[nodiscard]] virtual MonoTime Now() const = 0;
  virtual void SleepUntil(MonoTime when) = 0;
  virtual std::vector<std::string> Agents() = 0;
  virtual ProcessEnd Run(const std::string& agent, const std::string& stdin_text,
                         MonoTime kill_at) = 0;
  [[nodiscard]] virtual bool Interrupted() const = 0;
  virtual void Out(std::string_view text) = 0;
  virtual void Err(std::string_view text) = 0;
};

}  // namespace fencepost::stonith
