// fencepost simulate: what the cluster would do. Needs no daemon, no key, no configuration: only a
// CIB and what is assumed.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepostd/start_files.h"
#include "membership/policy/simulate.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;
using nlohmann::json;
using Words = std::vector<std::string>;

Result<NodeId> NodeNamed(const Cib& cib, std::string_view name) {
  std::string known;
  for (const CibNode& node : cib.nodes) {
    if (node.name == name) return node.id;
    known += Cat(known.empty() ? "" : ", ", node.name);
  }
  return Error{Cat("node \"", name, "\""), "is none of the CIB", Cat("write one of ", known)};
}

constexpr std::string_view kNodeForms = "NODE=member, leaving, lost, off, no-storage or no-network";

// A cluster in which all nodes are members and nothing runs, then what is assumed of it.
class Assumptions {
 public:
  explicit Assumptions(const Cib& cib) : cib_(cib) {
    for (const CibNode& node : cib.nodes) {
      policy::NodeView view;
      view.id = node.id;
      view.state = policy::NodeState::kMember;
      for (const Group& group : cib.groups) {
        for (const Primitive& primitive : group.members) {
          view.resources.emplace_back().resource = primitive.id;
          view.resources.back().state = ResourceState::kStopped;
        }
      }
      view_.nodes.push_back(view);
    }
  }

  // "alpha=lost"
  Status Node(const std::string& text) {
    const auto words = Split(text, '=');
    if (words.size() != 2) return Wrong("--node", text, kNodeForms);
    policy::NodeView* node = Find(words[0]);
    if (node == nullptr) return NodeNamed(cib_, words[0]).error();
    const bool cut = words[1] == "no-storage" || words[1] == "no-network";
    if (words[1] == "lost" || words[1] == "off" || cut) {
      node->state = policy::NodeState::kGone;
      node->resources.clear();
      if (words[1] == "off") node->evidence = policy::Grade::kPoweredOff;
      node->cut.storage = node->cut.storage || words[1] == "no-storage";
      node->cut.network = node->cut.network || words[1] == "no-network";
    } else if (words[1] == "leaving") {
      node->state = policy::NodeState::kLeaving;
    } else if (words[1] != "member") {
      return Wrong("--node", text, kNodeForms);
    }
    return Ok{};
  }

  // "alpha:pingd=0"
  Status Attribute(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::size_t colon = text.find(':');
    if (equals == text.npos || colon == text.npos || colon > equals) {
      return Wrong("--attribute", text, "NODE:NAME=VALUE");
    }
    const std::string name = text.substr(colon + 1, equals - colon - 1);
    const std::string value = text.substr(equals + 1);
    policy::NodeView* node = Find(text.substr(0, colon));
    if (node == nullptr) return NodeNamed(cib_, text.substr(0, colon)).error();
    const auto why = WhyNotAttributeName(name);
    const auto unfit = WhyNotAttributeValue(value);
    if (why || unfit) {
      return Error{Cat("--attribute ", text),
                   why ? Cat("its name ", *why) : Cat("its value ", *unfit),
                   "write NODE:NAME=VALUE"};
    }
    node->attributes[name] = value;
    return Ok{};
  }

  // "ip@alpha"
  Status Running(const std::string& text) {
    const auto words = Split(text, '@');
    if (words.size() != 2) return Wrong("--running", text, "RESOURCE@NODE");
    policy::NodeView* node = Find(words[1]);
    if (node == nullptr) return NodeNamed(cib_, words[1]).error();
    bool found = false;
    for (ResourceStatus& status : node->resources) {
      if (status.resource != words[0] && !IsMemberOf(status.resource, words[0])) continue;
      status.state = ResourceState::kRunning;
      found = true;
    }
    if (found) return Ok{};
    return Error{Cat("--running ", text),
                 "names no primitive or group, or a node that is not there", "write RESOURCE@NODE"};
  }

  [[nodiscard]] const policy::ClusterView& view() const { return view_; }

 private:
  static Error Wrong(std::string_view option, const std::string& text, std::string_view form) {
    return Error{Cat(option, " ", text), "is not understood", Cat("write ", form)};
  }
  policy::NodeView* Find(const std::string& name) {
    const auto id = NodeNamed(cib_, name);
    const auto node = std::find_if(view_.nodes.begin(), view_.nodes.end(),
                                   [&](const policy::NodeView& n) { return id && n.id == *id; });
    return node == view_.nodes.end() ? nullptr : &*node;
  }
  [[nodiscard]] bool IsMemberOf(const std::string& primitive, const std::string& group) const {
    return std::any_of(cib_.groups.begin(), cib_.groups.end(), [&](const Group& g) {
      return g.id == group && std::any_of(g.members.begin(), g.members.end(),
                                          [&](const Primitive& p) { return p.id == primitive; });
    });
  }

