#include "stonith/command.h"

#include <algorithm>

#include "base/text.h"
#include "stonith/drive_fencer.h"
#include "stonith/metadata.h"

namespace fencepost::stonith {
namespace {

constexpr Duration kMetadataLimit = std::chrono::seconds(10);
constexpr std::string_view kVersion = FENCEPOST_VERSION;
const NodeId kTarget{1};
const Term kByHand(1, kTarget);  // an operator's act: one request in this process's life

class CommandRun : private FencerListener {
 public:
  CommandRun(const Arguments& arguments, AgentRunner& runner) : a_(arguments), runner_(runner) {}

  int Go() {
    if (a_.version) return Print(Cat("stonith: Fencepost ", kVersion, "\n"));
    if (a_.list_types) return ListTypes();
    if (a_.help && a_.type.empty()) return Print(std::string(Usage()));
    auto described = Describe();
    if (!described) return Fail(described.error().Text(), kOops);
    agent_ = std::move(*described);
    if (a_.help) return Print(GlueHelp(agent_));
    if (a_.names) return Print(GlueNames(agent_));
    if (a_.metadata) return Print(GlueMetadata(agent_));
    const int unknown = CheckNames();
    if (unknown != kOk) return unknown;
    int code = kOk;
    if (a_.status) code = TestDevice();
    if (a_.hosts) code = ListHosts();
    if (a_.change) code = SwitchNode();
    return code;
  }

 private:
  int Print(const std::string& text) {
    runner_.Out(text);
    return kOk;
  }
  int Fail(const std::string& text, int code) {
    runner_.Err(Cat("ERROR: ", text, "\n"));
    return code;
  }
  void Info(const std::string& text) { runner_.Err(Cat("info: ", text, "\n")); }

  int ListTypes() {
    for (const std::string& name : runner_.Agents()) runner_.Out(name + "\n");
    return kOk;
  }

  Result<AgentDescription> Describe() {
    const auto end = runner_.Run(a_.type, "action=metadata\n", runner_.Now() + kMetadataLimit);
    if (!end.started || end.killed || end.exit_code != 0) {
      return AgentError(Cat("device type ", a_.type), ToAgentEnded(0, end));
    }
    return ParseMetadata(a_.type, end.output);
  }

  int CheckNames() {
    for (const auto& [name, value] : a_.parameters) {
      if (name == "hostlist" || agent_.Has(name)) continue;
      return Fail(Cat("parameter ", name, ": is not known to ", a_.type,
                      "; valid names: ", GlueNames(agent_)),
                  kInvalid);
    }
    return kOk;
  }

  void Ended(const StartAgent& start, const ProcessEnd& end) override {
    if (a_.debug) {
      runner_.Err(Cat("debug: ", start.agent, " ", start.action, ": exit ", end.exit_code,
                      end.killed ? ", killed" : "", ", ", end.took, "\n", end.output, end.errors));
    }
    output_ = end.output;
  }

  Device MakeDevice() const {
    Device device;
    device.config.id = a_.type;
    device.config.agent = a_.type;
    device.config.parameters = a_.parameters;
    device.config.parameters.erase("hostlist");
    const bool named = a_.parameters.contains("plug") || a_.parameters.contains("port");
    const bool takes_plug = agent_.Has("plug") || agent_.Has("port");
    device.config.targets[kTarget] = takes_plug && !named ? a_.node : "";
    device.understands_not_after = agent_.Has("not_after_ms");
    device.config.off_attempts = 1;
    device.config.off_timeout = device.config.on_timeout = device.config.status_timeout =
        a_.time_limit;
    return device;
  }

  AgentEnded RunOnce(std::string_view action) {
    const Device device = MakeDevice();
    const MonoTime limit = runner_.Now() + a_.time_limit;
    StartAgent start{0,
                     device.config.id,
                     device.config.agent,
                     std::string(action),
                     AgentInput(device, device.config.targets.at(kTarget), a_.node, action, limit),
                     limit};
    return RunToEnd(start, runner_, *this);
  }

  static int CodeOf(const Error& error, int otherwise) {
    if (error.cause.find("phase=options") != std::string::npos) return kInvalid;
    if (error.cause.find("cause=deadline") != std::string::npos) return kTimeOut;
    return otherwise;
  }

