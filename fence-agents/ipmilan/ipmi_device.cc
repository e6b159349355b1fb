#include "fence-agents/ipmilan/ipmi_device.h"

#include <algorithm>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/ipmilan/presence.h"
#include "fence-agents/ipmilan/verdict.h"

namespace fencepost::ipmilan {
namespace {

using agent::Cause;
using agent::Failure;
using agent::Phase;

constexpr std::uint8_t kGetChassisStatus = 0x01, kChassisControl = 0x02;
constexpr std::uint8_t kPowerDown = 0x00, kPowerUp = 0x01;
constexpr std::uint8_t kPowerIsOn = 0x01;

struct DeviceSettings {
  std::string host;
  std::optional<Privilege> privilege;
  Duration login_timeout{}, shell_timeout{};
  SessionSettings session;
};

class IpmiDevice : public agent::SingleDevice {
 public:
  explicit IpmiDevice(DeviceSettings settings) : s_(std::move(settings)) {}

  agent::PowerResult Status(const std::string&, MonoTime deadline) override {
    const auto open = Open(deadline);
    if (!open) return open.error();
    const auto answer =
        session_->Chassis(kGetChassisStatus, {}, Limit(deadline, s_.shell_timeout), nullptr);
    if (!answer) return answer.error();
    if (answer->size() < 2) {
      return Failure{Phase::kVerify,
                     Cause::kUnclear,
                     {s_.session.name, "gives an answer without a power state", ""}};
    }
    return ((*answer)[1] & kPowerIsOn) != 0 ? agent::PowerState::kOn : agent::PowerState::kOff;
  }

  agent::SwitchResult Switch(const std::string&, agent::PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto open = Open(deadline);
    if (!open) return open.error();
    const auto answer = session_->Chassis(
        kChassisControl, {wanted == agent::PowerState::kOn ? kPowerUp : kPowerDown},
        Limit(deadline, s_.shell_timeout), &permit);
    if (!answer) return answer.error();
    return Ok{};
  }

 private:
  static MonoTime Limit(MonoTime deadline, Duration limit) {
    return std::min(deadline, agent::BoottimeNow() + limit);
  }

  Result<Ok, Failure> Open(MonoTime deadline) {
    deadline = Limit(deadline, s_.login_timeout);
    if (!session_) {
      const auto address = agent::Resolve(s_.host, s_.session.port, s_.session.name, deadline);
      if (!address) return address.error();
      address_ = *address;
      s_.session.address = address->numeric;
      s_.session.ipv6 = address->ipv6;
      session_ = std::make_unique<Session>(s_.session);
    }
    auto open = session_->Open(s_.privilege.value_or(granted_), deadline);
    if (!open && !s_.privilege && granted_ == Privilege::kOperator &&
        IsPrivilegeRefusal(session_->last_code())) {
      granted_ = Privilege::kAdministrator;
      open = session_->Open(granted_, deadline);
    }
    if (open || open.error().cause != Cause::kUnreachable) return open;
    return Explain(open.error());
  }

  // "No answer" has several causes with different remedies.
  Failure Explain(Failure failure) {
    switch (AskPresence(address_, s_.session.port)) {
      case agent::Presence::kPortClosed:
        failure.cause = Cause::kRefused;
        failure.error.cause = "nothing listens on this port";
        failure.error.remedy = "check ipport, and that IPMI over LAN is enabled on the BMC";
        break;
      case agent::Presence::kAnswers:
        failure.cause = Cause::kRefused;
        failure.error.cause = "answers a presence ping but opens no RMCP+ session";
        failure.error.remedy = "see that IPMI 2.0 with cipher suite 3 is enabled on the BMC";
        break;
      case agent::Presence::kSilent:
        break;
    }
    return failure;
  }

  DeviceSettings s_;
  Privilege granted_ = Privilege::kOperator;
  agent::Address address_;
  std::unique_ptr<Session> session_;
};

Failure BadOption(std::string what, std::string cause, std::string remedy = {}) {
  return {
      Phase::kOptions, Cause::kBadOption, {std::move(what), std::move(cause), std::move(remedy)}};
}

std::optional<Privilege> ParsePrivilege(const std::string& text) {
  if (text == "callback") return Privilege::kCallback;
  if (text == "user") return Privilege::kUser;
  if (text == "operator") return Privilege::kOperator;
  if (text == "administrator") return Privilege::kAdministrator;
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<agent::Device>, Failure> MakeIpmiDevice(const agent::Values& values,
                                                               const agent::Login& login) {
  DeviceSettings s;
  s.host = values.Text(values.Flag("port_as_ip") ? "plug" : "ip");
  if (s.host.empty()) {
    return BadOption("option ip", "is missing",
                     "give the BMC's address by ip, or by plug together with port_as_ip=1");
  }
  if (login.username.size() > kMaxUsername) {
    return BadOption("option username", Cat("is longer than the ", kMaxUsername, " bytes of IPMI"));
  }
  if (login.password.size() > kMaxPassword) {
    return BadOption("the password", Cat("is longer than the ", kMaxPassword, " bytes of IPMI"));
  }
  if (values.Has("hexadecimal_kg")) {
    const std::string text = values.Text("hexadecimal_kg");
    auto kg = FromHex(text.starts_with("0x") ? text.substr(2) : text);
    if (!kg || kg->empty() || kg->size() > kKgSize) {
      return BadOption("option hexadecimal_kg", "is not an even number of up to 40 hex digits");
    }
    kg->resize(kKgSize);
    s.session.kg = std::move(*kg);
  }
  s.privilege = ParsePrivilege(values.Text("privlvl"));
  s.login_timeout = values.Time("login_timeout");
  s.shell_timeout = values.Time("shell_timeout");
  s.session.port = static_cast<std::uint16_t>(values.Number("ipport"));
  s.session.name = Cat("BMC ", agent::OneLine(s.host), ":", s.session.port);
  s.session.username = login.username;
  s.session.password = login.password;
  s.session.encrypt = values.Text("cipher") == "3";
  return std::unique_ptr<agent::Device>(std::make_unique<IpmiDevice>(std::move(s)));
}

}  // namespace fencepost::ipmilan
