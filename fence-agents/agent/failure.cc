#include "fence-agents/agent/failure.h"

#include "base/text.h"

namespace fencepost::agent {

std::string_view Name(Phase phase) {
  switch (phase) {
    case Phase::kOptions:
      return "options";
    case Phase::kResolve:
      return "resolve";
    case Phase::kConnect:
      return "connect";
    case Phase::kAuth:
      return "auth";
    case Phase::kPrivilege:
      return "privilege";
    case Phase::kSelect:
      return "select";
    case Phase::kAct:
      return "act";
    case Phase::kVerify:
      return "verify";
  }
  return "unknown";
}

std::string_view Name(Cause cause) {
  switch (cause) {
    case Cause::kBadOption:
      return "bad-option";
    case Cause::kUnknownHost:
      return "unknown-host";
    case Cause::kUnreachable:
      return "unreachable";
    case Cause::kRefused:
      return "refused";
    case Cause::kBadCredentials:
      return "bad-credentials";
    case Cause::kNotPermitted:
      return "not-permitted";
    case Cause::kNoSuchPlug:
      return "no-such-plug";
    case Cause::kDeviceError:
      return "device-error";
    case Cause::kWrongState:
      return "wrong-state";
    case Cause::kUnclear:
      return "unclear";
    case Cause::kDeadline:
      return "deadline";
    case Cause::kLocalProblem:
      return "local-problem";
  }
  return "unknown";
}

std::string OneLine(std::string_view text) {
  std::string out(text.substr(0, kMaxLine));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

Failure Failed(Phase phase, Cause cause, std::string what, std::string why, std::string remedy,
               bool effect_unknown) {
  return {phase, cause, {std::move(what), std::move(why), std::move(remedy)}, effect_unknown};
}

std::string Failure::Line(std::string_view program) const {
  return OneLine(
      Cat(program, ": failed phase=", Name(phase), " cause=", Name(cause), ": ", error.Text()));
}

std::optional<FailureWords> ParseFailureLine(std::string_view line) {
  constexpr std::string_view kPhase = ": failed phase=", kCause = " cause=";
  const auto at = line.find(kPhase);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = line.substr(at + kPhase.size());
  const auto cause_at = rest.find(kCause);
  if (cause_at == std::string_view::npos) return std::nullopt;
  FailureWords words;
  words.phase = rest.substr(0, cause_at);
  rest.remove_prefix(cause_at + kCause.size());
  const auto colon = rest.find(": ");
  if (colon == std::string_view::npos) return std::nullopt;
  words.cause = rest.substr(0, colon);
  words.text = OneLine(rest.substr(colon + 2));
  const auto word = [](std::string_view w) {
    return !w.empty() &&
           w.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
  };
  if (!word(words.phase) || !word(words.cause)) return std::nullopt;
  return words;
}

}  // namespace fencepost::agent
