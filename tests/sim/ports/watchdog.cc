#include "tests/sim/ports/watchdog.h"

namespace fencepost::sim {

void WatchdogHardware::PowerOff() {
  ticking_ = false;
  world_.Cancel(event_);
}

void WatchdogHardware::Restart() {
  world_.Cancel(event_);
  ticking_ = true;
  event_ = world_.After(timeout_ - world_.Between(Duration(), early_), [this] {
    ++bites_;
    ticking_ = false;
    bite_();
  });
}

Status SimWatchdog::Arm(Duration timeout) {
  if (hardware_.missing_) return Error{"watchdog", "is not there", "configure another one"};
  hardware_.timeout_ = hardware_.coarse_ == Duration() ? timeout : hardware_.coarse_;
  armed_ = true;
  hardware_.Restart();
  return Ok{};
}

void SimWatchdog::Feed() {
  if (armed_ && life_->alive()) hardware_.Restart();
}

Status SimWatchdog::Disarm() {
  armed_ = false;
  hardware_.PowerOff();
  return Ok{};
}

}  // namespace fencepost::sim
