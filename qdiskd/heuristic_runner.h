// Runs the heuristics of this node over the ports: what the core wants started is started without a
// shell and killed at its time limit, and everybody who asked is told after each change.
//
// Promise: programs get PATH and LC_ALL and nothing else; their output counts for nothing, the exit
//          code is the result. None outlives this runner.
// Limit:   starting a program waits until its file is loaded (env/linux/process_linux.h): programs
//          belong on a local file system that does not hang.
// Time:    local. Errors: facts of the core.
// Ownership: ports outlive it.
#pragma once
#include <functional>
#include <map>
#include <memory>

#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/process.h"
#include "qdiskd/heuristics.h"

namespace fencepost::qdiskd {

class HeuristicRunner {
 public:
  struct Ports {
    Clock& clock;
    ProcessRunner& processes;
    FactSink& facts;
  };
  // `told` is called after every step, also within Start and Reload.
  HeuristicRunner(config::FitnessConfig config, Ports ports,
                  std::function<void(const Fitness&)> told);
  ~HeuristicRunner();
  HeuristicRunner(const HeuristicRunner&) = delete;
  HeuristicRunner& operator=(const HeuristicRunner&) = delete;

  void Start();
  void Reload(config::FitnessConfig config);
  [[nodiscard]] Fitness View() const { return core_.View(ports_.clock.Now()); }

 private:
  void Step(const HeuristicsEvent& event);
  void Perform(const HeuristicsEffects& effects);
  void Run(const HeuristicsEffects::Run& run);

  const Ports ports_;
  const std::function<void(const Fitness&)> told_;
  Heuristics core_;
  std::map<RunId, ProcessId> running_;
  TimerId wake_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::qdiskd
