// The FIFO between who waits for an operator (stonith -t meatware) and who answers (meatclient).
//
// Promise: DIRECTORY/meatware.HOST, mode 0600, is there while somebody waits, and removed after.
//          Only one waits for a host. A reply names the host exactly; after it, our meatclient
//          says who confirms and why, which cluster-glue's reader ignores and its meatclient omits.
// Time:    absolute CLOCK_BOOTTIME. Errors: name the path or the host.
// Source:  cluster-glue's meatware and meatclient: "meatware reply HOST".
#pragma once
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace fencepost::stonith {

inline constexpr std::size_t kMaxReply = 1024;
inline constexpr const char* kMeatwareDirectory = "/run";

struct OperatorReply {
  std::string by, reason;  // may be empty: it was not our meatclient
};

// stop: readable when the wait is to end; -1: never.
Result<OperatorReply> AwaitReply(const std::string& directory, const std::string& host,
                                 MonoTime limit, int stop);
// False: nobody waits for this host.
[[nodiscard]] bool SomebodyWaits(const std::string& directory, const std::string& host);
Status SendReply(const std::string& directory, const std::string& host, const OperatorReply& reply);
// A name that can stand in a path and a line.
[[nodiscard]] bool IsHostName(const std::string& host);

}  // namespace fencepost::stonith
