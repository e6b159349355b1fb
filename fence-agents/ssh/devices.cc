#include "fence-agents/ssh/devices.h"

#include <algorithm>

#include "base/text.h"
#include "fence-agents/ssh/screen.h"

namespace fencepost::ssh {
namespace {

using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;
using agent::PowerState;

// Foreign text, cut for a message.
std::string Shown(const std::string& text) {
  constexpr std::size_t kShown = 160;
  return agent::OneLine(Trim(std::string_view(text).substr(0, kShown)));
}

bool Mentions(const std::string& text, std::initializer_list<const char*> words) {
  const std::string lower = agent::LowerCase(text);
  return std::any_of(words.begin(), words.end(),
                     [&](const char* w) { return lower.find(w) != std::string::npos; });
}

bool IsRefusal(const std::string& text) {
  return Mentions(text, {"permission denied", "not authorized", "access denied", "not permitted",
                         "authentication unavailable", "password is required", "rbac"});
}

// Connects, asks the permit, runs the command.
Result<Answer, Failure> Command(Remote& remote, const std::string& command, MonoTime deadline,
                                const agent::SwitchPermit& permit) {
  deadline = std::min(deadline, permit.NotAfter());
  const auto connected = remote.Connect(deadline);
  if (!connected) return connected.error();
  const auto may = permit.Check();
  if (!may) return may.error();
  auto answer = remote.Run(command, deadline);
  if (answer && IsRefusal(answer->output)) {
    return Failed(Phase::kPrivilege, Cause::kNotPermitted, remote.Name(),
                  Cat("refuses '", command, "': ", Shown(answer->output)),
                  "give the user a role that may switch");
  }
  return answer;
}

class BrocadeDevice : public agent::Device {
 public:
  BrocadeDevice(std::unique_ptr<Remote> remote, bool persistent)
      : remote_(std::move(remote)), persistent_(persistent) {}

  agent::PowerResult Status(const std::string& plug, MonoTime deadline) override {
    const auto port = Find(plug, deadline);
    if (!port) return port.error();
    return port->disabled ? PowerState::kOff : PowerState::kOn;
  }

  agent::SwitchResult Switch(const std::string& plug, PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto port = Find(plug, deadline);
    if (!port) return port.error();
    const std::string verb = Cat(persistent_ ? "portcfgpersistent" : "port",
                                 wanted == PowerState::kOn ? "enable " : "disable ");
    const auto answer = Command(*remote_, verb + port->Name(), deadline, permit);
    if (!answer) return answer.error();
    if (answer->status.value_or(0) == 0 && !Mentions(answer->output, {"error", "invalid"})) {
      return Ok{};
    }
    return Failed(Phase::kAct, Cause::kDeviceError, remote_->Name(),
                  Cat("fails at '", verb, port->Name(), "': ", Shown(answer->output)), "", true);
  }

  Result<std::vector<agent::PlugRow>, Failure> List(MonoTime deadline) override {
    const auto ports = Ports(deadline);
    if (!ports) return ports.error();
    std::vector<agent::PlugRow> out;
    for (const FabricPort& port : *ports) {
      out.push_back({port.Name(), port.comment, port.disabled ? "OFF" : "ON"});
    }
    return out;
  }

 private:
  Result<std::vector<FabricPort>, Failure> Ports(MonoTime deadline) {
    const auto screen = remote_->Run("switchshow", deadline);
    if (!screen) {
      Failure failure = screen.error();
      failure.effect_unknown = false;
      return failure;
    }
    auto ports = ReadSwitchShow(screen->output);
    if (ports && !ports->empty()) return std::move(*ports);
    if (IsRefusal(screen->output)) {
      return Failed(Phase::kPrivilege, Cause::kNotPermitted, remote_->Name(),
                    Cat("refuses switchshow: ", Shown(screen->output)),
                    "give the user a role that may look and switch");
    }
    return Failed(Phase::kVerify, Cause::kUnclear, remote_->Name(),
                  Cat("answers switchshow with no table of ports: ", Shown(screen->output)),
                  "see that this is a Brocade switch");
  }

  // A director's ports are named SLOT/PORT; an index is understood on both kinds.
  Result<FabricPort, Failure> Find(const std::string& plug, MonoTime deadline) {
    const auto ports = Ports(deadline);
    if (!ports) return ports.error();
    std::vector<FabricPort> hits;
    for (const FabricPort& port : *ports) {
      if (port.Name() == plug || (!port.slot.empty() && port.index == plug)) hits.push_back(port);
    }
    if (IsPortName(plug) && hits.size() == 1) return hits[0];
    return Failed(Phase::kSelect, Cause::kNoSuchPlug, remote_->Name(),
                  Cat("has ", hits.size(), " ports '", agent::OneLine(plug), "'"),
                  "see action=list for its ports");
  }

