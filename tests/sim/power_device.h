// A power device of one simulated node, its BMC or one outlet of a PDU, as its fence agent reaches
// it from another.
//
// Promise: off switches off, on switches on, status tells the truth of the instant at which it
//          looked; monitor only looks whether it is there. The agent checks not_after by its own
//          node's clock in the instant before it switches (rule R8).
// Cruelty: slow, out of reach, failing, or it switches and the answer never comes; without power
//          of its own it answers nothing. Negative controls, so that the oracles are known to bite:
//          `lies` says off and does nothing; one that is `aimed` at another device switches and
//          reports that one (a wrong plug).
// Errors:  as a fence agent has them: exit code and a line on stderr.
#pragma once
#include <functional>
#include <string>

#include "tests/sim/ports/programs.h"

namespace fencepost::sim {

class PowerDevice {
 public:
  struct Mood {  // fails and mute are "one in n"; 0: never
    Duration low = Millis(20), high = Millis(150);
    Duration login{};  // at least so long before it does anything
    bool reachable = true, hangs = false, lies = false;
    std::uint64_t fails = 0, mute = 0;
  };
  struct Machinery {  // has_power: empty means always

    std::function<bool()> is_on;
    std::function<void()> on;
    std::function<void(NodeId by)> off;
    std::function<void(NodeId asker)> said_off;  // truly, to a status query begun before now
    std::function<bool()> has_power = {};
  };
  PowerDevice(Timeline& world, Machinery machinery)
      : world_(world), machinery_(std::move(machinery)) {}

  void SetMood(Mood mood) { mood_ = mood; }
  void AimAt(PowerDevice& other) { aimed_ = &other; }
  [[nodiscard]] const Mood& mood() const { return mood_; }
  // One run of the agent on `asker`. `about_to_switch` is called in the instant before it switches
  // off.
  Performance Perform(const Command& command, const Machine& asker,
                      std::function<void()> about_to_switch);
  [[nodiscard]] int too_late() const { return too_late_; }  // refused because of not_after

 private:
  int Status(NodeId asker);

  Timeline& world_;
  Machinery machinery_;
  Mood mood_;
  PowerDevice* aimed_ = nullptr;
  bool claims_off_ = false;  // only a liar's
  int too_late_ = 0;
};

}  // namespace fencepost::sim
