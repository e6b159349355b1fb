#include "fence-agents/fence_node/fence_node.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "fence-agents/agent/failure.h"
#include "stonith/arguments.h"
#include "stonith/drive_fencer.h"

namespace fencepost::fence_node {
namespace {

using stonith::Device;
using stonith::StartAgent;

constexpr int kAgentDone = 0, kAgentOn = 0, kAgentOff = 2;
constexpr stonith::RequestId kRequest = 1;            // the only one of this process
constexpr Duration kSlack = std::chrono::seconds(5);  // for starting agents

bool Reached(const ProcessEnd& end) { return end.started && !end.killed; }

class NodeCommand : private stonith::FencerListener {
 public:
  NodeCommand(const Arguments& arguments, const Site& site, const stonith::Invoker& invoker,
              stonith::AgentRunner& runner, FactSink& facts, const Tell& tell)
      : a_(arguments),
        site_(site),
        invoker_(invoker),
        runner_(runner),
        facts_(facts),
        tell_(tell) {}

  int Go() {
    auto target = ChooseTarget(site_, a_.node, invoker_.host);
    if (!target) return Refuse(target.error());
    target_ = std::move(*target);
    if (a_.action == Action::kFence && target_.is_this_host && !a_.force) {
      return Refuse({Cat("node ", target_.name), "is the node that this command runs on",
                     "run it on another node, or say --force"});
    }
    const auto& devices = a_.action == Action::kUnfence ? target_.unfence : target_.devices;
    if (devices.empty()) {
      Last("undefined", Cat("no fence device is configured for it; ", WhereToAdd(), " in ",
                            site_.config.paths.cib));
      return kUndefined;
    }
    for (const FenceDevice& device : devices) devices_.emplace_back().config = device;
    if (a_.method != 0 && !ChooseLevel()) return kUndefined;
    begun_ = runner_.Now();
    if (a_.action == Action::kStatus) return AskPower();
    return a_.action == Action::kFence ? Fence() : Unfence();
  }

 private:
  std::string WhereToAdd() const {
    if (site_.from_rhcs) {
      return a_.action == Action::kUnfence ? "add <unfence>" : "add <fence> with a <method>";
    }
    return Cat("add a <primitive class=\"stonith\"> with ", target_.name, " in its pcmk_host_list");
  }
  int Refuse(const Error& error) {
    runner_.Err(Cat("fence_node: ", error.Text(), "\n"));
    return kFailed;
  }
  void Last(std::string_view verdict, std::string_view text) {
    runner_.Err(Cat(Name(a_.action), " ", target_.name, " ", verdict, ": ", text, "\n"));
  }
  void Phase(std::string_view text) {
    runner_.Err(Cat("  +", runner_.Now() - begun_, "  ", text, "\n"));
  }
  // Lines of somebody else, without what could move the terminal's cursor.
  void Quote(std::string_view whose, std::string_view text) {
    for (const std::string& line : Split(Trim(text), '\n')) {
      if (!line.empty()) runner_.Err(Cat("      ", whose, "| ", agent::OneLine(line), "\n"));
    }
  }
  void Record(Severity severity, std::string_view name, std::string_view why) {
    Fact fact{severity, name, {}};
    fact.With("node", target_.name).With("by", invoker_.user);
    if (!why.empty()) fact.With("why", why);
    facts_.Record(fact);
  }

  stonith::FencerConfig Configured() const {
    return {devices_, {{target_.id, target_.name}}, target_.levels};
  }
  bool ChooseLevel() {
    const auto levels = LevelsOf(Configured(), target_.id);
    const auto at = static_cast<std::size_t>(a_.method) - 1;
    if (at >= levels.size()) {
      Last("undefined", Cat("it has ", levels.size(), " levels, no level ", a_.method));
      return false;
    }
    FenceLevel only{"chosen", target_.id, levels[at].index, {}};
    for (const stonith::Outlet& outlet : levels[at].outlets) {
      only.devices.push_back(devices_[outlet.device].config.id);
    }
    target_.levels = {only};
    return true;
  }
  // As long as all devices may take, each at its limits: none eats the time of the next.
  MonoTime Limit() const {
    Duration whole = kSlack;
    for (const Device& d : devices_) {
      whole +=
          d.config.off_attempts * (d.config.off_timeout + d.config.status_timeout + d.retry_gap) +
          d.config.on_timeout;
    }
    return begun_ + whole;
  }

