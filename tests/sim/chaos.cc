#include "tests/sim/chaos.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kScheduleSalt = 0x5EEDFA17;
constexpr std::int64_t kHalfDrift = 500;  // ppm: two clocks differ by at most `drift`, 1000

}  // namespace

ClusterSettings DrawCluster(std::uint64_t seed) {
  Prng rng(seed ^ kScheduleSalt << 8);
  ClusterSettings out;
  out.seed = seed;
  const std::uint64_t size = rng.Below(8);
  out.nodes = size == 7 ? 4 : size == 6 ? 3 : 2;
  out.disks = rng.OneIn(5) ? 3 : 1;
  out.feed = rng.OneIn(3) ? Feed::kBmcThenSupplies : rng.OneIn(4) ? Feed::kSupplies : Feed::kBmc;
  if (rng.OneIn(3)) out.fence_monitor = seconds(5);
  out.fence_action = rng.OneIn(2) ? FenceAction::kReboot : FenceAction::kOff;
  out.barrier = rng.OneIn(4) ? SimDisk::Barrier::kLock : SimDisk::Barrier::kReservation;
  for (int i = 0; i < out.nodes; ++i) {
    out.rates_ppm.push_back(static_cast<std::int64_t>(rng.Below(2 * kHalfDrift + 1)) - kHalfDrift);
    out.scores.push_back(rng.OneIn(3) ? static_cast<std::int32_t>(rng.Below(3)) * 100 : 0);
  }
  out.watchdog = rng.OneIn(2);
  return out;
}

Chaos::Chaos(Cluster& cluster, std::uint64_t seed) : cluster_(cluster), rng_(seed ^ kScheduleSalt) {
  static constexpr std::array kFaults = {
      Fault{"power-loss", &Chaos::LosePower},
      Fault{"kill-fencepostd", &Chaos::KillMember},
      Fault{"kill-qdiskd", &Chaos::KillDisk},
      Fault{"kill-both", &Chaos::KillBoth},
      Fault{"freeze-fencepostd", &Chaos::FreezeMember},
      Fault{"freeze-qdiskd", &Chaos::FreezeDisk},
      Fault{"freeze-both", &Chaos::FreezeBoth},
      Fault{"late", &Chaos::MakeLate},
      Fault{"split", &Chaos::Split},
      Fault{"one-way", &Chaos::CutOneWay},
      Fault{"bad-weather", &Chaos::BadWeather},
      Fault{"disk-cut", &Chaos::CutDisk},
      Fault{"disk-hang", &Chaos::HangDisk},
      Fault{"target-killed", &Chaos::KillTarget},
      Fault{"disk-slow", &Chaos::SlowDisk},
      Fault{"disk-read-errors", &Chaos::DiskReadErrors},
      Fault{"bad-power-device", &Chaos::BadPowerDevice},
      Fault{"bad-agents", &Chaos::BadAgents},
      Fault{"service-dies", &Chaos::ServiceDies},
      Fault{"leave", &Chaos::Leave},
      Fault{"state-full", &Chaos::StateFull},
  };
  const std::uint64_t density = 2 + rng_.Below(5);
  for (const Fault& fault : kFaults) {
    if (OneIn(density)) swarm_.push_back(fault);
  }
  if (swarm_.empty()) swarm_.push_back(kFaults[rng_.Below(kFaults.size())]);
  gap_ = Draw(seconds(1), seconds(12));
}

Duration Chaos::Draw(Duration low, Duration high) {
  const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
  return low + Duration(static_cast<std::int64_t>(rng_.Below(span)));
}

Node& Chaos::Anyone() {
  return cluster_.node(1 + static_cast<int>(rng_.Below(cluster_.nodes().size())));
}

void Chaos::Note(const std::string& text) {
  cluster_.journal().Add({cluster_.world().Now(), NodeId(), MonoTime(), "CHAOS", Severity::kNotice,
                          "FAULT", Cat("FAULT ", text)});
}

void Chaos::Begin(Duration lasts) {
  std::string names;
  for (const Fault& fault : swarm_) names += Cat(" ", fault.name);
  Note(Cat("swarm:", names));
  until_ = cluster_.world().Now() + lasts;
  Next();
}