  int TestDevice() {
    const AgentEnded end = RunOnce("monitor");
    // Some agents of one plug answer 2 here when the machine is off: the device was reached.
    const bool reached = end.started && !end.killed && (end.exit_code == 0 || end.exit_code == 2);
    if (reached) {
      if (!a_.silent) Info(Cat(a_.type, " device OK."));
      return kOk;
    }
    const Error error = AgentError(Cat("device ", a_.type), end);
    if (!a_.silent) Fail(Cat(a_.type, " device not accessible. ", error.Text()), kAccess);
    return CodeOf(error, kAccess);
  }

  std::vector<std::string> HostList() const {
    std::vector<std::string> out;
    const auto it = a_.parameters.find("hostlist");
    if (it == a_.parameters.end()) return out;
    std::string text = it->second;
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == ',' || c == '\t'; }, ' ');
    for (std::string& host : Split(text, ' ')) {
      if (!host.empty()) out.push_back(std::move(host));
    }
    return out;
  }

  int ListHosts() {
    std::vector<std::string> hosts = HostList();
    if (hosts.empty()) {
      const AgentEnded end = RunOnce("list");
      if (!end.started || end.killed || end.exit_code != 0) {
        return Fail(Cat("Could not list hosts for ", a_.type, ". ",
                        AgentError(Cat("device ", a_.type), end).Text()),
                    kListFailed);
      }
      for (const std::string& line : Split(output_, '\n')) {
        const std::string plug = line.substr(0, line.find(','));
        if (!plug.empty() && plug != "N/A") hosts.push_back(plug);
      }
    }
    if (hosts.empty()) {
      return Fail(
          Cat("Could not list hosts for ", a_.type,
              ". The device has one machine and does not know its name; give hostlist=NODE"),
          kListFailed);
    }
    for (const std::string& host : hosts) runner_.Out(host + "\n");
    return kOk;
  }

  int SwitchNode() {
    const auto hosts = HostList();
    if (!hosts.empty() && std::find(hosts.begin(), hosts.end(), a_.node) == hosts.end()) {
      return Fail(Cat("node ", a_.node, ": is not among the hostlist of this device"), kBadHost);
    }
    if (*a_.change == Switch::kOn) {
      const AgentEnded end = RunOnce("on");
      if (end.started && !end.killed && end.exit_code == 0) {
        Info(Cat(a_.node, ": is on"));
        return kOk;
      }
      const Error error = AgentError(Cat("power on of ", a_.node), end);
      return Fail(error.Text(), CodeOf(error, kResetFailed));
    }
    return ProveOff();
  }

  int ProveOff() {
    Fencer fencer({{MakeDevice()}, {{kTarget, a_.node}}});
    const auto action = *a_.change == Switch::kReset ? FenceAction::kReboot : FenceAction::kOff;
    begun_ = runner_.Now();
    const bool whole = DriveFencer(
        fencer, FenceAsked{1, kTarget, action, kByHand, begun_ + a_.time_limit}, runner_, *this);
    return whole ? code_ : Fail(Cat(a_.node, ": interrupted, its power is unknown"), kResetFailed);
  }

  void Effect(const FencerEffect& effect) override {
    if (const auto* answer = std::get_if<FenceAnswer>(&effect)) code_ = Tell(answer->result);
    if (const auto* fact = std::get_if<Fact>(&effect)) {
      if (fact->name == "fence-on-failed") runner_.Err(Cat("WARN: ", fact->Text(), "\n"));
    }
  }

  int Tell(const Result<Evidence>& result) {
    if (!result) return Fail(result.error().Text(), CodeOf(result.error(), kResetFailed));
    Info(Cat(a_.node, ": powered off, proved by ", a_.type, " after ", result->ended_at - begun_));
    return kOk;
  }

  const Arguments& a_;
  AgentRunner& runner_;
  AgentDescription agent_;
  std::string output_;  // stdout of the last agent
  MonoTime begun_{};
  int code_ = kOops;
};

}  // namespace

int RunCommand(const Arguments& arguments, AgentRunner& runner) {
  for (const std::string& warning : arguments.warnings) runner.Err(Cat("WARN: ", warning, "\n"));
  return CommandRun(arguments, runner).Go();
}

}  // namespace fencepost::stonith
