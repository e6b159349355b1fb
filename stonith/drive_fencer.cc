#include "stonith/drive_fencer.h"

#include <optional>

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
  while (true) {
    std::optional<StartAgent> start;
    std::optional<MonoTime> wake;
    for (const FencerEffect& effect : fencer.Step(runner.Now(), event)) {
      if (const auto* s = std::get_if<StartAgent>(&effect)) start = *s;
      if (const auto* w = std::get_if<WakeAt>(&effect)) wake = w->when;
      listener.Effect(effect);
    }
    if (runner.Interrupted()) return false;
    if (fencer.Idle()) return true;
    if (start) {
      event = RunToEnd(*start, runner, listener);
    } else {
      FENCEPOST_CHECK(wake);  // one request: it runs an agent, or waits for an instant
      runner.SleepUntil(*wake);
      event = Tick{};
    }
  }
}

}  // namespace fencepost::stonith