void Chaos::Next() {
  cluster_.world().After(Draw(Millis(10), 2 * gap_), [this] {
    if (ended_ || cluster_.world().Now() >= until_) return;
    Strike();
    Next();
  });
}

void Chaos::Strike() {
  if (OneIn(4)) Mend();
  const Fault& fault = swarm_[rng_.Below(swarm_.size())];
  ++struck_[fault.name];
  Note(fault.name);
  cluster_.oracle().Disturbed();
  (this->*fault.strike)();
}

void Chaos::For(Duration low, Duration high, std::function<void()> undo) {
  const std::uint64_t id = ++last_fault_;
  undo_[id] = std::move(undo);
  cluster_.world().After(Draw(low, high), [this, id] {
    const auto found = undo_.extract(id);
    if (found.empty()) return;
    cluster_.oracle().Disturbed();
    found.mapped()();
  });
}

void Chaos::Mend() {
  for (const auto& node : cluster_.nodes()) {
    if (!node->powered()) {
      node->PowerOn();
    } else if (!node->booting()) {
      node->StartDaemons();
    }
  }
}

void Chaos::End() {
  ended_ = true;
  const auto undo = std::move(undo_);
  undo_.clear();
  for (const auto& [id, call] : undo) call();
  cluster_.HealNetwork();
  Note("over: everything is mended");
  Mend();
}

void Chaos::LosePower() {
  Node& node = Anyone();
  node.PowerOff("power failure");
  For(Millis(200), seconds(25), [&node] { node.PowerOn(); });
}

void Chaos::KillMember() {
  Node& node = Anyone();
  node.KillMember();
  For(Millis(10), seconds(8), [&node] { node.StartMember(); });
}

void Chaos::KillDisk() {
  Node& node = Anyone();
  node.KillDisk();
  For(Millis(10), seconds(8), [&node] { node.StartDisk(); });
}

void Chaos::KillBoth() {
  Node& node = Anyone();
  node.KillDisk();
  node.KillMember();
  For(Millis(10), seconds(8), [&node] { node.StartDaemons(); });
}

void Chaos::FreezeMember() {
  Node& node = Anyone();
  if (node.member_life() == nullptr) return;
  node.member_life()->Freeze();
  For(Millis(100), seconds(12), [&node] {
    if (node.member_life() != nullptr) node.member_life()->Thaw();
  });
}

void Chaos::FreezeDisk() {
  Node& node = Anyone();
  if (node.disk_life() == nullptr) return;
  node.disk_life()->Freeze();
  For(Millis(100), seconds(12), [&node] {
    if (node.disk_life() != nullptr) node.disk_life()->Thaw();
  });
}

void Chaos::FreezeBoth() {
  Node& node = Anyone();
  for (Life* life : {node.disk_life(), node.member_life()}) {
    if (life != nullptr) life->Freeze();
  }
  For(Millis(100), seconds(12), [&node] {
    for (Life* life : {node.disk_life(), node.member_life()}) {
      if (life != nullptr) life->Thaw();
    }
  });
}

void Chaos::MakeLate() {
  Node& node = Anyone();
  const Duration most = Draw(Millis(5), Millis(300));
  for (Life* life : {node.disk_life(), node.member_life()}) {
    if (life != nullptr) life->SetLateness(most);
  }
  For(seconds(1), seconds(20), [&node] {
    for (Life* life : {node.disk_life(), node.member_life()}) {
      if (life != nullptr) life->SetLateness(Duration());
    }
  });
}

void Chaos::Split() {
  const bool calm = undo_.empty();
  const NodeId node = Anyone().id();
  cluster_.Isolate(node);
  if (!calm) cluster_.oracle().Disturbed();
  For(Millis(300), seconds(30), [this] { cluster_.HealNetwork(); });
}

void Chaos::CutOneWay() {
  const NodeId from = Anyone().id(), to = Anyone().id();
  if (from == to) return;
  cluster_.network().Cut(from, to);
  For(Millis(300), seconds(20), [this, from, to] { cluster_.network().Heal(from, to); });
}

