// One node of a simulated cluster: hardware, services, power device and the two shipped daemons,
// each a process of its own that can be killed, frozen, started and asked to end.
//
// Promise: what runs here is DiskRunner and MemberRunner with the cores they ship with; only ports
//          and programs are simulated. A supervisor starts a daemon again that ended by itself with
//          an error, after kSupervisorDelay; one that was killed is started by whoever killed it.
// Cruelty: kill -9 and power-off at any event; services and agents live on without the daemons.
// Ownership: none of these calls may come from inside a callback of a daemon; from the world's
//          events and from agents they may.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/config/config.h"
#include "membership/fencepostd/member_runner.h"
#include "qdiskd/disk_runner.h"
#include "tests/sim/oracle.h"
#include "tests/sim/ports/death.h"
#include "tests/sim/ports/disk.h"
#include "tests/sim/ports/facts.h"
#include "tests/sim/ports/local.h"
#include "tests/sim/ports/network.h"
#include "tests/sim/ports/state.h"
#include "tests/sim/ports/watchdog.h"
#include "tests/sim/power_device.h"
#include "tests/sim/services.h"

namespace fencepost::sim {

inline constexpr Duration kSupervisorDelay = Millis(1000);
inline constexpr Duration kBootTakes = Millis(6000);  // from power-on to the daemons' start

inline constexpr int kSupplyCount = 2;

// What the nodes of one cluster have in common.
struct Site {
  Timeline& world;
  Journal& journal;
  SimNetwork& network;
  std::vector<SimDisk*> disks;
  Oracle& oracle;
  config::Config config;
  Cib cib;
  seal::ClusterKey key;
};

class Node {
 public:
  // `fence`: reaches the power device of a node.
  using Fence = std::function<Performance(Node& asker, const Command& command)>;
  Node(Site& site, Machine::Settings machine, Fence fence);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void PowerOff(const std::string& why);
  void PowerOn();  // and its daemons kBootTakes later
  void StartDaemons();
  void StartDisk();
  void StartMember();
  void KillDisk();
  void KillMember();
  void AbandonMember();  // ends at once, in order or not
  void StopDisk();       // orderly
  void Leave();          // the operator's command; both daemons end in order
  void Cleanup();        // the operator: forget the failures of every service
  // As pingd does; an attribute is forgotten with fencepostd.
  void SetAttribute(const std::string& name, const std::string& value);
  [[nodiscard]] Life* disk_life();  // nullptr: it does not run
  [[nodiscard]] Life* member_life();

  [[nodiscard]] NodeId id() const { return machine_.node(); }
  [[nodiscard]] bool powered() const { return machine_.powered(); }
  [[nodiscard]] bool booting() const { return booting_; }
  [[nodiscard]] bool left() const { return left_; }  // in order, since its last start
  [[nodiscard]] std::optional<MonoTime> QuorateUntil() const;
  [[nodiscard]] const node::Member* member() const;
  [[nodiscard]] const qdiskd::DiskVoter* voter() const;
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] Services& services() { return services_; }
  [[nodiscard]] WatchdogHardware& watchdog() { return watchdog_; }
  // R9: nothing runs, or no watchdog was armed in this boot, or an authority covers what runs. To
  // be asked after every event.
  [[nodiscard]] bool IsCovered();
  [[nodiscard]] PowerDevice& power_device() { return power_device_; }  // the BMC
  // The PDUs' outlets that feed it, BMC included. It comes back with the first that is on.
  [[nodiscard]] PowerDevice& supply(int i) {
    return *supplies_.at(static_cast<std::size_t>(i)).device;
  }
  // What keeps it from the storage of its services, or lets it: persistent reservations, say.
  [[nodiscard]] PowerDevice& storage_gate() { return storage_gate_; }
  [[nodiscard]] bool HasStorage() const { return has_storage_; }
  [[nodiscard]] DurableState& member_state() { return member_state_; }
  [[nodiscard]] int starts() const { return starts_; }  // of daemons
  // Names the running fencepostd; 0: none.
  [[nodiscard]] std::uint64_t member_start() const;
  void Note(const std::string& name, const std::string& text);

 private:
  struct DiskDaemon;
  struct MemberDaemon;
  struct Tool;
  void Initialise();  // as 'fencepost init' does: this node may vote
  void DiskEnded(std::uint64_t which, const Status& status);
  void MemberEnded(std::uint64_t which, const Status& status);
  void Ask(const std::string& request);
  void InstallPrograms();
  void MakeSupplies();
  void GiveStorage(bool on);
  void Switch(int supply, bool on, NodeId by);
  [[nodiscard]] bool IsFed() const { return supplies_[0].on || supplies_[1].on; }

  Site& site_;
  Fence fence_;
  Machine machine_;
  DurableState disk_state_, member_state_;
  LocalHub hub_;
  Services services_;
  Programs programs_;
  struct Supply {
    bool on = true;
    std::unique_ptr<PowerDevice> device;
  };
  std::array<Supply, kSupplyCount> supplies_;
  PowerDevice power_device_;
  bool has_storage_ = true;  // whatever its power does
  PowerDevice storage_gate_;
  WatchdogHardware watchdog_;
  SimNodeDeath death_;
  MonoTime covered_until_{};  // of this boot
  bool was_armed_ = false;    // likewise
  std::unique_ptr<DiskDaemon> disk_;
  std::unique_ptr<MemberDaemon> member_;
  std::vector<std::unique_ptr<Tool>> tools_;
  std::uint64_t started_ = 0;  // counts lives of daemons
  std::uint64_t powered_up_ = 0;
  int starts_ = 0;
  bool left_ = false, booting_ = false;
};

}  // namespace fencepost::sim
