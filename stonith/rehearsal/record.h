// The records of rehearsals: the newest of each kind for each node, as JSON in STATE_DIR.
//
// Promise: what EncodeRecords wrote DecodeRecords reads; it survives any bytes, and what is no
//          record is left out. ShowRecords says how old each is, and marks one older than
//          kStaleAfter: a proof of last year proves last year.
// Time:    seconds of the wall clock, for people only. Errors: none.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "stonith/rehearsal/rehearsal.h"

namespace fencepost::stonith {

inline constexpr std::string_view kRecordsFile = "rehearsals.json";  // in paths.state_dir
inline constexpr std::size_t kMaxRecordsBytes = 256 * 1024;
inline constexpr std::int64_t kStaleAfterS = 90LL * 24 * 3600;

[[nodiscard]] std::string EncodeRecords(const std::vector<Rehearsed>& records);
[[nodiscard]] std::vector<Rehearsed> DecodeRecords(std::string_view text);
// Replaces the record of the same node and kind.
void Put(const Rehearsed& record, std::vector<Rehearsed>* records);
[[nodiscard]] std::string RecordJson(const Rehearsed& record);  // indented, for --json
// One line each: "  beta  disruptive, passed, 3 days ago".
[[nodiscard]] std::string ShowRecords(const std::vector<Rehearsed>& records, std::int64_t wall);

}  // namespace fencepost::stonith
