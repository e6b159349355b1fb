// A simulated cluster: nodes with the shipped daemons, one network, one or three quorum disks, and
// the oracles that watch them after every event. One seed, one history.
//
// Promise: no time passes and nothing is real but the code under test. Healthy() is what the
//          cluster owes its users when nothing is wrong (L1). Bound() is how long it may take to
//          come back to that after the last fault, computed from the times it runs with.
// Time:    true time, from the beginning of the world.
// Errors:  violations(), each also a line of the timeline.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/node.h"

namespace fencepost::sim {

// What each node's power hangs on, as far as fencing may use it.
enum class Feed {
  kBmc,              // a BMC
  kSupplies,         // two supplies, both to be switched off
  kBmcThenSupplies,  // the BMC first, then both supplies
  kStorage,          // nothing: it is cut off from its storage, which is all that services need
};

struct ClusterSettings {
  std::uint64_t seed = 1;
  Feed feed = Feed::kBmc;
  Duration fence_monitor{};  // devices are looked after this often; zero: never
  int nodes = 2;
  int disks = 1;  // 0: no quorum disk
  std::string profile = "fast";
  std::vector<std::int32_t> scores;     // of node 1, 2, ...; missing ones are 0
  std::vector<std::int64_t> rates_ppm;  // of their clocks; missing ones are 0
  FenceAction fence_action = FenceAction::kOff;
  Score stickiness = 100;
  bool watchdog = false;
  bool follow_pingd = false;    // services go to the node with the larger attribute "pingd"
  std::string score_attribute;  // see base/config/config.h
  SimDisk::Barrier barrier = SimDisk::Barrier::kReservation;
};

class Cluster {
 public:
  explicit Cluster(const ClusterSettings& settings);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Until true time has gone on by `d`, the oracles after each event.
  void Run(Duration d);
  // How long until `done` holds; nullopt: not within `limit`.
  std::optional<Duration> RunUntil(Duration limit, const std::function<bool()>& done);

  void StartAll();
  void Split(NodeId a, NodeId b);  // they do not hear each other any more, both see the disk
  void Heal(NodeId a, NodeId b);
  void Isolate(NodeId node);  // from all others
  void HealNetwork();

  [[nodiscard]] Node& node(int id) { return *nodes_.at(static_cast<std::size_t>(id - 1)); }
  [[nodiscard]] const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  [[nodiscard]] Node* Coordinator();  // nullptr: nobody is quorate
  // All services run on this node and nowhere else.
  [[nodiscard]] bool AllOn(int id);
  [[nodiscard]] int Active();  // the node with all services; 0: none
  [[nodiscard]] bool Healthy();
  [[nodiscard]] Duration Bound() const;
  [[nodiscard]] std::string WhyNotHealthy();

  [[nodiscard]] Timeline& world() { return world_; }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] SimNetwork& network() { return network_; }
  [[nodiscard]] SimDisk& disk(int i = 0) { return *disks_.at(static_cast<std::size_t>(i)); }
  [[nodiscard]] int disks() const { return static_cast<int>(disks_.size()); }
  [[nodiscard]] Oracle& oracle() { return oracle_; }
  [[nodiscard]] const config::Timing& timing() const { return site_.config.timing; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return oracle_.violations(); }
  [[nodiscard]] const std::vector<std::string>& services() const { return services_; }
  // Facts of this name, of one node or of all (0).
  [[nodiscard]] int Told(std::string_view fact, int node = 0) const;
  // What the flight recorders on the disk tell about a node, as mkqdisk --why does.
  [[nodiscard]] std::vector<std::string> Why(int node);
  [[nodiscard]] Duration Elapsed() const { return world_.Now().time_since_epoch(); }

 private:
  bool Step(TrueTime limit);
  void MakeDisks(const ClusterSettings& settings);
  Performance Fence(Node& asker, const Command& command);

  Timeline world_;
  Journal journal_;
  SimNetwork network_;
  std::vector<std::unique_ptr<SimDisk>> disks_;
  Oracle oracle_;
  std::vector<std::string> services_;
  Site site_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace fencepost::sim
