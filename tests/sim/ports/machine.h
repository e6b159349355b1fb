// One node's hardware in a simulated world: its drifting clock, its boots, its power; and the lives
// of the daemons that run on it.
//
// Promise: every callback of every fake port passes through a Life, from the Timeline, never from
//          inside the call that asked for it. After Life::End none is called; while a life is
//          frozen they are kept and come in order after the thaw.
// Cruelty: rate and offset per boot; a boot resets the clock to a small value; Pause() stops clock
//          and lives together, as a hypervisor does; a life may be late in every single callback.
// Ownership: Machine outlives its lives' ports. Every life is ended before the last pointer to it
// is
//          let go: what waits in its queue may point back to it. A life, and with it ports and
//          daemon, may be destroyed at any time but from inside one of its own callbacks.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/id.h"
#include "env/clock.h"
#include "env/node_identity.h"
#include "tests/sim/ports/timeline.h"

namespace fencepost::sim {

class Life : public std::enable_shared_from_this<Life> {
 public:
  explicit Life(Timeline& world) : world_(world) {}

  // From the world's next event on / at an instant.
  EventId Post(std::function<void()> call) { return PostAt(world_.Now(), std::move(call)); }
  EventId PostAt(TrueTime when, std::function<void()> call);
  // Each callback is from now on up to this late; their order stays.
  void SetLateness(Duration most) { lateness_ = most; }
  void Freeze() { frozen_ = true; }  // SIGSTOP
  void Thaw();
  void End();  // SIGKILL, or the daemon's own end
  // What the kernel does when the process is gone: close its sockets, sessions. Not in its life.
  void OnEnd(std::function<void()> call) { on_end_.push_back(std::move(call)); }
  [[nodiscard]] bool alive() const { return !ended_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] Timeline& world() { return world_; }

 private:
  void Arrive(std::function<void()> call);
  void Pump();
  void SchedulePump();

  Timeline& world_;
  Duration lateness_{};
  TrueTime not_before_{};
  bool frozen_ = false, ended_ = false;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::function<void()>> on_end_;
};

class Machine {
 public:
  struct Settings {
    NodeId node;
    std::int64_t rate_ppm = 0;  // this clock gains so much
    Duration offset{};          // what it shows when the world begins
  };
  Machine(Timeline& world, Settings settings);

  [[nodiscard]] NodeId node() const { return settings_.node; }
  [[nodiscard]] Timeline& world() { return world_; }
  [[nodiscard]] MonoTime Now() const;
  // The first true instant at which Now() is not below `local`, if the clock runs on as it does.
  [[nodiscard]] TrueTime When(MonoTime local) const;
  [[nodiscard]] BootId boot() const { return boot_; }
  [[nodiscard]] bool powered() const { return powered_; }

  std::shared_ptr<Life> StartLife();  // REQUIRES: powered
  void PowerOff();                    // ends all lives
  void PowerOn();                     // a new boot; Now() starts near 0 again
  void PowerOn(std::int64_t rate_ppm);
  // A guest's pause: clock and lives stand still. Breaks the bound on drift (DESIGN assumption a).
  void Pause();
  void Resume();
  [[nodiscard]] bool paused() const { return paused_; }

 private:
  [[nodiscard]] Duration Elapsed(Duration true_elapsed) const;
  void NewBoot();

  Timeline& world_;
  Settings settings_;
  TrueTime base_true_{};
  MonoTime base_local_{};
  bool powered_ = true, paused_ = false;
  BootId boot_;
  std::vector<std::weak_ptr<Life>> lives_;
};

class SimClock final : public Clock {
 public:
  SimClock(Machine& machine, std::shared_ptr<Life> life);
  ~SimClock() override;
  SimClock(const SimClock&) = delete;
  SimClock& operator=(const SimClock&) = delete;
  [[nodiscard]] MonoTime Now() const override { return machine_.Now(); }
  TimerId CallAt(MonoTime when, std::function<void()> call) override;
  void Cancel(TimerId timer) override;

 private:
  struct Timer {
    MonoTime when;
    std::function<void()> call;
    EventId event = 0;
  };
  void Arm(TimerId id, Timer& timer);
  void Fire(TimerId id);

  Machine& machine_;
  std::shared_ptr<Life> life_;
  TimerId last_ = 0;
  std::map<TimerId, Timer> timers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class SimIdentity final : public NodeIdentity {
 public:
  explicit SimIdentity(Machine& machine) : machine_(machine) {}
  Result<BootId> Boot() override;
  std::uint64_t Random() override { return machine_.world().rng().Next(); }
  // From now on Boot() fails: nothing may start without it.
  void Break() { broken_ = true; }

 private:
  Machine& machine_;
  bool broken_ = false;
};

}  // namespace fencepost::sim