  std::unique_ptr<Remote> remote_;
  bool persistent_;
};

class VirshDevice : public agent::Device {
 public:
  VirshDevice(std::unique_ptr<Remote> remote, VirshSettings settings)
      : remote_(std::move(remote)), s_(std::move(settings)) {}

  agent::PowerResult Status(const std::string& plug, MonoTime deadline) override {
    if (!IsDomainName(plug)) return NoSuchGuest(plug, "is no name of a guest");
    const auto answer = Ask("domstate " + plug, deadline);
    if (!answer) return answer.error();
    if (answer->status.value_or(0) == 0) {
      const auto state = ReadDomainState(answer->output);
      if (state) return *state == DomainState::kOn ? PowerState::kOn : PowerState::kOff;
      return Failed(Phase::kVerify, Cause::kUnclear, remote_->Name(),
                    Cat("says of ", plug, ": ", Shown(answer->output)), "see virsh domstate there");
    }
    if (Mentions(answer->output, {"failed to get domain"})) {
      if (s_.missing_as_off) return PowerState::kOff;
      return NoSuchGuest(plug, "does not exist there");
    }
    return Refused("domstate", *answer);
  }

  agent::SwitchResult Switch(const std::string& plug, PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    if (!IsDomainName(plug)) return NoSuchGuest(plug, "is no name of a guest");
    const std::string verb = wanted == PowerState::kOn ? "start " : "destroy ";
    const auto answer = Command(*remote_, Virsh() + verb + plug, deadline, permit);
    if (!answer) return answer.error();
    if (answer->status.value_or(0) == 0) return Ok{};
    Failure failure = Refused(verb, *answer);
    failure.phase = Phase::kAct;
    failure.effect_unknown = true;
    return failure;
  }

  Result<std::vector<agent::PlugRow>, Failure> List(MonoTime deadline) override {
    const auto answer = Ask("list --all", deadline);
    if (!answer) return answer.error();
    if (answer->status.value_or(0) != 0) return Refused("list", *answer);
    std::vector<agent::PlugRow> out;
    for (const DomainRow& row : ReadDomainList(answer->output)) {
      out.push_back({row.name, "",
                     !row.state                       ? "UNKNOWN"
                     : *row.state == DomainState::kOn ? "ON"
                                                      : "OFF"});
    }
    return out;
  }

 private:
  [[nodiscard]] std::string Virsh() const {
    return s_.sudo.empty() ? "virsh " : s_.sudo + " -n virsh ";
  }
  Result<Answer, Failure> Ask(const std::string& question, MonoTime deadline) {
    auto answer = remote_->Run(Virsh() + question, deadline);
    if (answer) return answer;
    Failure failure = answer.error();
    failure.effect_unknown = false;
    return failure;
  }
  [[nodiscard]] Failure NoSuchGuest(const std::string& plug, std::string_view why) const {
    return Failed(Phase::kSelect, Cause::kNoSuchPlug, remote_->Name(),
                  Cat("guest '", agent::OneLine(plug), "' ", why),
                  "see action=list for its guests");
  }
  [[nodiscard]] Failure Refused(std::string_view verb, const Answer& answer) const {
    if (IsRefusal(answer.output)) {
      return Failed(Phase::kPrivilege, Cause::kNotPermitted, remote_->Name(),
                    Cat("refuses virsh ", verb, ": ", Shown(answer.output)),
                    "let the user manage guests there, or set use_sudo");
    }
    return Failed(Phase::kVerify, Cause::kDeviceError, remote_->Name(),
                  Cat("fails at virsh ", verb, " (exit status ", answer.status.value_or(-1),
                      "): ", Shown(answer.output)),
                  "run it there by hand");
  }

  std::unique_ptr<Remote> remote_;
  VirshSettings s_;
};

}  // namespace

std::unique_ptr<agent::Device> MakeBrocadeDevice(std::unique_ptr<Remote> remote, bool persistent) {
  return std::make_unique<BrocadeDevice>(std::move(remote), persistent);
}
std::unique_ptr<agent::Device> MakeVirshDevice(std::unique_ptr<Remote> remote,
                                               VirshSettings settings) {
  return std::make_unique<VirshDevice>(std::move(remote), std::move(settings));
}

}  // namespace fencepost::ssh
