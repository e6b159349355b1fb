// The agent runner of this machine, and what else the stonith command needs of it.
//
// Promise: that of agent_runner.h and command_host.h. A file that group or others can write is no
//          agent and no plugin. A plugin sees PATH, LC_ALL, HA_LOGTAG and its parameters.
// Errors:  see there.
// Time:    CLOCK_BOOTTIME.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run_program.h"
#include "stonith/agent_runner.h"
#include "stonith/command_host.h"

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

class LinuxCommandHost : public CommandHost {
 public:
  // first: a directory with agents, external/ and rhcs/, looked into before the usual ones.
  LinuxCommandHost(agent::LinuxHost& host, const std::string& first, int stop = -1);
  [[nodiscard]] MonoTime Now() const override { return agents_.Now(); }
  void SleepUntil(MonoTime when) override { agents_.SleepUntil(when); }
  std::vector<std::string> Agents() override { return agents_.Agents(); }
  ProcessEnd Run(const std::string& agent, const std::string& stdin_text,
                 MonoTime kill_at) override;
  [[nodiscard]] bool Interrupted() const override { return agents_.Interrupted(); }
  void Out(std::string_view text) override { agents_.Out(text); }
  void Err(std::string_view text) override { agents_.Err(text); }
  std::vector<std::string> Plugins() override;
  ProcessEnd RunPlugin(const PluginCall& call, MonoTime kill_at) override;
  Result<std::string> ReadValues(const std::string& path) override;
  std::optional<std::string> Variable(const std::string& name) override;
  Result<std::string> AwaitOperator(const std::string& host, MonoTime limit) override;

 private:
  std::vector<std::string> plugin_directories_;
  LinuxAgentRunner agents_, rhcs_;
  int stop_;
};

}  // namespace fencepost::stonith
