// What a node tells of itself and the cluster, as JSON: docs/format/status.md.
//
// Promise: at most kMaxLocalMessage bytes; where that would not hold, the longest texts are cut,
// and
//          where that is not enough it is an "error".
//          "health" is "ok" (quorate, every node there, every resource where it should be),
//          "degraded" (quorate, but something is not so) or "no-quorum".
// Time:    durations in whole milliseconds, from when the status was made; no instants.
// Errors:  none.
#pragma once
#include <cstdint>
#include <string>

#include "base/cib.h"
#include "base/config/config.h"
#include "membership/node/member.h"

namespace fencepost::daemon {

struct Traffic {
  std::uint64_t sent = 0, received = 0;
  std::uint64_t not_opened = 0;     // datagrams that are not of this cluster
  std::uint64_t not_read = 0;       // sealed by one of us, and no packet that we know
  std::uint64_t disk_not_read = 0;  // messages of qdiskd
  std::uint64_t tools_refused = 0, tools_not_read = 0;
};

struct WatchdogStatus {
  bool armed = false;
  bool evidence = false;  // what it does proves something to others: config::WatchdogEvidence
  std::string driver;     // as it names itself; empty before it is armed
};

[[nodiscard]] std::string StatusAnswer(const node::MemberStatus& status,
                                       const config::Config& config, const Cib& cib,
                                       const Traffic& traffic, const WatchdogStatus& watchdog = {});

}  // namespace fencepost::daemon
