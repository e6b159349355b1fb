#include "membership/node/member_world.h"

#include <algorithm>

namespace fencepost::node {
namespace {

constexpr Duration kWire = Millis(1), kDiskIo = Millis(2), kLocal = Millis(0);
constexpr Duration kFenceAgent = Millis(30);

NodeId IdOf(int i) { return NodeId(static_cast<std::uint8_t>(i + 1)); }
int IndexOf(NodeId id) { return id.value() - 1; }

Cib TwoResources(int nodes) {
  Cib cib;
  cib.stonith_action = FenceAction::kOff;
  Group group;
  group.id = "services";
  for (const char* id : {"address", "database"}) {
    Primitive p;
    p.id = id;
    p.provider = "heartbeat";
    p.type = "Dummy";
    p.start_timeout = p.stop_timeout = p.probe_timeout = p.monitor_timeout = Millis(20'000);
    p.monitor_interval = Millis(10'000);
    p.stickiness = 100;
    group.members.push_back(p);
  }
  cib.groups.push_back(group);
  for (int i = 0; i < nodes; ++i) {
    cib.nodes.push_back({IdOf(i), Cat("node-", i + 1), false});
    FenceDevice device;
    device.id = Cat("fence-", i + 1);
    device.agent = "fence_ipmilan";
    device.targets[IdOf(i)] = "";
    cib.fence_devices.push_back(device);
  }
  return cib;
}

}  // namespace

MemberWorld::MemberWorld(int nodes) : timing_(*config::StockTiming("fast")) {
  nodes_.resize(static_cast<std::size_t>(nodes));
  for (int i = 0; i < nodes; ++i) {
    qdiskd::Slot slot;
    slot.node = IdOf(i);
    disk_.push_back(slot);
    node(i).offset = Millis(1000 * (i + 1));
  }
}

void MemberWorld::At(Duration after, int i, std::function<void()> call) {
  const int generation = node(i).generation;
  queue_[{now_ + after, ++order_}] = [this, i, generation, call = std::move(call)] {
    if (node(i).generation == generation) call();
  };
}

void MemberWorld::Note(int i, const std::string& what) {
  timeline_.push_back(Cat(ToMillis(now_), " node-", i + 1, " ", what));
}

std::string MemberWorld::Timeline() const {
  std::string out;
  for (const std::string& line : timeline_) out += line + "\n";
  return out;
}

int MemberWorld::Told(int i, const std::string& fact) const {
  const auto& facts = nodes_[static_cast<std::size_t>(i)].facts;
  return static_cast<int>(std::count(facts.begin(), facts.end(), fact));
}

MemberSettings MemberWorld::Settings(int i) {
  Node& n = node(i);
  MemberSettings s;
  s.self = IdOf(i);
  s.boot.bytes[0] = static_cast<std::uint8_t>(i + 1);
  s.boot.bytes[1] = static_cast<std::uint8_t>(n.boots);
  s.incarnation = Incarnation(++n.incarnation);
  for (int k = 0; k < static_cast<int>(nodes_.size()); ++k) {
    s.nodes.push_back({IdOf(k), Cat("node-", k + 1), Votes(1), node(k).score});
  }
  s.disk_votes = Votes(static_cast<std::uint32_t>(nodes_.size() - 1));
  s.times = timing_.Lease();
  s.interval = timing_.interval;
  s.heartbeat = timing_.heartbeat;
  s.peer_timeout = timing_.peer_timeout;
  s.stale_after = timing_.StaleAfter();
  s.watchdog = watchdog;
  s.cib = TwoResources(static_cast<int>(nodes_.size()));
  change_cib(s.cib);
  s.digest[0] = 1;
  s.voter_state = n.voter_state;
  s.term_counter = n.counter;
  return s;
}

void MemberWorld::PowerOn(int i) {
  node(i).powered = true;
  ++node(i).boots;
  Note(i, "POWER ON");
  StartDaemons(i);
}

void MemberWorld::PowerOff(int i) {
  Node& n = node(i);
  Note(i, "POWER OFF");
  ++n.generation;
  n.powered = n.frozen = n.consumer_connected = false;
  n.feeds = 0;
  n.member.reset();
  n.voter.reset();
  n.running.clear();
  Check();
}

void MemberWorld::StartDaemons(int i) {
  StartVoter(i);
  StartMember(i);
}

void MemberWorld::StartMember(int i) {
  node(i).left = false;
  node(i).member.emplace(Settings(i), LocalTime(i));
  ToMember(i, event::Wake{});
  if (node(i).voter) {
    node(i).consumer_connected = true;
    ToMember(i, event::DiskConnected{});
  }
}

void MemberWorld::StartVoter(int i) {
  Node& n = node(i);
  qdiskd::VoterSettings s;
  s.self = IdOf(i);
  for (int k = 0; k < static_cast<int>(nodes_.size()); ++k) s.nodes.push_back(IdOf(k));
  s.times = timing_.Lease();
  s.interval = timing_.interval;
  s.io_timeout = timing_.io_timeout;
  s.tko = static_cast<int>(timing_.tko);
  BootId boot;
  boot.bytes[0] = static_cast<std::uint8_t>(i + 1);
  boot.bytes[1] = static_cast<std::uint8_t>(n.boots);
  n.voter.emplace(s, boot, Incarnation(++n.disk_incarnation), LocalTime(i));
  if (n.disk_path) OpenDisk(i);
  if (n.member) {
    n.consumer_connected = true;
    At(kLocal, i, [this, i] { ToMember(i, event::DiskConnected{}); });
  }
}

void MemberWorld::OpenDisk(int i) {
  At(kDiskIo, i, [this, i] { ToVoter(i, qdiskd::event::DiskReady{0}); });
}

void MemberWorld::LetGo(int a, int b) {
  auto held = held_.extract({a, b});
  for (messaging::Packet& packet : held.mapped()) {
    At(kWire, b,
       [this, b, packet = std::move(packet)] { ToMember(b, event::PacketReceived{packet}); });
  }
}

void MemberWorld::CutDisk(int i) {
  node(i).disk_path = false;
  At(timing_.io_timeout, i, [this, i] { ToVoter(i, qdiskd::event::DiskLost{0, "path cut"}); });
}

void MemberWorld::HealDisk(int i) {
  node(i).disk_path = true;
  OpenDisk(i);
}

void MemberWorld::KillMember(int i) {
  Note(i, "KILL fencepostd");
  node(i).member.reset();
  node(i).consumer_connected = false;
  At(timing_.lease_max, i, [this, i] {
    if (!node(i).consumer_connected) {
      if (node(i).voter) ToVoter(i, qdiskd::event::Dropped{node(i).voter->term()});
    }
  });
}

void MemberWorld::KillVoter(int i) {
  Note(i, "KILL qdiskd");
  node(i).voter.reset();
  node(i).consumer_connected = false;
  ToMember(i, event::DiskGone{});
}

void MemberWorld::ToMember(int i, MemberEvent event) {
  Node& n = node(i);
  if (!n.member) return;
  if (n.frozen) return;
  Perform(i, n.member->Step(LocalTime(i), event));
  Check();
}

void MemberWorld::ToVoter(int i, qdiskd::VoterEvent event) {
  Node& n = node(i);
  if (!n.voter || n.frozen) return;
  Perform(i, n.voter->Step(LocalTime(i), event));
}

void MemberWorld::ToDaemon(int i, const qdiskd::ToQdiskd& message) {
  std::visit(
      [&](const auto& m) {
        using T = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<T, qdiskd::local::Hello>) {
          ToVoter(i, qdiskd::event::ConsumersDropped{});
          if (node(i).voter) ToVoter(i, qdiskd::event::Dropped{node(i).voter->term()});
        } else if constexpr (std::is_constructible_v<qdiskd::VoterEvent, const T&>) {
          ToVoter(i, qdiskd::VoterEvent(m));
        }
      },
      message);
}

void MemberWorld::Perform(int i, qdiskd::VoterEffects effects) {
  for (const Fact& fact : effects.facts) Note(i, fact.Text());
  voter_wake_[i] = effects.wake_at == kNever ? Duration::max()
                                             : effects.wake_at.time_since_epoch() - node(i).offset;
  if (effects.wake_at != kNever) {
    const Duration when = voter_wake_[i];
    At(std::max(Duration(), when - now_), i, [this, i, when] {
      if (voter_wake_[i] == when) ToVoter(i, qdiskd::event::Wake{});
    });
  }
  for (const qdiskd::DiskWrite& write : effects.writes) {
    if (!node(i).disk_path) continue;
    At(kDiskIo, i, [this, i, slot = write.slot] {
      if (!node(i).disk_path) return;
      disk_[static_cast<std::size_t>(i)] = slot;
      ToVoter(i, qdiskd::event::WriteDone{0});
    });
  }
  for (std::size_t k = 0; k < effects.reads.size(); ++k) {
    if (!node(i).disk_path) continue;
    const MonoTime began = LocalTime(i);
    At(kDiskIo, i, [this, i, began] {
      if (!node(i).disk_path) return;
      qdiskd::RegionRead read{began, LocalTime(i), {}};
      for (const qdiskd::Slot& slot : disk_) read.slots.emplace_back(slot);
      ToVoter(i, qdiskd::event::ReadDone{0, read});
    });
  }
  for (const qdiskd::VoterNotice& notice : effects.notices) {
    std::visit(
        [&](const auto& m) {
          At(kLocal, i, [this, i, m] {
            if (node(i).consumer_connected) ToMember(i, event::FromDisk{qdiskd::FromQdiskd(m)});
          });
        },
        notice);
  }
  if (effects.cycle_done && node(i).consumer_connected && node(i).voter) {
    qdiskd::local::View view;
    view.view = node(i).voter->View();
    At(kLocal, i, [this, i, view] {
      if (node(i).consumer_connected) ToMember(i, event::FromDisk{view});
    });
  }
}

void MemberWorld::Perform(int i, MemberEffects effects) {
  for (const Fact& fact : effects.facts) {
    Note(i, fact.Text());
    node(i).facts.emplace_back(fact.name);
  }
  const Duration when = effects.wake_at.time_since_epoch() - node(i).offset;
  member_wake_[i] = when;
  At(std::max(Duration(), when - now_), i, [this, i, when] {
    if (member_wake_[i] == when) ToMember(i, event::Wake{});
  });
  for (messaging::Packet& packet : effects.packets) {
    const int to = IndexOf(packet.to);
    if (cut_.count({i, to}) != 0) continue;
    if (const auto held = held_.find({i, to}); held != held_.end()) {
      held->second.push_back(std::move(packet));
      continue;
    }
    At(kWire, to, [this, to, i, packet = std::move(packet)] {
      if (cut_.count({i, to}) == 0) ToMember(to, event::PacketReceived{packet});
    });
  }
  if (effects.store_voter) {
    At(kLocal, i, [this, i, state = *effects.store_voter] {
      node(i).voter_state = state;
      ToMember(i, event::VoterStored{true});
    });
  }
  if (effects.store_counter) {
    At(kLocal, i, [this, i, counter = *effects.store_counter] {
      node(i).counter = counter;
      ToMember(i, event::CounterStored{true});
    });
  }
  for (const qdiskd::ToQdiskd& message : effects.to_disk) {
    At(kLocal, i, [this, i, message] {
      if (node(i).consumer_connected) ToDaemon(i, message);
    });
  }
  for (const executor::StartProcess& start : effects.start_processes) RunAgent(i, start);
  for (const stonith::StartAgent& start : effects.start_agents) RunFenceAgent(i, start);
  if (effects.feed_before && LocalTime(i) < *effects.feed_before) FeedWatchdog(i);
  if (effects.left) node(i).left = true;
}

void MemberWorld::FeedWatchdog(int i) {
  if (!watchdog_arms) return;
  if (node(i).feeds++ == 0) At(kLocal, i, [this, i] { ToMember(i, event::WatchdogArmed{}); });
  At(watchdog, i, [this, i, feed = node(i).feeds] {
    if (node(i).feeds != feed || node(i).left) return;
    ++node(i).bites;
    Note(i, "WATCHDOG");
    PowerOff(i);
  });
}

void MemberWorld::RunAgent(int i, const executor::StartProcess& start) {
  At(agent_takes, i, [this, i, start] {
    auto& running = node(i).running;
    int code = kOcfSuccess;
    if (start.action == ResourceAction::kStart) {
      running.insert(start.resource);
    } else if (start.action == ResourceAction::kStop) {
      if (stop_fails)
        code = kOcfGenericError;
      else
        running.erase(start.resource);
    } else if (running.count(start.resource) == 0) {
      code = kOcfNotRunning;
    }
    if (start.action == ResourceAction::kStart) Note(i, "RUNS " + start.resource);
    if (start.action == ResourceAction::kStop) Note(i, "STOPPED " + start.resource);
    Check();
    executor::ProcessEnded end;
    end.process = start.process;
    end.exit_code = code;
    ToMember(i, event::AgentProcessEnded{end});
  });
}

void MemberWorld::RunFenceAgent(int i, const stonith::StartAgent& start) {
  const int target = start.device.back() - '1';
  At(kFenceAgent, i, [this, i, target, start] {
    stonith::AgentEnded end;
    end.run = start.run;
    end.exit_code = 1;
    if (start.agent == "fence_scsi") {
      if (start.action == "off") cut_off_.insert(target);
      if (start.action == "on" && unfencing_works) cut_off_.erase(target);
      const bool asks = start.action == "status";
      const bool fails = start.action == "on" && !unfencing_works;
      end.exit_code = asks && IsCutOff(target) ? 2 : fails ? 1 : 0;
    } else if (!bmc_works) {
      end.errors = "connect: no answer";
    } else if (start.action == "off") {
      fenced_.push_back(Cat("node-", target + 1, " by node-", i + 1));
      PowerOff(target);
      end.exit_code = 0;
    } else if (start.action == "on") {
      end.exit_code = 0;
    } else {
      end.exit_code = node(target).powered ? 0 : 2;
    }
    ToMember(i, event::FenceAgentEnded{end});
  });
}

bool MemberWorld::Quorate(int i) {
  Node& n = node(i);
  return n.member && n.member->QuorateUntil(LocalTime(i)).has_value();
}

void MemberWorld::Check() {
  int quorate = 0;
  std::map<std::string, int> active;
  for (int i = 0; i < static_cast<int>(nodes_.size()); ++i) {
    quorate += Quorate(i) ? 1 : 0;
    if (storage_is_all && IsCutOff(i)) continue;
    for (const std::string& resource : node(i).running) ++active[resource];
  }
  if (quorate > 1) violations_.push_back(Cat("S1 at ", ToMillis(now_)));
  for (const auto& [resource, count] : active) {
    if (count > 1) violations_.push_back(Cat("S2 at ", ToMillis(now_), ": ", resource));
  }
}

void MemberWorld::Run(Duration d) {
  (void)RunUntil(d, [] { return false; });
}

std::optional<Duration> MemberWorld::RunUntil(Duration limit, const std::function<bool()>& done) {
  const Duration start = now_, end = now_ + limit;
  while (!done()) {
    if (queue_.empty() || queue_.begin()->first.first > end) {
      now_ = end;
      return std::nullopt;
    }
    const auto next = queue_.begin();
    now_ = std::max(now_, next->first.first);
    const auto call = std::move(next->second);
    queue_.erase(next);
    call();
  }
  return now_ - start;
}

}  // namespace fencepost::node
