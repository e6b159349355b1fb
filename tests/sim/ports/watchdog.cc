#include "tests/sim/ports/watchdog.h"

namespace fencepost::sim {

void WatchdogHardware::Restart() {
  world_.Cancel(event_);
  event_ = world_.After(timeout_ - world_.Between(Duration(), early_), [this] {
    ++bites_;
    bite_();
  });
}

Status SimWatchdog::Arm(Duration timeout) {
  if (hardware_.missing_) return Error{"watchdog", "is not there", "configure another one"};
  hardware_.timeout_ = timeout;
  armed_ = true;
  hardware_.Restart();
  return Ok{};
}

void SimWatchdog::Feed() {
  if (armed_ && life_->alive()) hardware_.Restart();
}

Status SimWatchdog::Disarm() {
  armed_ = false;
  hardware_.world_.Cancel(hardware_.event_);
  return Ok{};
}

}  // namespace fencepost::sim
