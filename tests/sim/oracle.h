// What must never happen in a simulated cluster, judged from outside: by true time, and by what
// really runs and really has power, never by what a daemon believes.
//
// Promise: S1 never two quorate coordinators at one instant. S2 never one service active on two
//          powered nodes; what runs on a node that is cut off from the storage that all services
//          need can do no harm, until that node has it again. S3 a power device is switched off
//          only for a quorate coordinator, and in one split that nothing else disturbs at most one
//          side is shot. S5 no service starts on a node while another may still run it for all the
//          cluster can know: it ran there when the power went, and since then no power device said
//          off and the node was not booted anew.
// Errors:  each violation once, with its instant and what it means.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/id.h"
#include "tests/sim/ports/timeline.h"

namespace fencepost::sim {

class Oracle {
 public:
  // Tells a violation as it happens.
  using Report = std::function<void(const std::string&)>;
  explicit Oracle(Report report) : report_(std::move(report)) {}

  // After each event of the world: who may act as coordinator now.
  void Quorate(const std::vector<NodeId>& nodes);
  // Likewise: whether what runs on a node is as R9 wants it.
  void Covered(NodeId node, bool covered);
  void ServiceChanged(NodeId node, const std::string& resource, bool runs);
  void PowerLost(NodeId node);
  void PowerOn(NodeId node) { ghosts_.erase(node); }
  void SaidOff(NodeId node) { ghosts_.erase(node); }
  void CutOff(NodeId node) { cut_off_.insert(node); }
  void Reconnected(NodeId node);
  // `entitled`: the daemon whose agent switches is quorate, or has ended since it started it.
  void Shot(NodeId by, NodeId target, bool entitled);
  void SplitBegins();
  void SplitEnds() { split_ = false; }
  // Something else happened that may turn a split round.
  void Disturbed() { split_ = false; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] int shots() const { return shots_; }
  [[nodiscard]] int takeovers() const { return takeovers_; }     // of the coordinator's role
  [[nodiscard]] int moves() const { return moves_; }             // of services
  [[nodiscard]] NodeId coordinator() const { return quorate_; }  // 0: none
  [[nodiscard]] const std::vector<std::pair<NodeId, NodeId>>& shot() const { return shot_; }

 private:
  void Violation(const std::string& what);
  void NeverTwice(const std::string& resource);

  Report report_;
  std::vector<std::string> violations_;
  bool two_quorate_ = false;
  NodeId quorate_, last_quorate_;
  std::map<std::string, std::set<NodeId>> active_;
  std::map<std::string, NodeId> last_on_;
  std::map<NodeId, std::set<std::string>> ghosts_;
  bool split_ = false;
  std::set<NodeId> shot_in_split_, uncovered_, cut_off_;
  std::vector<std::pair<NodeId, NodeId>> shot_;  // by, target
  int shots_ = 0, takeovers_ = 0, moves_ = 0;
};

}  // namespace fencepost::sim
