#include "stonith/drive_fencer.h"

#include <deque>
#include <optional>
#include <set>

#include "base/check.h"

namespace fencepost::stonith {

AgentEnded ToAgentEnded(RunId run, const ProcessEnd& end) {
  return {run, end.started, end.killed, end.exit_code, end.errors};
}

AgentEnded RunToEnd(const StartAgent& start, AgentRunner& runner, FencerListener& listener) {
  const ProcessEnd end = runner.Run(start.agent, start.stdin_text, start.kill_at);
  listener.Ended(start, end);
  return ToAgentEnded(start.run, end);
}

bool DriveFencer(Fencer& fencer, const FencerEvent& request, AgentRunner& runner,
                 FencerListener& listener) {
  FENCEPOST_CHECK(fencer.Idle());
  FencerEvent event = request;
  std::deque<StartAgent> waiting;
  std::set<RunId> killed;
  while (true) {
    std::optional<MonoTime> wake;
    for (const FencerEffect& effect : fencer.Step(runner.Now(), event)) {
      if (const auto* s = std::get_if<StartAgent>(&effect)) waiting.push_back(*s);
      if (const auto* k = std::get_if<KillAgent>(&effect)) killed.insert(k->run);
      if (const auto* w = std::get_if<WakeAt>(&effect)) wake = w->when;
      listener.Effect(effect);
    }
    if (runner.Interrupted()) return false;
    if (fencer.Idle()) return true;
    if (!waiting.empty()) {
      const StartAgent start = waiting.front();
      waiting.pop_front();
      if (killed.count(start.run) != 0 || runner.Now() >= start.kill_at) {
        event = AgentEnded{start.run, true, true, -1, ""};  // its turn never came
      } else {
        event = RunToEnd(start, runner, listener);
      }
    } else {
      FENCEPOST_CHECK(wake);  // one request: it runs an agent, or waits for an instant
      runner.SleepUntil(*wake);
      event = Tick{};
    }
  }
}

}  // namespace fencepost::stonith
