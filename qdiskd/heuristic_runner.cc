#include "qdiskd/heuristic_runner.h"

#include <utility>

namespace fencepost::qdiskd {
namespace {

constexpr std::size_t kMaxShownError = 120;

// For people: the exit code, and the first line of what it complained about.
std::string HowItEnded(const ProcessEnd& end) {
  std::string how;
  if (!end.started) {
    how = Cat("not started: ", end.errors);
  } else if (end.killed) {
    how = "killed at its time limit";
  } else if (end.exit_code == 0) {
    how = "ok";
  } else if (end.exit_code > 0) {
    how = Cat("exit code ", end.exit_code);
  } else {
    how = Cat("died of signal ", end.signal);
  }
  if (end.started && how != "ok") {
    const std::string_view errors = end.errors;
    const std::string_view line = Trim(errors.substr(0, errors.find('\n')));
    if (!line.empty()) how += Cat(": ", line.substr(0, kMaxShownError));
  }
  for (char& c : how) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return how;
}

}  // namespace

HeuristicRunner::HeuristicRunner(config::FitnessConfig config, Ports ports,
                                 std::function<void(const Fitness&)> told)
    : ports_(ports), told_(std::move(told)), core_(std::move(config), ports_.clock.Now()) {}

HeuristicRunner::~HeuristicRunner() {
  *alive_ = false;
  ports_.clock.Cancel(wake_);
  for (const auto& [run, process] : running_) ports_.processes.Kill(process);
}

void HeuristicRunner::Start() { Step(event::HeuristicsWake{}); }

void HeuristicRunner::Reload(config::FitnessConfig config) {
  Perform(core_.Reload(ports_.clock.Now(), std::move(config)));
}

void HeuristicRunner::Step(const HeuristicsEvent& event) {
  Perform(core_.Step(ports_.clock.Now(), event));
}

void HeuristicRunner::Perform(const HeuristicsEffects& effects) {
  for (const Fact& fact : effects.facts) ports_.facts.Record(fact);
  for (const RunId run : effects.kills) {
    const auto found = running_.find(run);
    if (found != running_.end()) ports_.processes.Kill(found->second);
  }
  for (const HeuristicsEffects::Run& run : effects.runs) Run(run);
  ports_.clock.Cancel(wake_);
  wake_ = effects.wake_at == kNever
              ? 0
              : ports_.clock.CallAt(effects.wake_at, [this] { Step(event::HeuristicsWake{}); });
  told_(View());
}

void HeuristicRunner::Run(const HeuristicsEffects::Run& run) {
  Command command;
  command.path = run.program.front();
  command.argv = run.program;
  command.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                         {"LC_ALL", "C"}};
  running_[run.run] = ports_.processes.Start(
      command, run.kill_at, [this, alive = alive_, id = run.run](const ProcessEnd& end) {
        if (!*alive) return;
        running_.erase(id);
        const bool ok = end.started && !end.killed && end.exit_code == 0;
        Step(event::RunEnded{id, ok, HowItEnded(end)});
      });
}

}  // namespace fencepost::qdiskd
