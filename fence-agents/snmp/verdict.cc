#include "fence-agents/snmp/verdict.h"

#include "base/text.h"

namespace fencepost::snmp {
namespace {

constexpr long kTooBig = 1, kNoSuchName = 2, kReadOnly = 4, kNoAccess = 6, kNotWritable = 17,
               kNoCreation = 11, kAuthorization = 16, kResource = 13;
constexpr long kBadValue = 3, kWrongType = 7, kWrongLength = 8, kWrongEncoding = 9,
               kWrongValue = 10, kInconsistentValue = 12, kInconsistentName = 18;

}  // namespace

bool IsNoSuchName(long status) { return status == kNoSuchName; }

agent::Failure StatusFailure(long status, const std::string& name, bool switching) {
  using agent::Cause;
  using agent::Failed;
  using agent::Phase;
  const Phase phase = switching ? Phase::kAct : Phase::kVerify;
  switch (status) {
    case kNoSuchName:  // version 1 says this also to a community that may only read
    case kReadOnly:
    case kNoAccess:
    case kNotWritable:
    case kAuthorization:
      return Failed(Phase::kPrivilege, Cause::kNotPermitted, name,
                    switching ? "lets this community or user read, but not switch"
                              : "does not let this community or user read the state",
                    "give it write access to the outlets or ports on the device");
    case kBadValue:
    case kWrongType:
    case kWrongLength:
    case kWrongEncoding:
    case kWrongValue:
    case kNoCreation:
    case kInconsistentName:
      return Failed(phase, Cause::kDeviceError, name,
                    Cat("does not know this command (SNMP error ", status, ")"),
                    "its tables are of another kind than the agent took them for");
    case kInconsistentValue:
      return Failed(phase, Cause::kWrongState, name, "says that it cannot do this now",
                    "see whether another command is pending there", switching);
    case kTooBig:
    case kResource:
    default:
      return Failed(phase, Cause::kDeviceError, name,
                    Cat("failed at the request (SNMP error ", status, ")"), "ask again", switching);
  }
}

}  // namespace fencepost::snmp
