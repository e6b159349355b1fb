#include "tests/sim/ports/programs.h"

#include <csignal>

#include "base/text.h"

namespace fencepost::sim {

ProcessId Programs::Start(const Command& command, MonoTime kill_at,
                          const std::shared_ptr<Life>& life, std::function<void(ProcessEnd)> done) {
  const ProcessId id = ++last_;
  started_.push_back(command);
  const auto script = scripts_.find(command.path);
  if (script == scripts_.end()) {
    ProcessEnd end;
    end.missing = true;
    end.errors = Cat(command.path, ": no such file");
    life->Post([done = std::move(done), end] { done(end); });
    return id;
  }
  Timeline& world = machine_.world();
  Run& run = running_[id];
  run = {id, world.Now(), script->second(command), std::move(done), life};
  const Performance& performance = run.performance;
  if (performance.effect || performance.answer) {
    run.effect = world.After(performance.effect_after, [this, id] { TakeEffect(id); });
  }
  if (performance.takes != kHangs) {
    run.end = world.After(performance.takes, [this, id] { End(id, false); });
  }
  if (kill_at != kNever) {
    run.kill = life->PostAt(machine_.When(kill_at), [this, id] { End(id, true); });
  }
  life->OnEnd([this, id, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) DaemonDied(id);
  });
  return id;
}

// Its keeper needs a moment to kill it all.
void Programs::DaemonDied(ProcessId id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  Run& run = found->second;
  Timeline& world = machine_.world();
  const TrueTime effect = run.began + run.performance.effect_after;
  const bool soon = effect > world.Now() && effect <= world.Now() + kLastAction;
  if (!soon || world.rng().OneIn(2)) return End(id, true);
  world.Cancel(run.end);
  world.Cancel(run.kill);
  run.end = world.At(effect, [this, id] { End(id, false); });
}

// What it does may end it, and every program of this node with it.
void Programs::TakeEffect(ProcessId id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  const Performance performance = found->second.performance;
  if (performance.effect) performance.effect();
  if (!performance.answer) return;
  const int code = performance.answer();
  const auto still = running_.find(id);
  if (still != running_.end()) still->second.performance.exit_code = code;
}

void Programs::End(ProcessId id, bool killed) {
  auto found = running_.extract(id);
  if (found.empty()) return;
  Run& run = found.mapped();
  Timeline& world = machine_.world();
  world.Cancel(run.end);
  world.Cancel(run.kill);
  if (killed) world.Cancel(run.effect);
  ProcessEnd end;
  end.started = true;
  end.killed = killed;
  end.took = world.Now() - run.began;
  if (killed) {
    end.signal = SIGKILL;
  } else {
    end.exit_code = run.performance.exit_code;
    end.output = run.performance.output;
    end.errors = run.performance.errors;
  }
  run.life->Post([done = std::move(run.done), end] { done(end); });
}

void Programs::KillAll() {
  while (!running_.empty()) End(running_.begin()->first, true);
}

}  // namespace fencepost::sim
