// A question to this node's qdiskd, and its answer: for commands and for fence_qdisk.
//
// Promise: one question on one connection; what qdiskd was asked for lasts no longer than this
//          call. Nothing is sent at or after the deadline.
// Time:    kConnectLimit to be heard, then until the deadline (CLOCK_BOOTTIME).
// Errors:  qdiskd is not running, does not listen to this user, or does not answer in time.
#pragma once
#include <string>

#include "base/result.h"
#include "qdiskd/local_protocol.h"

namespace fencepost::qdiskd {

inline constexpr Duration kConnectLimit = Millis(2000);
// The end of a message comes from qdiskd itself when its time is over; this much later at most.
inline constexpr Duration kAnswerSlack = Millis(1000);

// `request`: SendMessage, ClearMessage or AskPower.
[[nodiscard]] Result<FromQdiskd> AskQdiskd(const std::string& run_dir, const ToQdiskd& request,
                                           MonoTime deadline);
[[nodiscard]] MonoTime AskClock();  // now, on the clock of deadlines

}  // namespace fencepost::qdiskd
