// fence_* and rhcs/*: agents of the fence agent protocol. Off is proved by the fencer.
#include <algorithm>

#include "base/text.h"
#include "stonith/device_type.h"
#include "stonith/drive_fencer.h"
#include "stonith/metadata.h"

namespace fencepost::stonith {
namespace {

constexpr Duration kMetadataLimit = std::chrono::seconds(10);
const NodeId kTarget{1};
const Term kByHand(1, kTarget);  // an operator's act: one request in this process's life

int CodeOf(const Error& error, int otherwise) {
  if (error.cause.find("phase=options") != std::string::npos) return kInvalid;
  if (error.cause.find("cause=deadline") != std::string::npos) return kTimeOut;
  return otherwise;
}

class AgentType : public DeviceType, private FencerListener {
 public:
  explicit AgentType(const Console& console) : console_(console), a_(console.arguments) {
    agent_name_ = a_.type.starts_with("rhcs/") ? "fence_" + a_.type.substr(5) : a_.type;
  }

  int Learn() override {
    const auto end =
        console_.host.Run(agent_name_, "action=metadata\n", console_.host.Now() + kMetadataLimit);
    if (!end.started || end.killed || end.exit_code != 0) {
      return console_.Fail(AgentError(Cat("device type ", a_.type), ToAgentEnded(0, end)).Text(),
                           kOops);
    }
    auto described = ParseMetadata(a_.type, end.output);
    if (!described) return console_.Fail(described.error().Text(), kOops);
    agent_ = std::move(*described);
    return kOk;
  }
  std::vector<std::string> Names() const override { return OperatorNames(agent_); }
  bool Knows(const std::string& name) const override {
    return name == "hostlist" || agent_.Has(name);
  }
  std::string Metadata() override { return GlueMetadata(agent_); }
  std::string Help() override { return GlueHelp(agent_); }
  bool NeedsParameters() const override { return false; }
  void Configure(Parameters parameters) override { parameters_ = std::move(parameters); }

  int TestDevice() override {
    const AgentEnded end = RunOnce("monitor", "");
    // Some agents of one plug answer 2 here when the machine is off: the device was reached.
    const bool reached = end.started && !end.killed && (end.exit_code == 0 || end.exit_code == 2);
    if (reached) {
      if (!a_.silent) console_.Info(Cat(a_.type, " device OK."));
      return kOk;
    }
    const Error error = AgentError(Cat("device ", a_.type), end);
    if (!a_.silent) {
      console_.Fail(Cat(a_.type, " device not accessible. ", error.Text()), kAccess);
    }
    return CodeOf(error, kAccess);
  }

  int ListHosts(std::vector<std::string>* hosts) override {
    *hosts = HostList(parameters_);
    if (!hosts->empty()) return kOk;
    const AgentEnded end = RunOnce("list", "");
    if (!end.started || end.killed || end.exit_code != 0) {
      return console_.Fail(Cat("Could not list hosts for ", a_.type, ". ",
                               AgentError(Cat("device ", a_.type), end).Text()),
                           kListFailed);
    }
    for (const std::string& line : Split(output_, '\n')) {
      const std::string plug = line.substr(0, line.find(','));
      if (!plug.empty() && plug != "N/A") hosts->push_back(plug);
    }
    if (!hosts->empty()) return kOk;
    return console_.Fail(
        Cat("Could not list hosts for ", a_.type,
            ". The device has one machine and does not know its name; give hostlist=NODE"),
        kListFailed);
  }

  int Switch(stonith::Switch change, const std::string& node) override {
    node_ = node;
    if (change != stonith::Switch::kOn) return ProveOff(change);
    const AgentEnded end = RunOnce("on", node);
    if (end.started && !end.killed && end.exit_code == 0) {
      console_.Info(Cat(node, ": is on"));
      return kOk;
    }
    const Error error = AgentError(Cat("power on of ", node), end);
    return console_.Fail(error.Text(), CodeOf(error, kResetFailed));
  }

 private:
  Device MakeDevice() const {
    Device device;
    device.config.id = a_.type;
    device.config.agent = agent_name_;
    device.config.parameters = parameters_;
    device.config.parameters.erase("hostlist");
    const bool named = parameters_.contains("plug") || parameters_.contains("port");
    const bool takes_plug = agent_.Has("plug") || agent_.Has("port");
    device.config.targets[kTarget] = takes_plug && !named ? node_ : "";
    device.understands_not_after = agent_.Has("not_after_ms");
    device.config.off_attempts = 1;
    device.config.off_timeout = device.config.on_timeout = device.config.status_timeout =
        a_.time_limit;
    return device;
  }

  AgentEnded RunOnce(std::string_view action, const std::string& node) {
    const Device device = MakeDevice();
    const MonoTime limit = console_.Limit();
    StartAgent start{0,
                     device.config.id,
                     device.config.agent,
                     std::string(action),
                     AgentInput(device, device.config.targets.at(kTarget), node, action, limit),
                     limit};
    return RunToEnd(start, console_.host, *this);
  }

  int ProveOff(stonith::Switch change) {
    Fencer fencer({{MakeDevice()}, {{kTarget, node_}}});
    const auto action =
        change == stonith::Switch::kReset ? FenceAction::kReboot : FenceAction::kOff;
    begun_ = console_.host.Now();
    const bool whole = DriveFencer(
        fencer, FenceAsked{1, kTarget, action, kByHand, console_.Limit()}, console_.host, *this);
    return whole ? code_
                 : console_.Fail(Cat(node_, ": interrupted, its power is unknown"), kResetFailed);
  }

  void Effect(const FencerEffect& effect) override {
    if (const auto* answer = std::get_if<FenceAnswer>(&effect)) code_ = Tell(answer->result);
    if (const auto* fact = std::get_if<Fact>(&effect)) {
      if (fact->name == "fence-on-failed") console_.Warn(fact->Text());
    }
  }

  void Ended(const StartAgent& start, const ProcessEnd& end) override {
    if (a_.debug) {
      console_.host.Err(Cat("debug: ", start.agent, " ", start.action, ": exit ", end.exit_code,
                            end.killed ? ", killed" : "", ", ", end.took, "\n", end.output,
                            end.errors));
    }
    output_ = end.output;
  }

  int Tell(const Result<Evidence>& result) {
    if (!result) return console_.Fail(result.error().Text(), CodeOf(result.error(), kResetFailed));
    console_.Info(
        Cat(node_, ": powered off, proved by ", a_.type, " after ", result->ended_at - begun_));
    return kOk;
  }

  Console console_;
  const Arguments& a_;
  std::string agent_name_, node_;
  AgentDescription agent_;
  Parameters parameters_;
  std::string output_;  // stdout of the last agent
  MonoTime begun_{};
  int code_ = kOops;
};

}  // namespace

std::unique_ptr<DeviceType> MakeAgentType(const Console& console) {
  return std::make_unique<AgentType>(console);
}

}  // namespace fencepost::stonith
