// Where facts go: stderr, syslog or journal in env/linux, the timeline in the simulator.
//
// Promise: facts appear in the order in which they were recorded; recording never blocks on a
//          reader. Errors: none; a sink that is full drops the fact and counts it.
#pragma once
#include "base/fact.h"

namespace fencepost {

class FactSink {
 public:
  virtual ~FactSink() = default;
  virtual void Record(const Fact& fact) = 0;
};

}  // namespace fencepost
