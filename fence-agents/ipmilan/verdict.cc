#include "fence-agents/ipmilan/verdict.h"

#include <array>
#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"

namespace fencepost::ipmilan {
namespace {

using agent::Cause;
using agent::Failure;
using agent::Phase;

constexpr int kRmcpPlusErrors = 0x02000000, kIpmiErrors = 0x01000000;
constexpr int kErrorClass = static_cast<int>(0xFFFFFF00), kErrorCode = 0xFF;
// RMCP+ status codes.
constexpr int kNoResources = 0x01, kInvalidRole = 0x09, kUnauthorizedRole = 0x0A,
              kNoRoleResources = 0x0B, kUnauthorizedName = 0x0D, kBadCheckValue = 0x0F;
// Completion codes.
constexpr std::uint8_t kBusy = 0xC0, kInvalidCommand = 0xC1, kTimeOut = 0xC3, kInvalidField = 0xCC,
                       kNoPrivilege = 0xD4, kNotInThisState = 0xD5;

std::string HexCode(int code) { return Hex(Bytes{static_cast<std::uint8_t>(code)}) + "h"; }

Failure RmcpPlusFailure(int code, const std::string& name, const std::string& user) {
  switch (code) {
    case kNoResources:
    case kNoRoleResources:
      return {Phase::kConnect,
              Cause::kRefused,
              {name, "has no free session", "end other sessions to the BMC, or ask again"}};
    case kInvalidRole:
    case kUnauthorizedRole:
      return {Phase::kPrivilege,
              Cause::kNotPermitted,
              {name, Cat("user '", user, "' may not open a session of this privilege"),
               "raise the user's privilege limit on the BMC to operator, or lower privlvl"}};
    case kUnauthorizedName:
      return {Phase::kAuth,
              Cause::kBadCredentials,
              {name, Cat("does not know user '", user, "', or not at this privilege"),
               "check username, and that the user is enabled for LAN on the BMC"}};
    case kBadCheckValue:
      return {Phase::kAuth,
              Cause::kBadCredentials,
              {name, Cat("rejects the password or key of user '", user, "'"),
               "check the password and hexadecimal_kg"}};
    default:
      return {Phase::kAuth,
              Cause::kRefused,
              {name, Cat("refuses the session (RMCP+ status ", HexCode(code), ")"),
               "see that cipher suite 3 is enabled on the BMC"}};
  }
}

}  // namespace

bool IsPrivilegeRefusal(int code) {
  // Unknown name is among them: a BMC may look the name up together with the privilege.
  const int status = code & kErrorCode;
  return ((code & kErrorClass) == kRmcpPlusErrors &&
          (status == kInvalidRole || status == kUnauthorizedRole)) ||
         code == (kIpmiErrors | kNoPrivilege);
}

Failure SessionFailure(int code, const std::string& name, const std::string& user) {
  if ((code & kErrorClass) == kRmcpPlusErrors) {
    return RmcpPlusFailure(code & kErrorCode, name, user);
  }
  if (code == (kIpmiErrors | kNoPrivilege)) return RmcpPlusFailure(kUnauthorizedRole, name, user);
  if (code == EINVAL) return RmcpPlusFailure(kBadCheckValue, name, user);
  return {Phase::kConnect,
          Cause::kUnreachable,
          {name, "gives no answer to an RMCP+ session request",
           "check ip and ipport, the cable, and that IPMI over LAN is enabled on the BMC"}};
}

Failure CommandFailure(std::uint8_t code, const std::string& name, bool switching) {
  const char* command = switching ? "the power command" : "the question for its power state";
  const Phase phase = switching ? Phase::kAct : Phase::kVerify;
  switch (code) {
    case kNoPrivilege:
      return {Phase::kPrivilege,
              Cause::kNotPermitted,
              {name, Cat("refuses ", command, ": the session's privilege is too low"),
               "raise the user's privilege limit on the BMC to operator, or set "
               "privlvl=administrator"}};
    case kInvalidCommand:
    case kInvalidField:
      return {phase,
              Cause::kDeviceError,
              {name, Cat("does not know ", command, " (completion code ", HexCode(code), ")"),
               "this BMC cannot be used for fencing"}};
    case kTimeOut:
      return {switching ? Phase::kAct : Phase::kConnect,
              Cause::kUnreachable,
              {name, Cat("gives no answer to ", command), "check the network and the BMC"},
              switching};
    case kBusy:
      return {phase,
              Cause::kDeviceError,
              {name, Cat("is too busy for ", command), "ask again"},
              switching};
    case kNotInThisState:
      return {phase,
              Cause::kWrongState,
              {name, Cat("says that ", command, " makes no sense in its present state"), ""},
              switching};
    default:
      return {phase,
              Cause::kDeviceError,
              {name, Cat("fails at ", command, " (completion code ", HexCode(code), ")"),
               "look at the BMC's event log"},
              switching};
  }
}

}  // namespace fencepost::ipmilan
