// A fence device: the one class that a new agent writes.
//
// Promise: Status answers on or off only when the device said so in this call. Switch asks
//          permit.Check() immediately before each packet that may switch, and does not send (nor
//          repeat) one when it fails. Both are over at their deadline.
// Time:    deadline is absolute local time.
// Errors:  a Failure with the phase that was reached. When a switching command may have been sent
//          and its effect is not known, effect_unknown is set: the kit then looks for itself.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "fence-agents/agent/power.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::agent {

// The right to switch, which ends at not_after (DESIGN rule R8).
class SwitchPermit {
 public:
  virtual ~SwitchPermit() = default;
  [[nodiscard]] virtual SwitchResult Check() const = 0;
  [[nodiscard]] virtual MonoTime NotAfter() const = 0;
};

struct PlugRow {
  std::string plug, alias;
  std::string state;  // "ON", "OFF", "UNKNOWN"
};

class Device {
 public:
  virtual ~Device() = default;
  virtual PowerResult Status(const std::string& plug, MonoTime deadline) = 0;
  virtual SwitchResult Switch(const std::string& plug, PowerState wanted, MonoTime deadline,
                              const SwitchPermit& permit) = 0;
  // Only for specs with has_plugs.
  virtual Result<std::vector<PlugRow>, Failure> List(MonoTime deadline) = 0;
};

// Agents of devices with one plug only.
class SingleDevice : public Device {
 public:
  Result<std::vector<PlugRow>, Failure> List(MonoTime) override { return std::vector<PlugRow>{}; }
};

struct Login {
  std::string username, password;
};
using DeviceFactory =
    std::function<Result<std::unique_ptr<Device>, Failure>(const Values&, const Login&)>;

}  // namespace fencepost::agent
