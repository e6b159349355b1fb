// The agent runner of this machine.
//
// Promise: that of agent_runner.h. A file that group or others can write is no agent. Errors: see
//          there.
// Time:    CLOCK_BOOTTIME.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/host_linux.h"
#include "stonith/agent_runner.h"

namespace fencepost::stonith {

// The directories that agents are looked for in: first, the given one; then where this program is,
// and where agents of the system are.
std::vector<std::string> AgentDirectories(const std::string& first);

class LinuxAgentRunner : public AgentRunner {
 public:
  LinuxAgentRunner(agent::LinuxHost& host, std::vector<std::string> directories)
      : host_(host), directories_(std::move(directories)) {}
  [[nodiscard]] MonoTime Now() const override { return host_.Now(); }
  void SleepUntil(MonoTime when) override { host_.SleepUntil(when); }
  std::vector<std::string> Agents() override;
  ProcessEnd Run(const std::string& agent, const std::string& stdin_text,
                 MonoTime kill_at) override;
  void Out(std::string_view text) override { host_.Out(text); }
  void Err(std::string_view text) override { host_.Err(text); }

 private:
  agent::LinuxHost& host_;
  std::vector<std::string> directories_;
};

}  // namespace fencepost::stonith
