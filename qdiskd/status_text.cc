#include "qdiskd/status_text.h"

#include "base/text.h"

namespace fencepost::qdiskd {
namespace {

template <class Belongs>
std::string Set(const local::View& view, const Belongs& belongs) {
  std::string out = "{ ";
  for (const NodeOnDisk& node : view.view.nodes) {
    if (node.fresh && !node.slot.report.left && belongs(node)) out += Cat(node.node, " ");
  }
  return out + "}\n";
}

bool Speaks(const NodeOnDisk& node) { return node.slot.report.votes != Votes(0); }

// Who holds the disk's vote, as far as it is alive and has not given it up.
NodeId Master(const local::View& view) {
  const Term held = view.view.highest_held;
  for (const NodeOnDisk& node : view.view.nodes) {
    if (node.node == held.node() && node.fresh && node.slot.conceded < held) return node.node;
  }
  return NodeId();
}

}  // namespace

std::string StatusFileText(const local::View& view, NodeId self, const std::string& when) {
  const Fitness& fitness = view.fitness;
  const NodeId master = Master(view);
  const char* state = !view.view.readable ? "None" : master == self ? "Master" : "Running";
  for (const NodeOnDisk& node : view.view.nodes) {
    if (view.view.readable && node.node == self && !Speaks(node)) state = "Initializing";
  }
  std::string out = Cat("Time Stamp: ", when, "\nNode ID: ", self, "\nScore: ", fitness.score, "/",
                        fitness.highest, " (Minimum required = ", fitness.min_score,
                        ")\nCurrent state: ", state, "\n");
  out += Cat("Initializing Set: ", Set(view, [](const NodeOnDisk& n) { return !Speaks(n); }));
  out += Cat("Visible Set: ", Set(view, Speaks));
  out += Cat("Master Node ID: ", master == NodeId() ? "(none)" : ToText(master), "\n");
  if (master != NodeId()) {
    out += Cat("Quorate Set: ",
               Set(view, [](const NodeOnDisk& n) { return Speaks(n) && n.slot.report.quorate; }));
  }
  out += "\n";
  for (const HeuristicView& each : fitness.heuristics) {
    out += Cat("Heuristic: ", each.name, " ", Name(each.state), ", score ", each.score, ", ",
               each.last.empty() ? "no result yet" : each.last, "\n");
  }
  return out;
}

}  // namespace fencepost::qdiskd
