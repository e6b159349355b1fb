// What pingd watches and how it counts, as a value.
//
// Promise: plain data; ping.h reads and checks it. Weights and scores are whole numbers; score =
//          multiplier * (weights of targets that answer and stand alone + weights of groups that
//          are met).
// Time:    interval, timeout, dampen, hold are local durations.
// Errors:  none.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fencepost::config {

inline constexpr std::size_t kMaxPingTargets = 1024;
inline constexpr std::size_t kMaxPingGroups = 64;
inline constexpr std::uint32_t kMaxPingWeight = 10'000;
inline constexpr std::uint32_t kMaxPingAttempts = 20;
inline constexpr std::uint32_t kMaxPingRounds = 100;  // of lose_after and return_after
inline constexpr std::uint32_t kAllOfGroup = 0;
inline constexpr Duration kMinPingInterval =
    Millis(100);  // of rounds: we are a guest of the target
inline constexpr Duration kMinPingTimeout = Millis(50);

enum class ProbeKind { kIcmp, kTcp, kArp };
[[nodiscard]] std::string_view Name(ProbeKind kind);

struct PingTarget {
  std::string host;  // numeric (canonical) or a name to look up
  std::string name;  // shown; unique; default: the host
  ProbeKind probe = ProbeKind::kIcmp;
  std::uint16_t port = 0;    // of kTcp
  std::string source;        // numeric address to send from; empty: the system's choice
  std::string device;        // interface to send from; empty: by route
  std::uint32_t weight = 1;  // of a target without a group
  std::string group;         // empty: it counts alone
  bool numeric = false;      // host is an address
  friend bool operator==(const PingTarget&, const PingTarget&) = default;
};

struct PingGroup {
  std::string name;
  std::uint32_t need = 1;  // that many of its targets must answer; kAllOfGroup: all
  std::uint32_t weight = 1;
  friend bool operator==(const PingGroup&, const PingGroup&) = default;
};

enum class PingSink { kNone, kFencepost, kPacemaker };
enum class PingStop { kRemove, kZero, kKeep };  // what becomes of the attribute when pingd is ended

struct PingConfig {
  std::vector<PingTarget> targets;
  std::vector<PingGroup> groups;
  Duration interval = std::chrono::seconds(1);  // a round of each target begins this often
  Duration timeout = std::chrono::seconds(2);   // of one attempt
  std::uint32_t attempts = 2;                   // of a round
  std::uint32_t lose_after = 1;                 // failed rounds in a row until a target is lost
  std::uint32_t return_after = 1;               // good rounds in a row until it is back
  std::uint32_t multiplier = 1;
  Duration dampen = std::chrono::seconds(5);  // a new score must stand this long
  Duration hold = std::chrono::seconds(15);   // unrest is held back at most this long; >= dampen
  std::int64_t failure_score = 1;             // below: failed (status, exit code of --once)
  std::string attribute = "pingd";
  PingSink sink = PingSink::kFencepost;
  PingStop on_stop = PingStop::kRemove;
  std::string attrd_updater = "/usr/sbin/attrd_updater";
  std::string source, device;  // of targets that name none
  friend bool operator==(const PingConfig&, const PingConfig&) = default;
};

// What the score is when everybody answers.
[[nodiscard]] std::int64_t HighestScore(const PingConfig& config);

}  // namespace fencepost::config
