// The end of a simulated node (NodeDeath).
//
// Promise: as env/node_death.h: a mark is of one boot and outlives daemons. Act brings the node
//          down at this very instant, from outside of the daemon that asked.
// Cruelty: SetHangs: Act comes back and nothing happens, as where a driver hangs the reboot.
// Errors:  SetUnmarkable: Mark fails.
#pragma once
#include <functional>
#include <utility>

#include "env/node_death.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

class SimNodeDeath final : public NodeDeath {  // one for each node; survives daemons
 public:
  // die: takes the node's power, and gives it again for a reset.
  SimNodeDeath(Timeline& world, std::function<void(Death)> die)
      : world_(world), die_(std::move(die)) {}
  void SetHangs(bool hangs) { hangs_ = hangs; }
  void SetUnmarkable(bool fails) { unmarkable_ = fails; }
  [[nodiscard]] int acts() const { return acts_; }

  Status Mark(const BootId& boot, Death death) override {
    if (unmarkable_) return Error{"the mark", "cannot be written", ""};
    mark_ = std::pair(boot, death);
    return Ok{};
  }
  [[nodiscard]] std::optional<Death> Marked(const BootId& boot) const override {
    return mark_ && mark_->first == boot ? std::optional(mark_->second) : std::nullopt;
  }
  Status Act(Death death) override {
    ++acts_;
    if (!hangs_) world_.After(Duration(), [this, death] { die_(death); });
    return Ok{};
  }

 private:
  Timeline& world_;
  std::function<void(Death)> die_;
  std::optional<std::pair<BootId, Death>> mark_;
  bool hangs_ = false, unmarkable_ = false;
  int acts_ = 0;
};

}  // namespace fencepost::sim
