// Runs the fencer for a command that has nothing else to do: one request, and the agents it wants,
// one after the other in the order in which it wants them, over a blocking runner.
//
// Promise: every effect is shown in its order, and each run when it has ended. Returns true when
//          the fencer is idle, false when the runner was asked to stop: nothing more was started
//          then, and the last run may have been killed. An answer that was shown before holds; an
//          error or "unknown" shown then only says that there was no time to find out.
// Time:    the runner's. Errors: in the fencer's answers.
#pragma once
#include "stonith/agent_runner.h"
#include "stonith/fencer.h"

namespace fencepost::stonith {

class FencerListener {
 public:
  virtual ~FencerListener() = default;
  virtual void Effect(const FencerEffect& effect) = 0;
  virtual void Ended(const StartAgent& start, const ProcessEnd& end) = 0;
};

AgentEnded ToAgentEnded(RunId run, const ProcessEnd& end);
AgentEnded RunToEnd(const StartAgent& start, AgentRunner& runner, FencerListener& listener);
// REQUIRES: fencer.Idle().
bool DriveFencer(Fencer& fencer, const FencerEvent& request, AgentRunner& runner,
                 FencerListener& listener);

}  // namespace fencepost::stonith
