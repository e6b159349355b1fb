// Running one command on a device, as a port.
//
// Promise: the output is what this command wrote. The command goes to the device's shell as it is:
//          who builds it quotes.
// Time:    over at the deadline (absolute local time).
// Errors:  phase resolve, connect or auth. effect_unknown when the command may have begun.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::ssh {

inline constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

struct Answer {
  std::string output;         // standard output, then standard error
  std::optional<int> status;  // some devices tell none
};

class Remote {
 public:
  virtual ~Remote() = default;
  [[nodiscard]] virtual std::string Name() const = 0;
  // So that a switching command is the only thing between the permit and the device.
  virtual Result<Ok, agent::Failure> Connect(MonoTime deadline) = 0;
  virtual Result<Answer, agent::Failure> Run(const std::string& command, MonoTime deadline) = 0;
};

}  // namespace fencepost::ssh