void Chaos::BadWeather() {
  SimNetwork::Weather weather;
  if (OneIn(2)) weather.lost = 2 + rng_.Below(12);
  if (OneIn(2)) weather.doubled = 1 + rng_.Below(5);
  if (OneIn(3)) weather.damaged = 2 + rng_.Below(20);
  if (OneIn(2)) weather.replayed = 1 + rng_.Below(6);
  if (OneIn(2)) weather.delay_high = Draw(Millis(5), Millis(3000));
  cluster_.network().SetWeather(weather);
  For(seconds(1), seconds(30), [this] { cluster_.network().SetWeather({}); });
}

void Chaos::CutDisk() {
  const NodeId node = Anyone().id();
  const bool all = OneIn(2);
  const int one = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(cluster_.disks())));
  for (int i = 0; i < cluster_.disks(); ++i) {
    if (all || i == one) cluster_.disk(i).Cut(node);
  }
  For(Millis(100), seconds(20), [this, node] {
    for (int i = 0; i < cluster_.disks(); ++i) cluster_.disk(i).Heal(node);
  });
}

void Chaos::HangDisk() {
  const int one = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(cluster_.disks())));
  cluster_.disk(one).Hang();
  For(Millis(100), seconds(20), [this, one] { cluster_.disk(one).Resume(); });
}

void Chaos::KillTarget() {
  const int one = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(cluster_.disks())));
  cluster_.disk(one).Kill();
  For(Millis(100), seconds(20), [this, one] { cluster_.disk(one).Start(); });
}

void Chaos::SlowDisk() {
  const int one = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(cluster_.disks())));
  cluster_.disk(one).SetLatency(Millis(1), Draw(Millis(20), Millis(600)));
  For(seconds(1), seconds(20),
      [this, one] { cluster_.disk(one).SetLatency(std::chrono::microseconds(200), Millis(2)); });
}

void Chaos::DiskReadErrors() {
  const int one = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(cluster_.disks())));
  cluster_.disk(one).SetReadErrors(true);
  For(Millis(100), seconds(10), [this, one] { cluster_.disk(one).SetReadErrors(false); });
}

void Chaos::BadPowerDevice() {
  Node& node = Anyone();
  PowerDevice::Mood mood;
  if (OneIn(3)) mood.high = Draw(Millis(200), seconds(6));
  if (OneIn(4)) mood.reachable = false;
  if (OneIn(5)) mood.hangs = true;
  if (OneIn(2)) mood.fails = 1 + rng_.Below(4);
  if (OneIn(2)) mood.mute = 1 + rng_.Below(4);
  PowerDevice& device = OneIn(2) ? node.power_device() : node.supply(OneIn(2) ? 0 : 1);
  device.SetMood(mood);
  For(seconds(1), seconds(40), [&device] { device.SetMood({}); });
}

void Chaos::BadAgents() {
  Node& node = Anyone();
  Services::Mood mood;
  if (OneIn(2)) mood.high = Draw(Millis(200), seconds(6));
  if (OneIn(2)) mood.start_fails = 1 + rng_.Below(4);
  if (OneIn(3)) mood.stop_fails = 1 + rng_.Below(4);
  if (OneIn(2)) mood.look_fails = 1 + rng_.Below(4);
  if (OneIn(3)) mood.hangs = 2 + rng_.Below(6);
  node.services().SetMood(mood);
  For(seconds(1), seconds(30), [&node] { node.services().SetMood({}); });
}

void Chaos::ServiceDies() {
  const auto& services = cluster_.services();
  const std::string& service = services[rng_.Below(services.size())];
  for (const auto& node : cluster_.nodes()) node->services().Die(service);
}

void Chaos::Leave() {
  Node& node = Anyone();
  if (node.member() == nullptr) return;
  node.Leave();
  For(seconds(3), seconds(30), [&node] { node.StartDaemons(); });
}

// The voter of a node that could not store is out of use until its daemon starts anew.
void Chaos::StateFull() {
  Node& node = Anyone();
  node.member_state().SetFull(true);
  For(seconds(1), seconds(10), [&node] {
    node.member_state().SetFull(false);
    node.KillMember();
    node.StartMember();
  });
}

}  // namespace fencepost::sim
