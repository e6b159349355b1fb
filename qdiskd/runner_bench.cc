#include "qdiskd/runner_bench.h"

#include "base/crc32c.h"

namespace fencepost::qdiskd {
namespace {

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

}  // namespace

// Enough to tell keys apart; the real one has tests of its own.
MacFunction TestMac(std::uint8_t key) {
  return [key](ByteView bytes) {
    const std::uint32_t sum = Crc32c(bytes);
    Mac16 mac{key};
    for (std::size_t i = 0; i < 4; ++i) mac[i + 1] = static_cast<std::uint8_t>(sum >> (8 * i));
    return mac;
  };
}

Superblock TestSuperblock(int disk) {
  Superblock superblock;
  superblock.identity = {kCluster, kDisk};
  superblock.identity.disk.bytes[1] = static_cast<std::uint8_t>(disk);
  superblock.label = "shop";
  superblock.cluster_name = "alpha";
  superblock.nodes = 2;
  superblock.cib_units = kMinCibUnits;
  return superblock;
}

void Format(Bytes& medium, const Superblock& superblock, const MacFunction& mac) {
  const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  const auto put = [&](std::uint64_t offset, const Bytes& unit) {
    std::copy(unit.begin(), unit.end(), medium.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  for (int copy = 0; copy < kCopies; ++copy) {
    put(geometry.Offset(Region::kSuperblock, NodeId(), copy),
        EncodeSuperblock(superblock, copy, mac));
    for (int node = 1; node <= superblock.nodes; ++node) {
      for (const Region region : {Region::kHeartbeat, Region::kOutbox, Region::kAck}) {
        const Place place =
            PlaceOf(geometry, region, NodeId(static_cast<std::uint8_t>(node)), copy);
        put(place.offset, EncodeBlank(place, superblock.identity, mac));
      }
    }
  }
}

Consumer::Consumer(sim::LocalHub& hub, sim::Machine& machine, std::uint32_t user)
    : machine_(machine), life_(machine.StartLife()), client_(hub, "qdiskd", life_, user) {}

void Consumer::Connect(bool hello) {
  client_.Connect({[this, hello] {
                     log_.push_back("up");
                     lease_.reset();  // dropped before it says Hello
                     if (hello) Say(local::Hello{});
                   },
                   [this](ByteView bytes) {
                     const auto message = DecodeFromQdiskd(bytes);
                     FENCEPOST_CHECK(message.ok());
                     Heard(*message);
                   },
                   [this] { log_.push_back("down"); }});
}

void Consumer::Want(std::uint64_t counter, bool enough) {
  Say(event::Want{Term(counter, machine_.node()), enough});
}

bool Consumer::Counts() const {
  return life_->alive() && lease_ && machine_.powered() && machine_.Now() < lease_->deadline;
}

int Consumer::Count(const std::string& what) const {
  int count = 0;
  for (const std::string& line : log_) count += line.rfind(what, 0) == 0 ? 1 : 0;
  return count;
}

void Consumer::Heard(const FromQdiskd& message) {
  std::visit(Overloaded{[&](const local::Welcome&) { log_.push_back("welcome"); },
                        [&](const local::View& view) {
                          view_ = view;
                          ++views_;
                        },
                        [&](const notice::Held& held) {
                          log_.push_back(Cat("held ", held.lease.term));
                          lease_ = held.lease;
                        },
                        [&](const notice::Waiting&) { log_.push_back("waiting"); },
                        [&](const notice::MustDrop& drop) {
                          log_.push_back(Cat("must-drop ", drop.why));
                          if (!answers_drop_) return;
                          lease_.reset();
                          Say(event::Dropped{drop.term});
                        },
                        [&](const notice::Refused& refused) {
                          log_.push_back(Cat("refused ", refused.why));
                        },
                        [this](const local::Die&) {
                          log_.push_back("die");
                          if (watchdog_) Say(local::FeedingEnded{*watchdog_});
                        },
                        [this](const local::MessageEnd& end) { ends_.push_back(end); },
                        [this](const local::PowerSaid& said) { power_ = said; }},
             message);
}

BenchNode::BenchNode(sim::Timeline& world, const std::vector<std::unique_ptr<sim::SimDisk>>& all,
                     sim::Journal& journal, int node, std::int64_t rate_ppm)
    : machine(world, {NodeId(static_cast<std::uint8_t>(node)), rate_ppm, Millis(1000 * node)}),
      state(world),
      hub(world),
      death(world,
            [this](Death) {
              if (machine.powered()) PowerCycle();
            }),
      facts_(journal, machine, "qdiskd") {
  settings.voter.self = machine.node();
  settings.voter.nodes = {NodeId(1), NodeId(2)};
  settings.voter.times = kTimes;
  settings.voter.interval = kInterval;
  settings.voter.io_timeout = kIoTimeout;
  settings.voter.tko = 13;
  settings.voter.version = "0.1.0";
  settings.cluster = kCluster;
  for (const auto& disk : all) {
    disks.push_back(disk.get());
    settings.disks.push_back({settings.disks.empty() ? std::string("/dev/shared")
                                                     : Cat("/dev/shared", settings.disks.size()),
                              "shop", ""});
  }
  settings.voter.disks = static_cast<int>(all.size());
  settings.own_user = 50;
  settings.mac = TestMac();
  settings.names = {{NodeId(1), "alpha"}, {NodeId(2), "beta"}};
  settings.wall_ms = [] { return std::uint64_t{1234}; };
}

void BenchNode::Start() {
  Kill();
  ended_.reset();
  life = machine.StartLife();
  clock_ = std::make_unique<sim::SimClock>(machine, life);
  server_ = std::make_unique<sim::SimLocalServer>(hub, "qdiskd", life);
  store_ = std::make_unique<sim::SimStateStore>(state, life);
  if (!identity) identity = std::make_unique<sim::SimIdentity>(machine);
  RunnerPorts ports{*clock_, {}, *server_, *store_, *identity, facts_, death};
  for (sim::SimDisk* disk : disks) {
    paths.push_back(std::make_unique<sim::SimPath>(*disk, machine, life));
    ports.disks.push_back(paths.back().get());
  }
  runner = std::make_unique<DiskRunner>(settings, ports);
  runner->Start([this](Status status) {
    ended_ = std::move(status);
    life->End();
  });
}

void BenchNode::Kill() {
  if (life) life->End();
  runner.reset();
  store_.reset();
  server_.reset();
  paths.clear();
  clock_.reset();
}

void BenchNode::PowerCycle() {
  machine.PowerOff();
  Kill();
  machine.PowerOn();
}

std::string BenchNode::EndText() const {
  if (!ended_) return "runs";
  return ended_->ok() ? "ok" : ended_->error().Text();
}

Bench::Bench(std::uint64_t seed, int disk_count)
    : world(seed),
      disks([&] {
        std::vector<std::unique_ptr<sim::SimDisk>> made;
        for (int i = 0; i < disk_count; ++i) {
          sim::SimDisk::Settings one;
          one.name = i == 0 ? "sim" : Cat("sim", i);
          one.designator = Cat("sim-", i);
          made.push_back(std::make_unique<sim::SimDisk>(world, one));
          Format(made.back()->medium(), TestSuperblock(i));
        }
        return made;
      }()),
      disk(*disks.front()) {
  for (const int node : {1, 2}) {
    nodes[node] = std::make_unique<BenchNode>(world, disks, journal, node, node == 1 ? 400 : -400);
  }
}

std::unique_ptr<Consumer> Bench::NewConsumer(int node, bool hello) {
  BenchNode& at = *nodes.at(node);
  auto consumer = std::make_unique<Consumer>(at.hub, at.machine);
  consumer->Connect(hello);
  return consumer;
}

Slot Bench::OnDisk(int node, int at) {
  const Superblock superblock = TestSuperblock(at);
  const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  const std::uint64_t start = geometry.RegionOffset(Region::kHeartbeat);
  const ByteView region = ByteView(disks.at(static_cast<std::size_t>(at))->medium())
                              .subspan(start, geometry.RegionBytes(Region::kHeartbeat));
  const auto pairs = DecodeHeartbeats(region, geometry, superblock.identity, TestMac());
  return pairs.at(static_cast<std::size_t>(node - 1)).slot;
}

}  // namespace fencepost::qdiskd
