// The services of one simulated node, and the agents that start them, stop them and look at them.
//
// Promise: a service runs or does not, whatever anybody believes; it outlives the daemons and ends
//          with the power. Every change is told to `changed` at its instant.
// Cruelty: agents are slow, hang, fail before or after their effect, and misjudge.
// Errors:  an unknown verb is answered as OCF says.
#pragma once
#include <functional>
#include <set>
#include <string>

#include "tests/sim/ports/programs.h"

namespace fencepost::sim {

class Services {
 public:
  struct Mood {  // fails and hangs are "one in n"; 0: never
    Duration low = Millis(20), high = Millis(80);
    std::uint64_t start_fails = 0, stop_fails = 0, look_fails = 0, hangs = 0;
  };
  using Changed = std::function<void(const std::string& resource, bool runs)>;
  Services(Timeline& world, Changed changed) : world_(world), changed_(std::move(changed)) {}

  void SetMood(Mood mood) { mood_ = mood; }
  [[nodiscard]] const Mood& mood() const { return mood_; }
  // One run of the agent of any resource.
  Performance Perform(const Command& command);
  void Die(const std::string& resource);  // the service crashes
  void PowerOff() { running_.clear(); }
  [[nodiscard]] bool Runs(const std::string& resource) const {
    return running_.count(resource) != 0;
  }
  [[nodiscard]] const std::set<std::string>& running() const { return running_; }

 private:
  [[nodiscard]] bool Happens(std::uint64_t one_in) {
    return one_in != 0 && world_.rng().OneIn(one_in);
  }
  void Set(const std::string& resource, bool runs);

  Timeline& world_;
  Changed changed_;
  Mood mood_;
  std::set<std::string> running_;
};

}  // namespace fencepost::sim
