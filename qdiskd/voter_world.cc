#include "qdiskd/voter_world.h"

#include <algorithm>

namespace fencepost::qdiskd {
namespace {

NodeId IdOf(int node) { return NodeId(static_cast<std::uint8_t>(node + 1)); }

BootId MakeBoot(int node, std::uint64_t count) {
  BootId boot;
  boot.bytes[0] = static_cast<std::uint8_t>(node + 1);
  for (std::size_t i = 1; i < 9; ++i) {
    boot.bytes[i] = static_cast<std::uint8_t>(count >> (8 * (i - 1)));
  }
  return boot;
}

}  // namespace

VoterWorld::VoterWorld(Shape shape, std::uint64_t seed) : shape_(shape), rng_(seed) {
  const auto count = static_cast<std::size_t>(shape.nodes);
  const auto disks = static_cast<std::size_t>(shape.disks);
  nodes_.resize(count);
  io_.assign(count, std::vector<Io>(disks));
  open_.assign(count, std::vector<bool>(disks, false));
  zombies_.assign(count, std::vector<std::vector<Slot>>(disks));
  disks_.assign(disks, std::vector<Slot>(count));
  for (int i = 0; i < shape.nodes; ++i) {
    for (auto& disk : disks_) disk[static_cast<std::size_t>(i)].node = IdOf(i);
    Node& n = node(i);
    n.rate_ppm = seed == 0 ? 0 : rng_.OneIn(2) ? shape.times.drift : 0;
    n.offset = Millis(static_cast<std::int64_t>(rng_.Below(5000)));
    n.boot = MakeBoot(i, ++n.boots);
  }
}

MonoTime VoterWorld::Local(int i) const {
  const Node& n = nodes_[static_cast<std::size_t>(i)];
  const std::int64_t gained = true_time_.count() / 1'000'000 * n.rate_ppm;
  return MonoTime(true_time_ + Duration(gained) + n.offset);
}

bool VoterWorld::Counts(int i) const {
  const auto& leases = nodes_[static_cast<std::size_t>(i)].leases;
  return std::any_of(leases.begin(), leases.end(),
                     [&](const auto& lease) { return Local(i) < lease.second; });
}

int VoterWorld::LeasesNow() const {
  int count = 0;
  for (int i = 0; i < shape_.nodes; ++i) count += Counts(i) ? 1 : 0;
  return count;
}

void VoterWorld::Advance(Duration d) {
  true_time_ += d;
  for (int i = 0; i < shape_.nodes; ++i) {
    Node& n = node(i);
    if (n.voter && !n.hung && n.wake_at <= Local(i)) Deliver(i, event::Wake{});
  }
}

void VoterWorld::Start(int i) {
  Node& n = node(i);
  if (n.voter || !n.powered) return;
  VoterSettings settings;
  settings.self = IdOf(i);
  for (int k = 0; k < shape_.nodes; ++k) settings.nodes.push_back(IdOf(k));
  settings.disks = shape_.disks;
  settings.times = shape_.times;
  settings.interval = shape_.interval;
  settings.io_timeout = shape_.interval * 2;
  settings.tko = 4;
  n.voter.emplace(settings, n.boot, Incarnation(++n.incarnation), Local(i));
  n.wake_at = kNever;
  n.waiting.reset();
}

void VoterWorld::Crash(int i) {
  node(i).voter.reset();
  node(i).drop_wanted.reset();
  for (int d = 0; d < shape_.disks; ++d) LoseDisk(i, d);
}

void VoterWorld::PowerOff(int i) {
  Crash(i);
  node(i).powered = false;
  node(i).hung = false;
  node(i).leases.clear();
}

void VoterWorld::PowerOn(int i) {
  if (node(i).powered) return;
  node(i).powered = true;
  node(i).boot = MakeBoot(i, ++node(i).boots);
}

void VoterWorld::OpenDisk(int i, int d, bool old_writes_land) {
  Node& n = node(i);
  if (!n.voter || open_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)]) return;
  auto& zombies = zombies_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)];
  if (old_writes_land) {
    for (const Slot& slot : zombies) OnDisk(d, i) = slot;
  }
  zombies.clear();
  open_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)] = true;
  Deliver(i, event::DiskReady{d});
}

