// Rehearsal: proof that a node could be fenced, before it must be.
//
// Promise, harmless: only reads. For each outlet it says what is proved of reach, login, the
//          privilege to switch, and of being the right machine, by which read; what no read can
//          prove is called "not provable without --disruptive". A device that says off for a node
//          that is alive is another machine's, and so is one whose plug bears another node's name.
// Promise, disruptive: one node, while all nodes are there: off as a fence does it, proved; the
//          node must fall silent on network and disk, and no other node may; a node that leaves in
//          order was shut down softly, which a hung node would not be. Then power on, and the node
//          must come back. Every phase is timed.
// Time:    the runner's; `wall` is only recorded.
// Errors:  a failed proof is a result; what keeps the rehearsal from being done is an Error.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stonith/agent_runner.h"
#include "stonith/fencer.h"
#include "stonith/topology.h"

namespace fencepost::stonith {

inline constexpr Duration kSilenceLimit = std::chrono::seconds(60);
inline constexpr Duration kBackLimit = std::chrono::minutes(15);
inline constexpr Duration kLookEvery = Millis(250);

// How this host's daemon sees the nodes now.
struct SeenNode {
  std::string name;
  bool self = false, there = false, heard = false, on_disk = false, left = false;
};
struct ClusterSight {
  bool quorate = false;
  std::vector<SeenNode> nodes;
};
using Look = std::function<Result<ClusterSight>()>;

enum class Proof { kProved, kFailed, kNotProvable };
struct OutletProof {
  std::string outlet, agent;
  Proof reach = Proof::kNotProvable, login = Proof::kNotProvable;
  Proof privilege = Proof::kNotProvable, machine = Proof::kNotProvable;
  std::string reach_by, privilege_by, machine_by;  // the read, or what is wrong
  Duration took{};
};
struct Rehearsed {
  std::string node;
  bool disruptive = false, passed = false;
  std::string why;  // it failed; empty: passed
  std::int64_t wall = 0;
  std::vector<OutletProof> outlets;  // harmless
  // Disruptive, from its beginning; nullopt: not seen.
  std::string proved_by;
  std::optional<Duration> off_proved, silent_network, silent_disk, powered_on, back;
};

class Rehearsal {
 public:
  Rehearsal(FencerConfig config, AgentRunner& runner, Look look)
      : config_(std::move(config)), runner_(runner), look_(std::move(look)) {}
  // Without a daemon the sight is empty: nothing is known to be alive.
  [[nodiscard]] Rehearsed Harmless(NodeId node);
  [[nodiscard]] Result<Rehearsed> Disruptive(NodeId node);

 private:
  [[nodiscard]] OutletProof Prove(const Level& level, const Outlet& outlet, NodeId node,
                                  bool alive);
  void ProveMachine(const Outlet& outlet, NodeId node, OutletProof* proof);
  ProcessEnd Ask(const Outlet& outlet, NodeId node, std::string_view action, Duration limit);
  [[nodiscard]] std::string NameOf(NodeId node) const;
  [[nodiscard]] std::optional<Error> WhyNot(const ClusterSight& sight, NodeId node) const;
  bool PowerOff(NodeId node, Rehearsed* out);
  bool FallsSilent(Rehearsed* out);
  bool PowerOn(NodeId node, Rehearsed* out);
  [[nodiscard]] Duration Since() const { return runner_.Now() - begun_; }

  FencerConfig config_;
  AgentRunner& runner_;
  Look look_;
  MonoTime begun_{};
};

[[nodiscard]] std::string RehearsedText(const Rehearsed& rehearsed);

}  // namespace fencepost::stonith
