#include "tests/sim/node.h"

#include "base/text.h"
#include "membership/fencepostd/tool_request.h"

namespace fencepost::sim {
namespace {

constexpr const char* kOcfAgent = "/usr/lib/ocf/resource.d/heartbeat/Dummy";

qdiskd::RunnerSettings DiskSettings(const Site& site, NodeId self) {
  const config::Config& config = site.config;
  qdiskd::RunnerSettings out;
  out.voter.self = self;
  for (const config::NodeConfig& node : config.nodes) out.voter.nodes.push_back(node.id);
  out.voter.disks = static_cast<int>(site.disks.size());
  out.voter.times = config.timing.Lease();
  out.voter.interval = config.timing.interval;
  out.voter.io_timeout = config.timing.io_timeout;
  out.voter.tko = static_cast<int>(config.timing.tko);
  out.voter.version = "sim";
  const config::ElectionConfig& election = config.quorum_disk->election;
  out.voter.rules = {config.Expected(), config.DiskVotes(), election.required_node,
                     election.master_wins, election.highest_wins};
  out.cluster = config.cluster_id;
  for (const config::DiskConfig& disk : config.quorum_disk->disks) {
    out.disks.push_back({disk.device.Text(), disk.label, disk.designator});
  }
  out.mac = qdiskd::DiskMac(site.key);
  out.wall_ms = [&world = site.world] {
    return static_cast<std::uint64_t>(ToMillis(world.Now().time_since_epoch()));
  };
  return out;
}

}  // namespace

struct Node::DiskDaemon {
  std::uint64_t which;
  std::shared_ptr<Life> life;
  SimClock clock;
  std::vector<std::unique_ptr<SimPath>> paths;
  SimLocalServer server;
  SimStateStore state;
  SimIdentity identity;
  SimFacts facts;
  std::unique_ptr<qdiskd::DiskRunner> runner;

  DiskDaemon(Node& node, std::uint64_t number)
      : which(number),
        life(node.machine_.StartLife()),
        clock(node.machine_, life),
        server(node.hub_, "qdiskd", life),
        state(node.disk_state_, life),
        identity(node.machine_),
        facts(node.site_.journal, node.machine_, "qdiskd") {
    qdiskd::RunnerPorts ports{clock, {}, server, state, identity, facts, node.death_};
    for (SimDisk* disk : node.site_.disks) {
      paths.push_back(std::make_unique<SimPath>(*disk, node.machine_, life));
      ports.disks.push_back(paths.back().get());
    }
    runner = std::make_unique<qdiskd::DiskRunner>(DiskSettings(node.site_, node.id()), ports);
    runner->Start([this, &node](const Status& status) { node.DiskEnded(which, status); });
  }
  ~DiskDaemon() {
    life->End();
    runner.reset();
  }
};

struct Node::MemberDaemon {
  std::uint64_t which;
  std::shared_ptr<Life> life;
  SimClock clock;
  SimDatagram network;
  SimLocalClient qdiskd;
  SimStateStore state;
  SimProcessRunner processes;
  SimLocalServer tools;
  SimIdentity identity;
  SimFacts facts;
  SimWatchdog watchdog;
  std::unique_ptr<daemon::MemberRunner> runner;

  MemberDaemon(Node& node, std::uint64_t number)
      : which(number),
        life(node.machine_.StartLife()),
        clock(node.machine_, life),
        network(node.site_.network, node.machine_, life),
        qdiskd(node.hub_, "qdiskd", life),
        state(node.member_state_, life),
        processes(node.programs_, life),
        tools(node.hub_, std::string(daemon::kToolSocket), life),
        identity(node.machine_),
        facts(node.site_.journal, node.machine_, "fencepostd"),
        watchdog(node.watchdog_, life) {
    daemon::RunnerSettings settings{node.site_.config, node.site_.cib, node.id(), node.site_.key,
                                    0};
    runner = std::make_unique<daemon::MemberRunner>(
        std::move(settings),
        daemon::MemberPorts{clock, network, node.site_.config.quorum_disk ? &qdiskd : nullptr,
                            state, processes, tools, identity, facts,
                            node.site_.config.watchdog_device.empty() ? nullptr : &watchdog},
        [this, &node](const Status& status) { node.MemberEnded(which, status); });
    const Status begun = runner->Begin();
    if (!begun) life->Post([this, &node, begun] { node.MemberEnded(which, begun); });
  }
  ~MemberDaemon() {
    life->End();
    runner.reset();
  }
};

// The operator's command: asks once, and is over when it is answered or hung up on.
struct Node::Tool {
  std::shared_ptr<Life> life;
  SimLocalClient client;
  bool over = false;

