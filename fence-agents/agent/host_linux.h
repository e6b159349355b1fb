// The agent kit's Host on this machine.
//
// Promise: that of host.h. A secret file must be regular, closed to group and others, and
//          owned by root or the caller. Errors: see there.
// Time:    CLOCK_BOOTTIME.
#pragma once
#include <string>
#include <vector>

#include "fence-agents/agent/host.h"

namespace fencepost::agent {

inline constexpr std::size_t kMaxSecretFile = 4096;

class LinuxHost : public Host {
 public:
  // argv of main(): WipeArgument writes into it. word 0 is argv[1].
  LinuxHost(int argc, char** argv) : argc_(argc), argv_(argv) {}
  [[nodiscard]] MonoTime Now() const override;
  void SleepUntil(MonoTime when) override;
  Result<std::string, Failure> ReadStdin(std::size_t limit) override;
  Result<std::string, Failure> ReadSecretFile(const std::string& path) override;
  Result<std::string, Failure> ReadCredential(const std::string& name) override;
  Result<std::string, Failure> RunSecretScript(const std::string& path, MonoTime deadline) override;
  void WipeArgument(std::size_t word, std::size_t offset) override;
  void Out(std::string_view text) override;
  void Err(std::string_view text) override;

 private:
  int argc_;
  char** argv_;
};

// argv without argv[0].
std::vector<std::string> Words(int argc, char** argv);

}  // namespace fencepost::agent
