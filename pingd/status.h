// The status of pingd, for people and for programs.
//
// Promise: StatusJson is one object, `format` 1; later minor versions add fields. It holds at most
//          kTargetsPerPage targets, so that it fits into one local message, and `next` is the
//          first target of the following page or null. StatusText prints it in columns; fields
//          that it misses are "?". Hosts and troubles are made printable.
// Time:    durations in whole milliseconds.
// Errors:  StatusText takes any JSON object.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "pingd/echo.h"
#include "pingd/score_sink.h"
#include "pingd/watch.h"

namespace fencepost::ping {

inline constexpr std::size_t kTargetsPerPage = 40;

[[nodiscard]] nlohmann::json StatusJson(const Watch& watch, const ReplyCounters& replies,
                                        const SinkState& sink, MonoTime now, std::size_t first = 0,
                                        std::size_t count = kTargetsPerPage);
[[nodiscard]] std::string StatusText(const nlohmann::json& status);
// What every JSON text of ours is written with: names from outside may be no UTF-8.
[[nodiscard]] std::string Dump(const nlohmann::json& json, int indent = -1);

}  // namespace fencepost::ping
