#include "base/resource.h"

#include "base/text.h"

namespace fencepost {

std::string_view ToText(ResourceAction action) {
  switch (action) {
    case ResourceAction::kProbe:
      return "probe";
    case ResourceAction::kStart:
      return "start";
    case ResourceAction::kStop:
      return "stop";
    case ResourceAction::kMonitor:
      return "monitor";
  }
  return "no such action";
}

std::string_view ToText(ResourceState state) {
  switch (state) {
    case ResourceState::kUnknown:
      return "unknown";
    case ResourceState::kStopped:
      return "stopped";
    case ResourceState::kStarting:
      return "starting";
    case ResourceState::kRunning:
      return "running";
    case ResourceState::kStopping:
      return "stopping";
    case ResourceState::kFailed:
      return "failed";
    case ResourceState::kStopFailed:
      return "stop failed";
  }
  return "no such state";
}

namespace {
std::string_view OcfText(int code) {
  switch (code) {
    case kOcfSuccess:
      return "success";
    case kOcfGenericError:
      return "error";
    case kOcfBadArguments:
      return "bad arguments";
    case kOcfUnimplemented:
      return "not implemented";
    case kOcfNoPrivilege:
      return "insufficient privileges";
    case kOcfNotInstalled:
      return "not installed";
    case kOcfNotConfigured:
      return "not configured";
    case kOcfNotRunning:
      return "not running";
    case kOcfRunningPromoted:
      return "running as promoted";
    case kOcfFailedPromoted:
      return "failed as promoted";
    default:
      return "exit code outside OCF";
  }
}
}  // namespace

std::string ToText(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kExited:
      return Cat(OcfText(outcome.code), " (", outcome.code, ")");
    case Outcome::Kind::kCrashed:
      return "its agent crashed";
    case Outcome::Kind::kTimedOut:
      return "timed out";
    case Outcome::Kind::kCutOff:
      return "killed when its authority ended";
    case Outcome::Kind::kExpired:
      return "not begun: its authority had ended";
    case Outcome::Kind::kSuperseded:
      return "superseded by a stop";
    case Outcome::Kind::kRefused:
      return "refused: the resource is busy, in another state, or not configured";
    case Outcome::Kind::kNotExecuted:
      return "its agent could not be started";
  }
  return "no such outcome";
}

}  // namespace fencepost
