// The hardware watchdog of a simulated node (Watchdog).
//
// Promise: as env/watchdog.h: the node is reset at the latest Timeout() of *true* time after the
//          last Feed, whatever runs or not; disarming is an orderly call, a dead daemon does not.
// Cruelty: it may bite up to `early` before its time (a coarse hardware clock never bites late).
// Errors:  Arm fails when the machine has none (SetMissing), or it was set to.
#pragma once
#include <functional>

#include "env/watchdog.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

class WatchdogHardware {  // one for each node; survives daemons
 public:
  // bite: power-cycles the node.
  WatchdogHardware(Timeline& world, std::function<void()> bite)
      : world_(world), bite_(std::move(bite)) {}
  void SetMissing(bool missing) { missing_ = missing; }
  void SetEarly(Duration early) { early_ = early; }
  void SetCoarse(Duration timeout) { coarse_ = timeout; }  // takes this one, whatever is set
  void PowerOff();                                         // with its node
  [[nodiscard]] bool ticking() const { return ticking_; }
  [[nodiscard]] int bites() const { return bites_; }

 private:
  friend class SimWatchdog;
  void Restart();

  Timeline& world_;
  std::function<void()> bite_;
  bool missing_ = false, ticking_ = false;
  Duration timeout_{}, early_{}, coarse_{};
  EventId event_ = 0;
  int bites_ = 0;
};

class SimWatchdog final : public Watchdog {
 public:
  SimWatchdog(WatchdogHardware& hardware, std::shared_ptr<Life> life)
      : hardware_(hardware), life_(std::move(life)) {}
  Status Arm(Duration timeout) override;
  [[nodiscard]] Duration Timeout() const override { return hardware_.timeout_; }
  [[nodiscard]] bool IsHardware() const override { return true; }
  [[nodiscard]] std::string Identity() const override { return armed_ ? "sim" : ""; }
  void Feed() override;
  Status Disarm() override;

 private:
  WatchdogHardware& hardware_;
  std::shared_ptr<Life> life_;
  bool armed_ = false;
};

}  // namespace fencepost::sim
