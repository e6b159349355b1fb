// The hardware that resets this node unless it is fed.
//
// Promise: after Arm, the node is reset at the latest Timeout() after the last Feed, whatever the
//          software does. Disarm is an orderly close; where the driver does not allow it, it fails.
// Time:    Timeout() is what the driver really set, read back.
// Errors:  Arm names the device, the cause and the remedy.
#pragma once
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace fencepost {

class Watchdog {
 public:
  virtual ~Watchdog() = default;
  virtual Status Arm(Duration timeout) = 0;
  [[nodiscard]] virtual Duration Timeout() const = 0;
  [[nodiscard]] virtual bool IsHardware() const = 0;       // softdog is no evidence of death
  [[nodiscard]] virtual std::string Identity() const = 0;  // of the driver; empty before Arm
  virtual void Feed() = 0;
  virtual Status Disarm() = 0;
};

}  // namespace fencepost
