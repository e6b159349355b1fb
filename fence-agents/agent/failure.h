// Why a fence device did not do what was asked: one type from the packet to the last stderr line.
//
// Promise: Line() is a single line of printable text; it never holds a secret. phase= and cause=
//          are stable words, made to be read by programs (the fencer reads them back).
// Errors:  none.
// Source:  study of completion codes and field failures; words that hosts search for in stderr
//          ("timed out") appear only where they are true.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fencepost::agent {

// How far the agent came.
enum class Phase { kOptions, kResolve, kConnect, kAuth, kPrivilege, kSelect, kAct, kVerify };
enum class Cause {
  kBadOption,       // what was asked makes no sense or is unsafe
  kUnknownHost,     // the name has no address
  kUnreachable,     // nothing answered
  kRefused,         // something answered and said no
  kBadCredentials,  // user, password or key
  kNotPermitted,    // the user may not do this
  kNoSuchPlug,
  kDeviceError,   // the device reports that it failed
  kWrongState,    // it answers, but not what was commanded
  kUnclear,       // the answers contradict each other or say nothing
  kDeadline,      // not_after has passed
  kLocalProblem,  // on this machine: a file, a script, memory
};
std::string_view Name(Phase phase);
std::string_view Name(Cause cause);

struct Failure {
  Phase phase = Phase::kConnect;
  Cause cause = Cause::kUnreachable;
  Error error{};
  // A switching command was, or may have been, sent: only a fresh read tells what it did.
  bool effect_unknown = false;
  // "fence_x: failed phase=auth cause=bad-credentials: BMC 10.0.0.5: refuses user a; check ..."
  [[nodiscard]] std::string Line(std::string_view program) const;
};

Failure Failed(Phase phase, Cause cause, std::string what, std::string why, std::string remedy = {},
               bool effect_unknown = false);

// Reads phase and cause back from the last line an agent wrote to stderr; nullopt for a line of
// another form (agents of other projects).
struct FailureWords {
  std::string phase, cause, text;
};
std::optional<FailureWords> ParseFailureLine(std::string_view line);

// Foreign text made fit for one log line: control characters become '?', cut at kMaxLine.
inline constexpr std::size_t kMaxLine = 1000;
std::string OneLine(std::string_view text);

}  // namespace fencepost::agent