void VoterWorld::LoseDisk(int i, int d) {
  auto was_open = open_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)];
  if (!was_open) return;
  open_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)] = false;
  Io& op = io(i, d);
  if (op.active && op.is_write && !op.landed) {
    zombies_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)].push_back(op.slot);
  }
  op = {};
  if (node(i).voter) Deliver(i, event::DiskLost{d, "lost by the test"});
}

void VoterWorld::Absorb(int i, VoterEffects effects) {
  Node& n = node(i);
  n.wake_at = effects.wake_at;
  for (const Fact& fact : effects.facts) {
    std::string name(fact.name);
    for (const auto& [key, value] : fact.fields) {
      if (key == "why" && fact.name == "disk-vote-wait-ended") name += ": " + value;
    }
    ++seen_[name];
  }
  for (const VoterNotice& notice : effects.notices) {
    n.notices.push_back(notice);
    if (const auto* held = std::get_if<notice::Held>(&notice)) {
      n.leases[held->lease.term] = held->lease.deadline;
    } else if (const auto* drop = std::get_if<notice::MustDrop>(&notice)) {
      n.drop_wanted = drop->term;
    } else if (const auto* refused = std::get_if<notice::Refused>(&notice)) {
      n.refused_above = std::max(n.refused_above, refused->seen);
    } else if (const auto* waiting = std::get_if<notice::Waiting>(&notice)) {
      n.waiting = *waiting;
    }
  }
  for (const DiskWrite& write : effects.writes) {
    Io& op = io(i, write.disk);
    FENCEPOST_CHECK(!op.active);  // one at a time, and only on an open disk
    FENCEPOST_CHECK(open_[static_cast<std::size_t>(i)][static_cast<std::size_t>(write.disk)]);
    op = {true, true, false, write.slot, {}};
  }
  for (const DiskRead& read : effects.reads) {
    Io& op = io(i, read.disk);
    FENCEPOST_CHECK(!op.active);
    op = {true, false, false, {}, {}};
    op.read.began = Local(i);
  }
  if (!effects.stopped.empty()) {
    ++seen_["stopped"];
    Crash(i);
  }
}

void VoterWorld::Deliver(int i, const VoterEvent& event) {
  Node& n = node(i);
  if (n.voter) Absorb(i, n.voter->Step(Local(i), event));
}

bool VoterWorld::Land(int i, int d) {
  Io& op = io(i, d);
  if (!op.active || !op.is_write || op.landed) return false;
  OnDisk(d, i) = op.slot;
  op.landed = true;
  return true;
}

bool VoterWorld::Progress(int i, int d) {
  Io& op = io(i, d);
  if (!op.active) return false;
  if (op.is_write) {
    if (Land(i, d)) return true;
    op = {};
    Deliver(i, event::WriteDone{d});
    return true;
  }
  const auto next = op.read.slots.size();
  if (next < static_cast<std::size_t>(shape_.nodes)) {
    op.read.slots.emplace_back(OnDisk(d, static_cast<int>(next)));
    return true;
  }
  RegionRead read = std::move(op.read);
  read.ended = Local(i);
  op = {};
  Deliver(i, event::ReadDone{d, std::move(read)});
  return true;
}

void VoterWorld::Finish(int i, int d) {
  constexpr int kMaxSteps = 1000;  // many cycles; a loop without end is a bug of the voter
  int steps = 0;
  while (Progress(i, d)) FENCEPOST_CHECK(++steps < kMaxSteps);
}

void VoterWorld::FinishAll(int i) {
  for (int d = 0; d < shape_.disks; ++d) Finish(i, d);
}

