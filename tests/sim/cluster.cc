#include "tests/sim/cluster.h"

#include <algorithm>

#include "base/text.h"
#include "qdiskd/mkqdisk/create.h"
#include "qdiskd/mkqdisk/why.h"

namespace fencepost::sim {
namespace {

constexpr const char* kLabel = "sim";
constexpr std::uint32_t kCibUnits = 1;
constexpr Duration kAgentTimeout = std::chrono::seconds(5);
constexpr Duration kMonitorEvery = std::chrono::seconds(10);
constexpr Duration kDiskPatience = std::chrono::seconds(10);
constexpr std::string_view kNodeNamed = "nodename=node-";

NodeId IdOf(int i) { return NodeId(static_cast<std::uint8_t>(i)); }

config::Config MakeConfig(const ClusterSettings& settings) {
  config::Config out;
  out.cluster_name = "alpha";
  out.cluster_id = config::ClusterIdOf(out.cluster_name);
  out.profile = settings.profile;
  out.timing = *config::StockTiming(settings.profile);
  if (settings.watchdog) out.watchdog_device = "/dev/watchdog";
  if (!settings.watchdog) out.timing.watchdog = Duration();
  for (int i = 1; i <= settings.nodes; ++i) {
    config::NodeConfig node;
    node.id = IdOf(i);
    node.name = Cat("node-", i);
    node.address = {Cat("10.0.0.", i), config::kClusterPort};
    const auto index = static_cast<std::size_t>(i - 1);
    if (index < settings.scores.size()) node.score = settings.scores[index];
    out.nodes.push_back(node);
  }
  if (settings.disks == 0) return out;
  config::QuorumDiskConfig disk;
  for (int i = 0; i < settings.disks; ++i) {
    config::DiskConfig& one = disk.disks.emplace_back();
    one.device.path = Cat("/dev/sim", i);
    one.label = kLabel;
  }
  disk.votes = Votes(static_cast<std::uint32_t>(settings.nodes - 1));
  out.quorum_disk = disk;
  out.attributes.score = settings.score_attribute;
  return out;
}

// Of a PDU the plug is the node.
void AddFencing(const ClusterSettings& settings, Cib& cib) {
  const auto add = [&](std::string id, const char* agent) -> FenceDevice& {
    FenceDevice device;
    device.id = std::move(id);
    device.agent = agent;
    device.monitor_interval = settings.fence_monitor;
    return cib.fence_devices.emplace_back(std::move(device));
  };
  for (int i = 1; settings.feed == Feed::kStorage && i <= settings.nodes; ++i) {
    FenceDevice& device = add(Cat("storage-", i), "fence_sim_storage");
    device.targets[IdOf(i)] = "";
    device.scope = FenceScope::kStorage;
    device.unfencing = true;
  }
  if (settings.feed == Feed::kStorage) return;
  const bool bmc = settings.feed != Feed::kSupplies, supplies = settings.feed != Feed::kBmc;
  for (int i = 1; i <= settings.nodes; ++i) {
    if (bmc) add(Cat("fence-", i), "fence_sim").targets[IdOf(i)] = "";
    if (bmc) cib.fence_levels.push_back({Cat("bmc-", i), IdOf(i), 1, {Cat("fence-", i)}});
    if (supplies) {
      cib.fence_levels.push_back({Cat("pdu-", i), IdOf(i), 2, {"pdu-0", "pdu-1"}});
    }
  }
  for (int pdu = 0; supplies && pdu < kSupplyCount; ++pdu) {
    FenceDevice& device = add(Cat("pdu-", pdu), pdu == 0 ? "fence_sim_pdu0" : "fence_sim_pdu1");
    for (int i = 1; i <= settings.nodes; ++i) device.targets[IdOf(i)] = Cat(i);
  }
}

Cib MakeCib(const ClusterSettings& settings) {
  Cib cib;
  cib.stonith_action = settings.fence_action;
  Group group;
  group.id = "services";
  for (const char* id : {"address", "database"}) {
    Primitive p;
    p.id = id;
    p.provider = "heartbeat";
    p.type = "Dummy";
    p.start_timeout = p.stop_timeout = p.probe_timeout = p.monitor_timeout = kAgentTimeout;
    p.monitor_interval = kMonitorEvery;
    p.stickiness = settings.stickiness;
    if (settings.feed == Feed::kStorage) p.needs = {false, true, false};
    group.members.push_back(p);
  }
  cib.groups.push_back(group);
  if (settings.follow_pingd) {
    const Rule rule{"ping-score", false, {{"pingd", Comparison::kDefined, {}, ""}}, {}};
    cib.locations.push_back({"by-ping", group.id, NodeId(), 0, {{rule, 0, "pingd"}}});
  }
  for (int i = 1; i <= settings.nodes; ++i) {
    cib.nodes.push_back({IdOf(i), Cat("node-", i), false});
  }
  AddFencing(settings, cib);
  return cib;
}

}  // namespace

Cluster::Cluster(const ClusterSettings& settings)
    : world_(settings.seed),
      network_(world_),
      oracle_([this](const std::string& what) {
        journal_.Add({world_.Now(), NodeId(), MonoTime(), "ORACLE", Severity::kCritical,
                      "VIOLATION", Cat("VIOLATION ", what)});
      }),
      site_{world_,
            journal_,
            network_,
            {},
            oracle_,
            MakeConfig(settings),
            MakeCib(settings),
            seal::ClusterKey(seal::ClusterKey::Secret{9})} {
  for (const Group& group : site_.cib.groups) {
    for (const Primitive& primitive : group.members) services_.push_back(primitive.id);
  }
  MakeDisks(settings);
  for (int i = 1; i <= settings.nodes; ++i) {
    const auto index = static_cast<std::size_t>(i - 1);
    const std::int64_t rate = index < settings.rates_ppm.size() ? settings.rates_ppm[index] : 0;
    nodes_.push_back(std::make_unique<Node>(
        site_, Machine::Settings{IdOf(i), rate, std::chrono::seconds(100 * i)},
        [this](Node& asker, const Command& command) { return Fence(asker, command); }));
  }
}

Cluster::~Cluster() = default;

// By the shipped steps of mkqdisk.
void Cluster::MakeDisks(const ClusterSettings& settings) {
  const auto geometry = *qdiskd::Geometry::Make(settings.nodes, kCibUnits);
  for (int i = 0; i < settings.disks; ++i) {
    SimDisk::Settings disk;
    disk.size_bytes = geometry.total_bytes();
    disk.name = Cat("sim", i);
    disk.designator = Cat("sim-", i);
    disk.barrier = settings.barrier;
    disks_.push_back(std::make_unique<SimDisk>(world_, disk));
    site_.disks.push_back(disks_.back().get());

    Machine operators(world_, {});
    const auto life = operators.StartLife();
    SimClock clock(operators, life);
    SimPath path(*disks_.back(), operators, life);
    qdiskd::mkqdisk::WaitingDisk waiting(
        path, clock, {[this] { FENCEPOST_CHECK(world_.RunOne(TrueTime::max())); }, [] {}},
        kDiskPatience);
    const Writer writer = MakeWriter(site_.config.cluster_id, NodeId(), Incarnation(1));
    FENCEPOST_CHECK(waiting.Open(&writer).ok());
    qdiskd::Superblock superblock;
    superblock.identity.cluster = site_.config.cluster_id;
    superblock.identity.disk.bytes[0] = static_cast<std::uint8_t>(i + 1);
    superblock.label = kLabel;
    superblock.cluster_name = site_.config.cluster_name;
    superblock.nodes = settings.nodes;
    superblock.cib_units = kCibUnits;
    const auto made =
        qdiskd::mkqdisk::Create(waiting, superblock, qdiskd::DiskMac(site_.key), [](NodeId) {});
    FENCEPOST_CHECK(made.ok());
    waiting.Close();
    life->End();
  }
}

std::vector<std::string> Cluster::Why(int node) {
  const auto geometry = *qdiskd::Geometry::Make(static_cast<int>(nodes_.size()), kCibUnits);
  qdiskd::DiskIdentity identity;
  identity.cluster = site_.config.cluster_id;
  identity.disk.bytes[0] = 1;
  const ByteView medium(disk().medium());
  qdiskd::mkqdisk::DiskStory story;
  for (const auto& each : nodes_) {
    const auto ring = medium.subspan(geometry.Offset(qdiskd::Region::kRecorder, each->id(), 0),
                                     std::size_t{qdiskd::kRecorderUnits} * qdiskd::kUnitBytes);
    std::map<std::uint64_t, qdiskd::Record> records;
    for (const auto& page :
         DecodeRing(ring, each->id(), geometry, identity, qdiskd::DiskMac(site_.key))) {
      for (const auto& record : page.page.records) records[record.number] = record;
    }
    qdiskd::mkqdisk::DiskStory one;
    for (const auto& [number, record] : records) one.records.push_back({each->id(), record});
    Merge(story, std::move(one));
  }
  return Explain(story, IdOf(node), {}).sentences;
}

Performance Cluster::Fence(Node& asker, const Command& command) {
  if (command.stdin_text.find("action=monitor\n") != std::string::npos) return {};
  const auto at = command.stdin_text.find(kNodeNamed);
  FENCEPOST_CHECK(at != std::string::npos);
  const std::string_view rest = std::string_view(command.stdin_text).substr(at + kNodeNamed.size());
  const auto id = ParseInt(rest.substr(0, rest.find('\n')), 1, kMaxNodes);
  FENCEPOST_CHECK(id.has_value());
  Node& target = node(static_cast<int>(*id));
  PowerDevice& device = command.path.ends_with("_pdu0")      ? target.supply(0)
                        : command.path.ends_with("_pdu1")    ? target.supply(1)
                        : command.path.ends_with("_storage") ? target.storage_gate()
                                                             : target.power_device();
  return device.Perform(
      command, asker.machine(), [this, &asker, &target, start = asker.member_start()] {
        const bool same = start != 0 && asker.member_start() == start;
        oracle_.Shot(asker.id(), target.id(), !same || asker.QuorateUntil().has_value());
      });
}

bool Cluster::Step(TrueTime limit) {
  if (!world_.RunOne(limit)) return false;
  std::vector<NodeId> quorate;
  for (const auto& node : nodes_) {
    if (node->QuorateUntil()) quorate.push_back(node->id());
  }
  oracle_.Quorate(quorate);
  for (const auto& node : nodes_) oracle_.Covered(node->id(), node->IsCovered());
  return true;
}

void Cluster::Run(Duration d) {
  const TrueTime end = world_.Now() + d;
  while (Step(end)) {
  }
  world_.RunUntil(end);
}

std::optional<Duration> Cluster::RunUntil(Duration limit, const std::function<bool()>& done) {
  const TrueTime start = world_.Now(), end = start + limit;
  while (!done()) {
    if (Step(end)) continue;
    world_.RunUntil(end);
    return std::nullopt;
  }
  return world_.Now() - start;
}

void Cluster::StartAll() {
  for (const auto& node : nodes_) node->StartDaemons();
}

void Cluster::Split(NodeId a, NodeId b) {
  network_.Partition(a, b);
  oracle_.SplitBegins();
}

void Cluster::Heal(NodeId a, NodeId b) {
  network_.Join(a, b);
  oracle_.SplitEnds();
}

void Cluster::Isolate(NodeId node) {
  for (const auto& other : nodes_) {
    if (other->id() != node) network_.Partition(node, other->id());
  }
  oracle_.SplitBegins();
}

void Cluster::HealNetwork() {
  network_.HealAll();
  oracle_.SplitEnds();
}

Node* Cluster::Coordinator() {
  for (const auto& node : nodes_) {
    if (node->QuorateUntil()) return node.get();
  }
  return nullptr;
}

bool Cluster::AllOn(int id) {
  for (const auto& other : nodes_) {
    for (const std::string& service : services_) {
      if (other->services().Runs(service) != (other->id() == IdOf(id))) return false;
    }
  }
  return true;
}

int Cluster::Active() {
  for (int i = 1; i <= static_cast<int>(nodes_.size()); ++i) {
    if (AllOn(i)) return i;
  }
  return 0;
}

std::string Cluster::WhyNotHealthy() {
  if (Coordinator() == nullptr) return "nobody is quorate";
  if (Active() == 0) return "not every service runs exactly once";
  for (const auto& node : nodes_) {
    if (!node->powered()) return Cat("node ", node->id(), " is off");
    if (node->member() == nullptr) return Cat("fencepostd of node ", node->id(), " does not run");
    if (site_.config.quorum_disk && node->voter() == nullptr)
      return Cat("qdiskd of node ", node->id(), " does not run");
    const node::MemberStatus status = node->member()->Status(node->machine().Now());
    if (!status.has_authority) return Cat("node ", node->id(), " has no authority");
  }
  return "";
}

bool Cluster::Healthy() { return WhyNotHealthy().empty(); }

// The worst failover, begun when a voter has just started: its restart wait, a coordinator found,
// one node shot for it, and every service stopped and started by agents that take their time.
Duration Cluster::Bound() const {
  const config::Timing& t = timing();
  Duration failover{};
  for (const config::Failover& f : config::WorstFailover(t)) failover = std::max(failover, f.worst);
  const auto services = static_cast<int>(services_.size());
  return kBootTakes + 2 * t.VoterWait() + 2 * failover + 2 * services * kAgentTimeout +
         kMonitorEvery + kAgentTimeout;
}

int Cluster::Told(std::string_view fact, int node) const {
  const auto& lines = journal_.lines();
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const JournalLine& line) {
    return line.name == fact && (node == 0 || line.node == IdOf(node));
  }));
}

}  // namespace fencepost::sim