  int Fence() {
    if (!site_.cib.stonith_enabled) {
      runner_.Err(Cat("note: stonith-enabled=false in ", site_.config.paths.cib,
                      ": the cluster itself fences nobody; this command does\n"));
    }
    const bool reboot = target_.action == FenceAction::kReboot;
    runner_.Err(Cat("fencing ", target_.name, " (", reboot ? "off, verified, on" : "off, verified",
                    ") by ", devices_.size(), devices_.size() == 1 ? " device" : " devices",
                    ", asked by ", invoker_.user, "\n"));
    Record(Severity::kWarning, "operator-fencing", reboot ? "reboot" : "off");
    stonith::Fencer fencer(Configured());
    const bool whole = DriveFencer(
        fencer,
        stonith::FenceAsked{kRequest, target_.id, target_.action, Term(1, target_.id), Limit()},
        runner_, *this);
    if (fenced_ && *fenced_) return TellProof(**fenced_, whole);
    const std::string why = !whole ? "interrupted; the agent was stopped"
                                   : (FENCEPOST_CHECK(fenced_), fenced_->error().Text());
    Record(Severity::kError, "operator-fence-failed", why);
    Last("failed", Cat(why, "; its power is unknown, ask with fence_node -S ", target_.name));
    return kFailed;
  }

  int TellProof(const stonith::Evidence& proof, bool whole) {
    std::string text = Cat("powered off and verified by ", proof.device, "; off begun at +",
                           proof.off_begun_at - begun_, ", verified at +", proof.ended_at - begun_);
    if (powered_on_) text += "; powered on again";
    if (target_.action == FenceAction::kReboot && !powered_on_) {
      text += Cat(whole ? "; did not power on again" : "; interrupted before it was on again",
                  ", see fence_node -U ", target_.name);
    }
    Record(Severity::kWarning, "operator-fenced", text);
    Last("success", text);
    return kDone;
  }

  // At once: what the node had can be recovered while it boots.
  void TellCluster(const stonith::Evidence& proof) {
    const Status told = proof.coverage.node
                            ? tell_(target_.name, proof, invoker_.user)
                            : Status(Error{Cat("only its ", ToText(proof.coverage)), "is cut off",
                                           "that is no proof that it is off"});
    Phase(told ? "the daemon of this node knows that it is off"
               : Cat("the cluster is not told: ", told.error().Text()));
  }

  int AskPower() {
    stonith::Fencer fencer(Configured());
    const bool whole =
        DriveFencer(fencer, stonith::StatusAsked{kRequest, target_.id, Limit()}, runner_, *this);
    if (!power_ || power_->power == stonith::Power::kUnknown) {
      Last("failed", Cat("its power is unknown: ", whole ? power_->reason : "interrupted"));
      return kFailed;
    }
    Last(Cat("success ", stonith::Name(power_->power)),
         Cat("said by ", last_device_, "; asked at +", power_->begun_at - begun_, ", answered at +",
             power_->ended_at - begun_));
    return kDone;
  }

  // Every device: an earlier fence may have used any of them, and one may feed another. Therefore
  // what failed is tried once more when something else was switched on.
  int Unfence() {
    Record(Severity::kNotice, "operator-unfencing", "");
    std::vector<const Device*> waiting;
    for (const Device& device : devices_) waiting.push_back(&device);
    std::string why;
    for (std::size_t before = waiting.size() + 1; !waiting.empty() && waiting.size() < before;) {
      before = waiting.size();
      std::erase_if(waiting, [&](const Device* device) {
        return !runner_.Interrupted() && PowerOn(*device, &why);
      });
    }
    if (runner_.Interrupted()) why = "interrupted; its power is unknown";
    if (waiting.empty()) {
      Record(Severity::kNotice, "operator-unfenced", "");
      Last("success", Cat("powered on by ", devices_.size() == 1 ? last_device_ : "all its devices",
                          " at +", runner_.Now() - begun_));
      return kDone;
    }
    Record(Severity::kError, "operator-unfence-failed", why);
    Last("failed", why);
    return kFailed;
  }

