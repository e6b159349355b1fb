// Programs of a simulated node (ProcessRunner): a script says what each of them does.
//
// Promise: as env/process.h: done once, killed at kill_at. The effect of a program (a switch that
//          opens, an address that appears) happens when the script says, unless it was killed
//          before; so an agent can take effect and be killed before it answers.
//          A program dies with its daemon.
// Cruelty: but an effect that was at most kLastAction away may still happen then; the daemon's
//          successor is started when running() is 0. A frozen daemon
//          kills nothing at kill_at before it goes on.
// Errors:  a path without a script is not started, as a missing file.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/process.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

// What one run of a program does.
struct Performance {
  Duration takes = Millis(5);  // kHangs: it never ends by itself
  int exit_code = 0;
  std::string output, errors;
  Duration effect_after{};  // REQUIRES: at most `takes`
  std::function<void()> effect;
  // What it finds when its effect happens decides its exit code; empty: exit_code.
  std::function<int()> answer{};
};
inline constexpr Duration kLastAction = Millis(100);
inline constexpr Duration kHangs = Duration::max();
using Script = std::function<Performance(const Command&)>;

class Programs {  // one for each node; survives its daemons' lives
 public:
  explicit Programs(Machine& machine) : machine_(machine) {}
  void Install(const std::string& path, Script script) { scripts_[path] = std::move(script); }
  void KillAll();  // with the node's power
  [[nodiscard]] const std::vector<Command>& started() const { return started_; }
  [[nodiscard]] int running() const { return static_cast<int>(running_.size()); }

 private:
  friend class SimProcessRunner;
  struct Run {
    ProcessId id = 0;
    TrueTime began{};
    Performance performance;
    std::function<void(ProcessEnd)> done;
    std::shared_ptr<Life> life;
    EventId end = 0, kill = 0, effect = 0;
  };
  ProcessId Start(const Command& command, MonoTime kill_at, const std::shared_ptr<Life>& life,
                  std::function<void(ProcessEnd)> done);
  void TakeEffect(ProcessId id);
  void DaemonDied(ProcessId id);
  void End(ProcessId id, bool killed);

  Machine& machine_;
  std::map<std::string, Script> scripts_;
  std::vector<Command> started_;
  ProcessId last_ = 0;
  std::map<ProcessId, Run> running_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

class SimProcessRunner final : public ProcessRunner {
 public:
  SimProcessRunner(Programs& programs, std::shared_ptr<Life> life)
      : programs_(programs), life_(std::move(life)) {}
  ProcessId Start(const Command& command, MonoTime kill_at,
                  std::function<void(ProcessEnd)> done) override {
    return programs_.Start(command, kill_at, life_, std::move(done));
  }
  void Kill(ProcessId process) override { programs_.End(process, true); }

 private:
  Programs& programs_;
  std::shared_ptr<Life> life_;
};

}  // namespace fencepost::sim
