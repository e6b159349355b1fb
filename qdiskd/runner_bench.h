// Nodes with the shipped DiskRunner over simulated ports, and consumers that speak to it. For the
// tests of this folder.
//
// Promise: one seed, one history. Errors: a consumer that gets bytes it cannot decode fails its
//          test.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "qdiskd/disk_runner.h"
#include "tests/sim/ports/death.h"
#include "tests/sim/ports/disk.h"
#include "tests/sim/ports/facts.h"
#include "tests/sim/ports/local.h"
#include "tests/sim/ports/state.h"

namespace fencepost::qdiskd {

inline const ClusterId kCluster{{0xC1}};
inline const DiskId kDisk{{0xD1}};
inline constexpr LeaseTimes kTimes{Millis(4100), Millis(4100), 1000, Millis(200)};
inline constexpr Duration kInterval = Millis(250), kIoTimeout = Millis(400);

MacFunction TestMac(std::uint8_t key = 7);
Superblock TestSuperblock(int disk = 0);
// As mkqdisk leaves it.
void Format(Bytes& medium, const Superblock& superblock, const MacFunction& mac = TestMac());

// The consumer's process: counts what it is given until its deadline.
class Consumer {
 public:
  Consumer(sim::LocalHub& hub, sim::Machine& machine, std::uint32_t user = 0);
  ~Consumer() { Kill(); }
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;
  void Connect(bool hello = true);
  void Kill() { life_->End(); }
  void Freeze() { life_->Freeze(); }
  void Say(const ToQdiskd& message) { client_.Send(Encode(message)); }
  void SayBytes(const Bytes& bytes) { client_.Send(bytes); }
  void Want(std::uint64_t counter, bool enough = true);
  void SetAnswersDrop(bool answers) { answers_drop_ = answers; }
  [[nodiscard]] bool Counts() const;
  [[nodiscard]] const std::optional<Lease>& lease() const { return lease_; }
  // What happened, in words: "up", "welcome", "held 1.1", "must-drop", "refused", "down".
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  [[nodiscard]] int Count(const std::string& what) const;
  [[nodiscard]] const local::View& view() const { return view_; }
  [[nodiscard]] int views() const { return views_; }  // how many came
  // Storage death: what is answered to Die; nullopt: nothing. And what was answered to a message.
  void SetWatchdog(std::optional<Duration> watchdog) { watchdog_ = watchdog; }
  [[nodiscard]] const std::vector<local::MessageEnd>& ends() const { return ends_; }
  [[nodiscard]] const std::optional<local::PowerSaid>& power() const { return power_; }

 private:
  void Heard(const FromQdiskd& message);
  sim::Machine& machine_;
  std::shared_ptr<sim::Life> life_;
  sim::SimLocalClient client_;
  bool answers_drop_ = true;
  std::optional<Lease> lease_;
  std::vector<std::string> log_;
  local::View view_;
  int views_ = 0;
  std::optional<Duration> watchdog_ = Duration();
  std::vector<local::MessageEnd> ends_;
  std::optional<local::PowerSaid> power_;
};

class BenchNode {
 public:
  // The disks outlive it.
  BenchNode(sim::Timeline& world, const std::vector<std::unique_ptr<sim::SimDisk>>& disks,
            sim::Journal& journal, int node, std::int64_t rate_ppm);
  ~BenchNode() { Kill(); }
  BenchNode(const BenchNode&) = delete;
  BenchNode& operator=(const BenchNode&) = delete;
  void Start();  // the daemon
  void Kill();   // kill -9
  void PowerCycle();
  [[nodiscard]] bool ended() const { return ended_.has_value(); }
  [[nodiscard]] std::string EndText() const;  // "ok" or the error

  sim::Machine machine;
  sim::DurableState state;
  sim::LocalHub hub;
  sim::SimNodeDeath death;
  RunnerSettings settings;
  std::shared_ptr<sim::Life> life;
  std::unique_ptr<sim::SimIdentity> identity;
  std::vector<sim::SimDisk*> disks;  // what it reaches as disk 0, 1, 2
  std::vector<std::unique_ptr<sim::SimPath>> paths;
  std::unique_ptr<DiskRunner> runner;

 private:
  sim::SimFacts facts_;
  std::unique_ptr<sim::SimClock> clock_;
  std::unique_ptr<sim::SimLocalServer> server_;
  std::unique_ptr<sim::SimStateStore> store_;
  std::optional<Status> ended_;
};

struct Bench {
  explicit Bench(std::uint64_t seed = 1, int disk_count = 1);
  BenchNode& operator[](int node) { return *nodes.at(node); }
  std::unique_ptr<Consumer> NewConsumer(int node, bool hello = true);
  void Run(Duration d) { world.RunFor(d); }
  Slot OnDisk(int node, int at = 0);  // the newest readable on that disk

  sim::Timeline world;
  std::vector<std::unique_ptr<sim::SimDisk>> disks;
  sim::SimDisk& disk;  // the first
  sim::Journal journal;
  std::map<int, std::unique_ptr<BenchNode>> nodes;
};

}  // namespace fencepost::qdiskd