  bool PowerOn(const Device& device, std::string* why) {
    const MonoTime limit = runner_.Now() + device.config.on_timeout;
    const StartAgent start{0,
                           device.config.id,
                           device.config.agent,
                           "on",
                           stonith::AgentInput(device, device.config.targets.at(target_.id),
                                               target_.name, "on", limit),
                           limit};
    Begun(start);
    const auto end = RunToEnd(start, runner_, *this);
    if (end.started && !end.killed && end.exit_code == kAgentDone) return true;
    *why = AgentError(Cat("device ", device.config.id, ", on of ", target_.name), end).Text();
    return false;
  }

  void Begun(const StartAgent& start) {
    std::string_view what = "power on";
    if (start.action == "off") what = "power off";
    if (start.action == "status") {
      what = a_.action == Action::kStatus ? "ask for its power" : "verify that it is off";
    }
    Phase(Cat(start.device, " (", start.agent, "): ", what));
    if (a_.verbose >= 2) Quote("told", WithoutSecrets(start.stdin_text));
  }

  // The CIB's reader refuses passwords; an SNMP community it lets pass.
  static std::string WithoutSecrets(const std::string& input) {
    std::string out;
    for (const std::string& line : Split(input, '\n')) {
      const auto name = line.substr(0, line.find('='));
      out += stonith::IsSecretName(name) ? Cat(name, "=***\n") : line + "\n";
    }
    return out;
  }

  void Ended(const StartAgent& start, const ProcessEnd& end) override {
    last_device_ = start.device;
    if (a_.verbose >= 1) Quote("said", end.output + end.errors);
    Phase(Cat(start.device, ": ", Meaning(start, end)));
  }

  std::string Meaning(const StartAgent& start, const ProcessEnd& end) {
    const bool asked = start.action == "status";
    if (Reached(end) && asked && end.exit_code == kAgentOff) return "it is off";
    if (Reached(end) && asked && end.exit_code == kAgentOn) return "it is on";
    if (Reached(end) && end.exit_code == kAgentDone) {
      powered_on_ = start.action == "on";
      return start.action == "on" ? "the agent powered it on" : "the agent powered it off";
    }
    if (runner_.Interrupted()) return "interrupted";
    std::string text = Cat("failed: ", AgentError("", stonith::ToAgentEnded(start.run, end)).cause);
    if (!end.started)
      text += Cat(" (looked for in ", site_.config.paths.agent_dir, " and ",
                  config::kForeignAgentDir, ")");
    return text;
  }

  void Effect(const stonith::FencerEffect& effect) override {
    if (const auto* start = std::get_if<StartAgent>(&effect)) Begun(*start);
    if (const auto* answer = std::get_if<stonith::FenceAnswer>(&effect)) {
      fenced_ = answer->result;
      if (answer->result.ok()) TellCluster(*answer->result);
    }
    if (const auto* answer = std::get_if<stonith::StatusAnswer>(&effect)) power_ = *answer;
  }

  const Arguments& a_;
  const Site& site_;
  const stonith::Invoker& invoker_;
  stonith::AgentRunner& runner_;
  FactSink& facts_;
  const Tell& tell_;
  Target target_;
  std::vector<Device> devices_;
  MonoTime begun_{};
  std::string last_device_;
  bool powered_on_ = false;
  std::optional<Result<stonith::Evidence>> fenced_;
  std::optional<stonith::StatusAnswer> power_;
};

}  // namespace

int RunFenceNode(const Arguments& arguments, const Site& site, const stonith::Invoker& invoker,
                 stonith::AgentRunner& runner, FactSink& facts, const Tell& tell) {
  return NodeCommand(arguments, site, invoker, runner, facts, tell).Go();
}

}  // namespace fencepost::fence_node