  const Cib& cib_;
  policy::ClusterView view_;
};

std::string NameOf(const Cib& cib, NodeId id) {
  for (const CibNode& node : cib.nodes) {
    if (node.id == id) return node.name;
  }
  return "?";
}

json AsJson(const Cib& cib, const policy::Simulation& simulation) {
  json out = {{"placement", json::array()},
              {"fenced", json::array()},
              {"actions", json::array()},
              {"stopped", json::array()},
              {"unsafe", simulation.unsafe}};
  for (const policy::Placement& placement : simulation.placements) {
    for (const NodeId node : placement.active) {
      out["placement"].push_back(
          {{"resource", placement.resource}, {"node", NameOf(cib, node)}, {"role", "Started"}});
    }
    if (placement.reason.empty()) continue;
    out["stopped"].push_back({{"resource", placement.resource}, {"reason", placement.reason}});
  }
  for (const auto& fence : simulation.fences) out["fenced"].push_back(NameOf(cib, fence.node));
  for (std::size_t i = 0; i < simulation.actions.size(); ++i) {
    const policy::Order& order = simulation.actions[i];
    out["actions"].push_back({{"op", std::string(ToText(order.action))},
                              {"resource", order.resource},
                              {"node", NameOf(cib, order.node)},
                              {"why", simulation.reasons[i]}});
  }
  return out;
}

std::string AsText(const Cib& cib, const policy::Simulation& simulation) {
  std::string out;
  for (const auto& fence : simulation.fences) {
    out += Cat("fence ", NameOf(cib, fence.node), ": ", fence.reason, "\n");
  }
  for (std::size_t i = 0; i < simulation.actions.size(); ++i) {
    const policy::Order& order = simulation.actions[i];
    const bool stop = order.action == ResourceAction::kStop;
    out += Cat(ToText(order.action), " ", order.resource, " on ", NameOf(cib, order.node),
               stop ? Cat(": ", simulation.reasons[i]) : "", "\n");
  }
  if (out.empty()) out = "nothing is to be done\n";
  out += "then:\n";
  for (const policy::Placement& placement : simulation.placements) {
    std::string where;
    for (const NodeId node : placement.active) {
      where += Cat(where.empty() ? "on " : " and ", NameOf(cib, node));
    }
    out += Cat("  ", placement.resource, " ", where.empty() ? "stopped" : where,
               placement.reason.empty() ? "" : ": ", placement.reason, "\n");
  }
  for (const std::string& unsafe : simulation.unsafe) out += Cat("UNSAFE ", unsafe, "\n");
  return out;
}

}  // namespace

int Simulate(const Arguments& arguments, Io& io) {
  po::options_description options;
  options.add_options()("cib", po::value<std::string>()->required())(
      "format", po::value<std::string>()->default_value("text"))(
      "node", po::value<Words>()->composing())("attribute", po::value<Words>()->composing())(
      "running", po::value<Words>()->composing());
  const auto values = ParseOptions(options, arguments);
  if (!values) return UsageError(values.error(), io);
  const auto& format = (*values)["format"].as<std::string>();
  if (format != "text" && format != "json") {
    return UsageError(Error{Cat("--format ", format), "is not known", "write text or json"}, io);
  }
  const auto cib = daemon::LoadCib((*values)["cib"].as<std::string>());
  if (!cib) return Fail(cib.error(), io);
  Assumptions assumed(*cib);
  using Take = Status (Assumptions::*)(const std::string&);
  const std::pair<const char*, Take> takes[] = {{"attribute", &Assumptions::Attribute},
                                                {"running", &Assumptions::Running},
                                                {"node", &Assumptions::Node}};
  for (const auto& [option, take] : takes) {
    if (values->count(option) == 0) continue;
    for (const std::string& text : (*values)[option].as<Words>()) {
      if (const Status taken = (assumed.*take)(text); !taken) return UsageError(taken.error(), io);
    }
  }
  const policy::Simulation simulation = policy::Simulate(*cib, assumed.view());
  io.out << (format == "json" ? AsJson(*cib, simulation).dump(2) + "\n" : AsText(*cib, simulation));
  if (simulation.settled) return kDone;
  return Fail(Error{"the simulation", "did not come to an end", ""}, io);
}

}  // namespace fencepost::command
