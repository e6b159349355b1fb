// What is: the state of a resource on one node, as its executor publishes it and the scheduler
// reads it.
//
// Promise: "stopped" is said only after an agent said so (a probe answered "not running", a stop
//          succeeded) or where nothing was ever executed. All other states mean: it may be active.
// Errors:  none here.
// Source:  return codes: OCF Resource Agent API 1.1, section "Return codes".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fencepost {

enum class ResourceAction : std::uint8_t { kProbe, kStart, kStop, kMonitor };

enum class ResourceState : std::uint8_t {
  kUnknown,     // not probed since the executor started
  kStopped,     // known to be inactive
  kStarting,    // a start is running
  kRunning,     // active, and the last word of its agent was "running"
  kStopping,    // a stop is running
  kFailed,      // start, monitor or probe failed, or a start was cut off: it must be stopped first
  kStopFailed,  // a stop failed: only fencing or an operator makes it stopped
};

// OCF return codes.
inline constexpr int kOcfSuccess = 0;
inline constexpr int kOcfGenericError = 1;
inline constexpr int kOcfBadArguments = 2;
inline constexpr int kOcfUnimplemented = 3;
inline constexpr int kOcfNoPrivilege = 4;
inline constexpr int kOcfNotInstalled = 5;
inline constexpr int kOcfNotConfigured = 6;
inline constexpr int kOcfNotRunning = 7;
inline constexpr int kOcfRunningPromoted = 8;
inline constexpr int kOcfFailedPromoted = 9;

// How an operation ended.
struct Outcome {
  enum class Kind : std::uint8_t {
    kExited,       // the agent ended with `code`
    kCrashed,      // the agent was ended by a signal that was not ours
    kTimedOut,     // killed at the operation's time-out
    kCutOff,       // killed because the authority to run it ended (rule R8)
    kExpired,      // never begun: its authority had ended, or everything is being stopped
    kSuperseded,   // a stop took its place
    kRefused,      // never begun: the resource is busy, not in the state for it, or unknown
    kNotExecuted,  // the agent could not be started
  };
  Kind kind = Kind::kExited;
  int code = kOcfSuccess;  // only for kExited
  [[nodiscard]] bool Succeeded() const { return kind == Kind::kExited && code == kOcfSuccess; }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct ResourceStatus {
  std::string resource;  // id of the primitive
  ResourceState state = ResourceState::kUnknown;
  bool busy = false;  // an operation is running or queued for it on this node
  // The latest failure; it stays after a recovery until it is forgotten.
  ResourceAction failed_action = ResourceAction::kProbe;
  Outcome failure;
  std::uint32_t fail_count = 0;  // since the executor started, or the failures were forgotten
  bool start_failed = false;     // a start failed since then
  bool unfit = false;            // its agent said that it cannot run on this node (codes 2 to 6)
  friend bool operator==(const ResourceStatus&, const ResourceStatus&) = default;
};

std::string_view ToText(ResourceAction action);  // "probe", "start", ...
std::string_view ToText(ResourceState state);    // "running", "stop failed", ...
std::string ToText(const Outcome& outcome);      // "not running (7)", "timed out", ...

}  // namespace fencepost
