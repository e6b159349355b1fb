// Where facts go: stderr, syslog or journal in env/linux, the timeline in the simulator.
#pragma once
#include "base/fact.h"

namespace fencepost {

class FactSink {
 public:
  virtual ~FactSink() = default;
  virtual void Record(const Fact& fact) = 0;
};

}  // namespace fencepost
