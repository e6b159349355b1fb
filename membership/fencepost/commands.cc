#include "membership/fencepost/commands.h"

namespace fencepost::command {

std::span<const Command> Commands() {
  static constexpr Command kCommands[] = {
      {"check", "[--config FILE]", "check the configuration, its key and its timing", Check},
      {"keygen", "[FILE]", "make a cluster key", Keygen},
      {"quorum timing", "[--config FILE | --profile NAME] [--json]",
       "print every timing inequality and the worst-case failover", QuorumTiming},
  };
  return kCommands;
}

}  // namespace fencepost::command
