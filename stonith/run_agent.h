// The agent runner of this machine.
//
// Promise: that of agent_runner.h. A file that group or others can write is no agent. Errors: see
//          there.
// Time:    CLOCK_BOOTTIME.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run_program.h"
#include "stonith/agent_runner.h"

namespace fencepost::stonith {

// The directories that agents are looked for in: first, the given one; then where this program is,
// and where agents of the system are.
std::vector<std::string> AgentDirectories(const std::string& first);

class LinuxAgentRunner : public AgentRunner {
 public:
  // stop: a descriptor that is readable once the user wants to stop; -1: none.
  LinuxAgentRunner(agent::LinuxHost& host, std::vector<std::string> directories, int stop = -1)
      : host_(host), directories_(std::move(directories)), stop_(stop) {}
  [[nodiscard]] MonoTime Now() const override { return host_.Now(); }
  void SleepUntil(MonoTime when) override { host_.SleepUntil(when); }
  std::vector<std::string> Agents() override;
  ProcessEnd Run(const std::string& agent, const std::string& stdin_text,
                 MonoTime kill_at) override;
  [[nodiscard]] bool Interrupted() const override { return agent::IsReadable(stop_); }
  void Out(std::string_view text) override { host_.Out(text); }
  void Err(std::string_view text) override { host_.Err(text); }

 private:
  agent::LinuxHost& host_;
  std::vector<std::string> directories_;
  int stop_;
};

}  // namespace fencepost::stonith