void VoterWorld::Want(int i, bool enough_votes) {
  Node& n = node(i);
  if (!n.voter) return;
  const DiskView view = n.voter->View();
  std::uint64_t counter = std::max(n.used, n.refused_above.counter());
  counter = std::max(counter, view.highest_promise.counter()) + 1;
  n.used = counter;
  Deliver(i, event::Want{Term(counter, IdOf(i)), enough_votes});
}

void VoterWorld::Drop(int i) {
  Node& n = node(i);
  Term highest;
  for (const auto& [term, deadline] : n.leases) highest = std::max(highest, term);
  n.leases.clear();
  n.drop_wanted.reset();
  if (n.voter) Deliver(i, event::Dropped{std::max(highest, n.voter->term())});
}

void VoterWorld::AckStart(int i) {
  node(i).leases.clear();
  Deliver(i, event::ConsumersDropped{});
}

void VoterWorld::SetView(int i, std::uint64_t view, std::int32_t score) {
  NodeReport report;
  report.view = view;
  report.score = score;
  Deliver(i, event::Report{report});
}

bool VoterWorld::RunUntilHeld(int i, Duration limit) {
  const Duration until = true_time_ + limit;
  while (true_time_ < until) {
    for (int k = 0; k < shape_.nodes; ++k) {
      if (!node(k).hung) FinishAll(k);
    }
    if (Counts(i)) return true;
    Advance(Millis(1));
  }
  return false;
}

void VoterWorld::RandomFault(int i, int d) {
  Node& n = node(i);
  switch (rng_.Below(7)) {
    case 0:
      return LoseDisk(i, d);
    case 1:
      return Crash(i);
    case 2:
      return PowerOff(i);
    case 3:
      n.hung = !n.hung;
      return;
    case 4:
      Crash(i);
      return Start(i);
    default:
      return SetView(i, rng_.Below(1U << shape_.nodes) | NodeBit(IdOf(i)),
                     static_cast<std::int32_t>(rng_.Below(3)));
  }
}

void VoterWorld::RandomConsumer(int i) {
  Node& n = node(i);
  switch (rng_.Below(6)) {
    case 0:
      return Want(i);
    case 1:
      if (rng_.OneIn(8)) Drop(i);
      return;
    case 2:
      if (n.drop_wanted) Drop(i);
      return;
    case 3:
      if (rng_.OneIn(3)) AckStart(i);
      return;
    case 4:  // ask the power device of whoever is waited for; the answer is true now
      if (n.waiting) {
        const int holder = n.waiting->before.node().value() - 1;
        if (holder >= 0 && !node(holder).powered) {
          Deliver(i, event::PowerIsOff{n.waiting->before.node(), Local(i)});
        }
      }
      return;
    default:
      PowerOn(i);
      return Start(i);
  }
}

void VoterWorld::RandomStep() {
  const int i = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(shape_.nodes)));
  const int d = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(shape_.disks)));
  const std::uint64_t dice = rng_.Below(1000);
  if (dice < 4) return RandomFault(i, d);
  if (dice < 60) return RandomConsumer(i);
  if (dice < 200) return Advance(Duration(static_cast<std::int64_t>(rng_.Below(4'000'000))));
  if (dice < 203) return Advance(Millis(static_cast<std::int64_t>(rng_.Below(150))));
  if (dice < 260) return OpenDisk(i, d, rng_.OneIn(2));
  if (dice < 270) {  // a write of a session that is over lands late
    auto& zombies = zombies_[static_cast<std::size_t>(i)][static_cast<std::size_t>(d)];
    if (!zombies.empty()) OnDisk(d, i) = zombies.front();
    if (!zombies.empty()) zombies.erase(zombies.begin());
    return;
  }
  if (dice < 300) Land(i, d);
  if (!node(i).hung) Progress(i, d);
}

}  // namespace fencepost::qdiskd
