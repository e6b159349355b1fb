#include "stonith/rehearsal/rehearsal.h"

#include <algorithm>

#include "base/text.h"
#include "stonith/drive_fencer.h"

namespace fencepost::stonith {
namespace {

constexpr RequestId kRequest = 1;
constexpr int kAgentOn = 0, kAgentOff = 2, kAgentDone = 0;
constexpr std::string_view kOnlyByDoing = "not provable without --disruptive";

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

const SeenNode* Find(const ClusterSight& sight, const std::string& name) {
  const auto it = std::find_if(sight.nodes.begin(), sight.nodes.end(),
                               [&](const SeenNode& node) { return node.name == name; });
  return it == sight.nodes.end() ? nullptr : &*it;
}

// Which agents' status read already needs the right to switch.
std::optional<std::string> PrivilegeByStatus(const FenceDevice& device) {
  const auto level = device.parameters.find("privlvl");
  const bool may = level == device.parameters.end() || Lower(level->second) == "operator" ||
                   Lower(level->second) == "administrator";
  if (device.agent == "fence_ipmilan" && may) {
    return "its session was opened at operator or above, which may switch the chassis";
  }
  return std::nullopt;
}

class Recorder : public FencerListener {
 public:
  void Effect(const FencerEffect& effect) override {
    if (const auto* answer = std::get_if<FenceAnswer>(&effect)) result = answer->result;
  }
  void Ended(const StartAgent&, const ProcessEnd&) override {}
  std::optional<Result<Evidence>> result;
};

}  // namespace

std::string Rehearsal::NameOf(NodeId node) const {
  const auto it = config_.node_names.find(node);
  return it == config_.node_names.end() ? Cat("node ", node) : it->second;
}

ProcessEnd Rehearsal::Ask(const Outlet& outlet, NodeId node, std::string_view action,
                          Duration limit) {
  const Device& device = config_.devices[outlet.device];
  const MonoTime until = runner_.Now() + limit;
  return runner_.Run(device.config.agent,
                     AgentInput(device, outlet.plug, NameOf(node), action, until), until);
}

Rehearsed Rehearsal::Harmless(NodeId node) {
  Rehearsed out;
  out.node = NameOf(node);
  const auto sight = look_();
  const SeenNode* seen = sight ? Find(*sight, out.node) : nullptr;
  const bool alive = seen != nullptr && (seen->self || seen->heard);
  for (const Level& level : LevelsOf(config_, node)) {
    for (const Outlet& outlet : level.outlets) {
      out.outlets.push_back(Prove(level, outlet, node, alive));
      const OutletProof& proof = out.outlets.back();
      for (const Proof p : {proof.reach, proof.login, proof.privilege, proof.machine}) {
        if (p == Proof::kFailed && out.why.empty()) {
          out.why = Cat(proof.outlet, ": ",
                        proof.machine == Proof::kFailed ? proof.machine_by : proof.reach_by);
        }
      }
    }
  }
  if (out.outlets.empty()) out.why = "no fence device is configured for it";
  out.passed = out.why.empty();
  return out;
}

OutletProof Rehearsal::Prove(const Level& level, const Outlet& outlet, NodeId node, bool alive) {
  const FenceDevice& device = config_.devices[outlet.device].config;
  OutletProof proof;
  proof.outlet = outlet.name;
  proof.agent = device.agent;
  proof.privilege_by = proof.machine_by = kOnlyByDoing;
  const MonoTime begun = runner_.Now();
  const ProcessEnd end = Ask(outlet, node, "status", device.status_timeout);
  proof.took = runner_.Now() - begun;
  const bool answered =
      end.started && !end.killed && (end.exit_code == kAgentOn || end.exit_code == kAgentOff);
  if (!answered) {
    const Error error = AgentError("status", ToAgentEnded(0, end));
    proof.reach = proof.login = Proof::kFailed;
    proof.reach_by = error.cause;
    const bool reached = error.cause.find("phase=auth") != std::string::npos ||
                         error.cause.find("phase=privilege") != std::string::npos;
    if (reached) proof.reach = Proof::kProved;
    return proof;
  }
  proof.reach = proof.login = Proof::kProved;
  proof.reach_by = Cat("status answered ", end.exit_code == kAgentOn ? "on" : "off");
  if (const auto by = PrivilegeByStatus(device)) {
    proof.privilege = Proof::kProved;
    proof.privilege_by = *by;
  }
  // One supply of several may be off; the only power of a living node is not.
  const bool alone = level.outlets.size() == 1 && device.scope == FenceScope::kNode;
  if (alive && alone && end.exit_code == kAgentOff) {
    proof.machine = Proof::kFailed;
    proof.machine_by = Cat("it says off, but ", NameOf(node), " is alive: it is another machine's");
    return proof;
  }
  if (!outlet.plug.empty()) ProveMachine(outlet, node, &proof);
  return proof;
}

// A plug that bears a node's name on the device itself.
void Rehearsal::ProveMachine(const Outlet& outlet, NodeId node, OutletProof* proof) {
  const FenceDevice& device = config_.devices[outlet.device].config;
  const ProcessEnd end = Ask(outlet, node, "list", device.status_timeout);
  if (!end.started || end.killed || end.exit_code != kAgentDone) return;
  for (const std::string& line : Split(end.output, '\n')) {
    const auto comma = line.find(',');
    if (comma == std::string::npos || line.substr(0, comma) != outlet.plug) continue;
    const std::string alias(Trim(line.substr(comma + 1)));
    for (const auto& [id, name] : config_.node_names) {
      if (Lower(alias) != Lower(name)) continue;
      proof->machine = id == node ? Proof::kProved : Proof::kFailed;
      proof->machine_by = Cat("its list calls plug ", outlet.plug, " ", alias);
    }
  }
}

std::optional<Error> Rehearsal::WhyNot(const ClusterSight& sight, NodeId node) const {
  const std::string name = NameOf(node);
  const SeenNode* target = Find(sight, name);
  if (target == nullptr) return Error{name, "is no node of the cluster", "see fencepost status"};
  if (target->self) {
    return Error{name, "is this host: it would not see the end", "run it on another node"};
  }
  if (!sight.quorate) return Error{"the cluster", "is not quorate", "see fencepost status"};
  for (const SeenNode& other : sight.nodes) {
    if (other.there) continue;
    return Error{other.name, "is not there: one node at a time, and only while all others are well",
                 "see fencepost status"};
  }
  return std::nullopt;
}

Result<Rehearsed> Rehearsal::Disruptive(NodeId node) {
  const auto sight = look_();
  if (!sight) return sight.error();
  if (const auto why = WhyNot(*sight, node)) return *why;
  if (LevelsOf(config_, node).empty()) {
    return Error{NameOf(node), "has no fence device", "configure one"};
  }
  Rehearsed out;
  out.node = NameOf(node);
  out.disruptive = true;
  begun_ = runner_.Now();
  const bool whole = PowerOff(node, &out) && FallsSilent(&out);
  const std::string first = out.why;
  const bool on = PowerOn(node, &out);  // whatever came out: it is not left off
  if (!first.empty()) out.why = first;
  out.passed = whole && on;
  return out;
}

bool Rehearsal::PowerOff(NodeId node, Rehearsed* out) {
  Duration limit = std::chrono::seconds(10);
  for (const Level& level : LevelsOf(config_, node)) {
    for (const Outlet& outlet : level.outlets) {
      const FenceDevice& d = config_.devices[outlet.device].config;
      limit += d.off_attempts * (d.off_timeout + d.status_timeout);
    }
  }
  Fencer fencer(config_);
  Recorder recorder;
  const bool ended = DriveFencer(
      fencer, FenceAsked{kRequest, node, FenceAction::kOff, Term(1, node), begun_ + limit}, runner_,
      recorder);
  if (!ended || !recorder.result) {
    out->why = "interrupted";
    return false;
  }
  if (!recorder.result->ok()) {
    out->why = recorder.result->error().Text();
    return false;
  }
  out->off_proved = Since();
  out->proved_by = (*recorder.result)->device;
  return true;
}

bool Rehearsal::FallsSilent(Rehearsed* out) {
  const MonoTime limit = runner_.Now() + kSilenceLimit;
  std::string others;
  while (runner_.Now() < limit && !runner_.Interrupted()) {
    const auto sight = look_();
    others.clear();
    for (const SeenNode& seen : sight ? sight->nodes : std::vector<SeenNode>()) {
      if (seen.name != out->node && !seen.self && !seen.heard) {
        others += Cat(others.empty() ? "" : ", ", seen.name);
      }
      if (seen.name != out->node) continue;
      if (seen.left) {
        out->why =
            "it left the cluster in order: the device asked it to shut down (a soft shutdown); a "
            "node that hangs would not. Make its power button cut the power at once";
        return false;
      }
      if (!seen.heard && !out->silent_network) out->silent_network = Since();
      if (!seen.on_disk && !out->silent_disk) out->silent_disk = Since();
    }
    if (out->silent_network && out->silent_disk) break;
    if (!others.empty() && !out->silent_network) break;
    runner_.SleepUntil(runner_.Now() + kLookEvery);
  }
  if (!others.empty()) {
    out->why = Cat("WRONG PLUG MAP: ", out->proved_by, " was proved off for ", out->node, ", but ",
                   others, " fell silent");
  } else if (!out->silent_network || !out->silent_disk) {
    out->why = Cat("WRONG PLUG MAP: ", out->proved_by, " was proved off, but ", out->node,
                   " still ", out->silent_network ? "writes to the disk" : "speaks");
  }
  return out->why.empty();
}

bool Rehearsal::PowerOn(NodeId node, Rehearsed* out) {
  bool all_on = true;
  for (const Level& level : LevelsOf(config_, node)) {
    for (const Outlet& outlet : level.outlets) {
      const FenceDevice& device = config_.devices[outlet.device].config;
      const ProcessEnd end = Ask(outlet, node, "on", device.on_timeout);
      if (end.started && !end.killed && end.exit_code == kAgentDone) continue;
      all_on = false;
      out->why = Cat(outlet.name,
                     " does not power it on again: ", AgentError("on", ToAgentEnded(0, end)).cause);
    }
  }
  if (all_on) out->powered_on = Since();
  const MonoTime limit = runner_.Now() + kBackLimit;
  while (runner_.Now() < limit && !runner_.Interrupted()) {
    const auto sight = look_();
    const SeenNode* seen = sight ? Find(*sight, out->node) : nullptr;
    if (seen != nullptr && seen->there) {
      out->back = Since();
      return all_on;
    }
    runner_.SleepUntil(runner_.Now() + kLookEvery);
  }
  if (out->why.empty()) out->why = Cat(out->node, " did not come back within ", kBackLimit);
  return false;
}

namespace {

std::string Word(Proof proof) {
  switch (proof) {
    case Proof::kProved:
      return "proved";
    case Proof::kFailed:
      return "FAILED";
    case Proof::kNotProvable:
      return "open";
  }
  return "";
}

std::string Line(std::string_view what, const std::optional<Duration>& when) {
  return Cat("  ", what, when ? Cat(" at +", *when) : " not seen", "\n");
}

}  // namespace

std::string RehearsedText(const Rehearsed& r) {
  std::string out =
      Cat("rehearsal of ", r.node, r.disruptive ? ", disruptive" : ", harmless", "\n");
  for (const OutletProof& p : r.outlets) {
    out +=
        Cat("  ", p.outlet, " (", p.agent, "), ", p.took, "\n    reach      ", Word(p.reach), ": ",
            p.reach_by, "\n    login      ", Word(p.login), "\n    privilege  ", Word(p.privilege),
            ": ", p.privilege_by, "\n    machine    ", Word(p.machine), ": ", p.machine_by, "\n");
  }
  if (r.disruptive) {
    out +=
        Line(Cat("off, proved by ", r.proved_by.empty() ? "nothing" : r.proved_by), r.off_proved);
    out += Line("silent on the network", r.silent_network);
    out += Line("silent on the disk", r.silent_disk);
    out += Line("powered on", r.powered_on);
    out += Line("back in the cluster", r.back);
  }
  return out + Cat(r.passed ? "passed" : Cat("FAILED: ", r.why), "\n");
}

}  // namespace fencepost::stonith