  Tool(Node& node, const std::string& request)
      : life(node.machine_.StartLife()), client(node.hub_, std::string(daemon::kToolSocket), life) {
    client.Connect(
        {[this, request] {
           client.Send({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()});
         },
         [this](ByteView) { End(); }, [this] { End(); }});
  }
  ~Tool() { life->End(); }
  void End() {
    over = true;
    client.Disconnect();
  }
};

Node::Node(Site& site, Machine::Settings machine, Fence fence)
    : site_(site),
      fence_(std::move(fence)),
      machine_(site.world, machine),
      disk_state_(site.world),
      member_state_(site.world),
      hub_(site.world),
      services_(site.world,
                [this](const std::string& resource, bool runs) {
                  Note(runs ? "SERVICE-RUNS" : "SERVICE-STOPPED", resource);
                  site_.oracle.ServiceChanged(id(), resource, runs);
                }),
      programs_(machine_),
      power_device_(site.world,
                    {[this] { return powered(); }, [this] { PowerOn(); },
                     [this](NodeId by) { PowerOff(Cat("switched off for node ", by)); },
                     [this](NodeId) { site_.oracle.SaidOff(id()); }, [this] { return IsFed(); }}),
      storage_gate_(site.world, {[this] { return has_storage_; }, [this] { GiveStorage(true); },
                                 [this](NodeId) { GiveStorage(false); },
                                 [this](NodeId) { site_.oracle.SaidOff(id()); }}),
      watchdog_(site.world,
                [this] {
                  PowerOff("its watchdog");
                  PowerOn();
                }),
      death_(site.world, [this](Death death) {
        PowerOff("itself, as it was told");
        if (death != Death::kOff) PowerOn();
      }) {
  MakeSupplies();
  InstallPrograms();
  Initialise();
}

Node::~Node() = default;

void Node::MakeSupplies() {
  for (int i = 0; i < kSupplyCount; ++i) {
    const auto at = static_cast<std::size_t>(i);
    supplies_[at].device = std::make_unique<PowerDevice>(
        site_.world, PowerDevice::Machinery{[this, at] { return supplies_[at].on; },
                                            [this, i] { Switch(i, true, NodeId()); },
                                            [this, i](NodeId by) { Switch(i, false, by); },
                                            [this](NodeId) {
                                              if (!powered()) site_.oracle.SaidOff(id());
                                            }});
  }
}

void Node::GiveStorage(bool on) {
  if (on == has_storage_) return;
  has_storage_ = on;
  Note(on ? "STORAGE-GIVEN" : "STORAGE-REVOKED", "");
  if (on) {
    site_.oracle.Reconnected(id());
  } else {
    site_.oracle.CutOff(id());
  }
}

void Node::Switch(int supply, bool on, NodeId by) {
  const bool was_fed = IsFed();
  supplies_[static_cast<std::size_t>(supply)].on = on;
  Note(on ? "SUPPLY-ON" : "SUPPLY-OFF", Cat(supply));
  if (was_fed && !IsFed()) PowerOff(Cat("both supplies switched off for node ", by));
  if (!was_fed && IsFed()) PowerOn();
}

void Node::Note(const std::string& name, const std::string& text) {
  site_.journal.Add({site_.world.Now(), id(), machine_.Now(), "WORLD", Severity::kNotice, name,
                     Cat(name, text.empty() ? "" : " ", text)});
}

void Node::InstallPrograms() {
  programs_.Install(kOcfAgent,
                    [this](const Command& command) { return services_.Perform(command); });
  for (const FenceDevice& device : site_.cib.fence_devices) {
    programs_.Install(Cat(site_.config.paths.agent_dir, "/", device.agent),
                      [this](const Command& command) { return fence_(*this, command); });
  }
}

void Node::Initialise() {
  const auto life = machine_.StartLife();
  SimStateStore store(member_state_, life);
  bool stored = false;
  store.Store(daemon::kVoterName, quorum::EncodeVoterState({}),
              [&](const Status& status) { stored = status.ok(); });
  while (!stored) FENCEPOST_CHECK(site_.world.RunOne(TrueTime::max()));
  life->End();
}

void Node::PowerOff(const std::string& why) {
  if (!powered()) return;
  Note("POWER-OFF", why);
  ++powered_up_;
  machine_.PowerOff();
  watchdog_.PowerOff();
  covered_until_ = MonoTime();
  was_armed_ = false;
  disk_.reset();
  member_.reset();
  tools_.clear();
  programs_.KillAll();
  services_.PowerOff();
  left_ = booting_ = false;
  site_.oracle.PowerLost(id());
}

void Node::PowerOn() {
  if (!IsFed()) {  // the operator switches on what feeds it
    for (Supply& supply : supplies_) supply.on = true;
  }
  if (powered()) return;
  machine_.PowerOn();
  Note("POWER-ON", "");
  site_.oracle.PowerOn(id());
  booting_ = true;
  site_.world.After(kBootTakes, [this, which = ++powered_up_] {
    if (which != powered_up_ || !powered()) return;
    booting_ = false;
    StartDaemons();
  });
}

void Node::StartDaemons() {
  StartDisk();
  StartMember();
}

void Node::StartDisk() {
  if (disk_ || !powered() || !site_.config.quorum_disk) return;
  ++starts_;
  disk_ = std::make_unique<DiskDaemon>(*this, ++started_);
}

void Node::StartMember() {
  if (member_ || !powered()) return;
  if (programs_.running() != 0) {  // of the daemon before: the start waits for their end
    site_.world.After(Millis(10), [this, boot = powered_up_] {
      if (boot == powered_up_) StartMember();
    });
    return;
  }
  ++starts_;
  left_ = false;
  member_ = std::make_unique<MemberDaemon>(*this, ++started_);
}

void Node::KillDisk() {
  if (!disk_) return;
  Note("KILLED", "qdiskd");
  disk_.reset();
}

void Node::KillMember() {
  if (!member_) return;
  Note("KILLED", "fencepostd");
  member_.reset();
}

void Node::AbandonMember() {
  if (member_) member_->runner->Abandon();
}

bool Node::IsCovered() {
  was_armed_ = was_armed_ || watchdog_.ticking();
  if (const node::Member* mind = member()) {
    covered_until_ = std::max(covered_until_, mind->CoveredUntil());
  }
  return !powered() || !was_armed_ || services_.running().empty() ||
         machine_.Now() <= covered_until_ + site_.config.timing.guard;
}

void Node::StopDisk() {
  if (disk_) disk_->runner->Stop();
}

void Node::DiskEnded(std::uint64_t which, const Status& status) {
  disk_->life->End();
  Note("ENDED", Cat("qdiskd ", status.ok() ? "in order" : status.error().Text()));
  site_.world.After(Duration(), [this, which] {
    if (disk_ && disk_->which == which) disk_.reset();
  });
  if (status.ok()) return;
  site_.world.After(kSupervisorDelay, [this, boot = powered_up_] {
    if (boot == powered_up_) StartDisk();
  });
}

void Node::MemberEnded(std::uint64_t which, const Status& status) {
  member_->life->End();
  Note("ENDED", Cat("fencepostd ", status.ok() ? "in order" : status.error().Text()));
  left_ = status.ok();
  site_.world.After(Duration(), [this, which] {
    if (!member_ || member_->which != which) return;
    member_.reset();
    if (left_) StopDisk();
  });
  if (status.ok()) return;
  site_.world.After(kSupervisorDelay, [this, boot = powered_up_] {
    if (boot == powered_up_) StartMember();
  });
}

void Node::Ask(const std::string& request) {
  std::erase_if(tools_, [](const auto& tool) { return tool->over; });
  if (powered()) tools_.push_back(std::make_unique<Tool>(*this, request));
}

void Node::Leave() {
  Note("OPERATOR", "leave");
  Ask("{\"command\": \"leave\"}");
}

void Node::Cleanup() {
  for (const Group& group : site_.cib.groups) {
    for (const Primitive& primitive : group.members) {
      Ask(Cat("{\"command\": \"cleanup\", \"resource\": \"", primitive.id, "\"}"));
    }
  }
}

void Node::SetAttribute(const std::string& name, const std::string& value) {
  Note("ATTRIBUTE", Cat(name, " ", value));
  Ask(Cat("{\"command\": \"attribute\", \"name\": \"", name, "\", \"value\": \"", value, "\"}"));
}

Life* Node::disk_life() { return disk_ ? disk_->life.get() : nullptr; }
Life* Node::member_life() { return member_ ? member_->life.get() : nullptr; }

std::uint64_t Node::member_start() const {
  return member_ && member_->life->alive() ? member_->which : 0;
}

const node::Member* Node::member() const {
  return member_ && member_->life->alive() ? member_->runner->member() : nullptr;
}

const qdiskd::DiskVoter* Node::voter() const {
  return disk_ && disk_->life->alive() ? disk_->runner->voter() : nullptr;
}

std::optional<MonoTime> Node::QuorateUntil() const {
  const node::Member* mind = member();
  return mind == nullptr ? std::nullopt : mind->QuorateUntil(machine_.Now());
}

}  // namespace fencepost::sim
