// What the agent kit needs of the machine it runs on.
//
// Promise: ReadSecretFile refuses a file that others can read or write. RunSecretScript starts the
//          program without a shell and with a clean environment. WipeArgument overwrites the bytes
//          that other users see in the process list.
// Time:    Now is CLOCK_BOOTTIME.
// Errors:  phase options or auth, cause local-problem, with the path and what to do.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::agent {

class Host {
 public:
  virtual ~Host() = default;
  [[nodiscard]] virtual MonoTime Now() const = 0;
  virtual void SleepUntil(MonoTime when) = 0;
  virtual Result<std::string, Failure> ReadStdin(std::size_t limit) = 0;
  virtual Result<std::string, Failure> ReadSecretFile(const std::string& path) = 0;
  // Of the service that started us: a file in $CREDENTIALS_DIRECTORY, checked like a secret file.
  virtual Result<std::string, Failure> ReadCredential(const std::string& name) = 0;
  virtual Result<std::string, Failure> RunSecretScript(const std::string& path,
                                                       MonoTime deadline) = 0;
  virtual void WipeArgument(std::size_t word, std::size_t offset) = 0;
  virtual void Out(std::string_view text) = 0;
  virtual void Err(std::string_view text) = 0;
};

}  // namespace fencepost::agent
