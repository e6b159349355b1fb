#include "membership/fencepost/commands.h"

namespace fencepost::command {

std::span<const Command> Commands() {
  static constexpr Command kCommands[] = {
      {"check", "[--config FILE]", "check the configuration, its key and its timing", Check},
      {"keygen", "[FILE]", "make a cluster key", Keygen},
      {"quorum timing", "[--config FILE | --profile NAME] [--json]",
       "print every timing inequality and the worst-case failover", QuorumTiming},
      {"init", "[--config FILE]", "give a new node its voter state, so that it votes", Init},
      {"cib check", "[--config FILE] FILE", "check what the cluster is to run", CibCheck},
      {"cib load", "[--config FILE] FILE", "install it on this node, while fencepostd is stopped",
       CibLoad},
      {"simulate",
       "--cib FILE [--node NODE=STATE] [--attribute NODE:NAME=VALUE] [--running RESOURCE@NODE] "
       "[--format text|json]",
       "what the cluster would do, from a CIB and what is assumed", Simulate},
      {"status", "[--config FILE] [--json]",
       "show nodes, votes, disk, fencing, resources, and why anything is down", ShowStatus},
      {"stop", "[--config FILE]", "hand over what runs here, and end fencepostd", Stop},
      {"attribute", "[NAME] [--set VALUE | --delete] [--node NODE] [--json]",
       "show attributes of nodes, or set one of this node until its fencepostd ends", Attribute},
      {"cleanup", "[--config FILE] RESOURCE", "forget the failures of a resource on this node",
       Cleanup},
      {"disk message",
       "NODE test|reset|off|exit|crashdump|clear [--within SECONDS] [--config FILE]",
       "storage death: tell a node over the quorum disk, and wait for its proof", DiskMessage},
      {"fence confirm", "[--config FILE] NODE --by NAME --reason TEXT",
       "vouch that a node is off, where no device can prove it; recorded", FenceConfirm},
  };
  return kCommands;
}

}  // namespace fencepost::command
