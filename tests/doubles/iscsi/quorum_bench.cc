#include "tests/doubles/iscsi/quorum_bench.h"

#include "base/crc32c.h"

namespace fencepost::doubles {
namespace {

using namespace qdiskd;

constexpr int kDisks = 3;
const ClusterId kCluster{{0xC1}};

// Enough to tell a right one from a wrong one; the real one has tests of its own.
Mac16 BenchMac(ByteView bytes) {
  const std::uint32_t sum = Crc32c(bytes);
  Mac16 mac{7};
  for (std::size_t i = 0; i < 4; ++i) mac[i + 1] = static_cast<std::uint8_t>(sum >> (8 * i));
  return mac;
}

Superblock MakeSuperblock(std::uint8_t uuid) {
  Superblock out;
  out.identity.cluster = kCluster;
  out.identity.disk.bytes[0] = uuid;
  out.label = "bench";
  out.cluster_name = "bench";
  out.nodes = 2;
  out.cib_units = kMinCibUnits;
  return out;
}

std::uint8_t UuidOf(std::size_t disk) { return static_cast<std::uint8_t>(0xD0 + disk); }

RunnerSettings MakeSettings(const std::vector<std::unique_ptr<IscsiTarget>>& targets) {
  RunnerSettings out;
  out.voter.self = NodeId(1);
  out.voter.nodes = {NodeId(1), NodeId(2)};
  out.voter.disks = kDisks;
  out.voter.times = {Millis(20'000), Millis(20'000), 1000, Millis(200)};
  out.voter.interval = kBenchInterval;
  out.voter.io_timeout = Millis(1000);
  out.voter.tko = 100;
  out.voter.version = "bench";
  out.cluster = kCluster;
  for (const auto& target : targets) out.disks.push_back({target->Url(), "bench", ""});
  out.mac = BenchMac;
  out.wall_ms = [] { return std::uint64_t{1}; };
  return out;
}

}  // namespace

Result<std::optional<Bytes>> BenchState::Load(std::string_view name) {
  const auto found = values.find(name);
  return found == values.end() ? std::nullopt : std::optional(found->second);
}

void BenchState::Store(std::string_view name, Bytes value, std::function<void(Status)> done) {
  values[std::string(name)] = std::move(value);
  done(Ok{});
}

void BenchConsumer::Serve(Handler handler) {
  handler_ = std::move(handler);
  loop_.Post([this] {
    handler_.connected(1, 0);
    Say(local::Hello{});
  });
}

void BenchConsumer::Say(const ToQdiskd& message) { handler_.message(1, Encode(message)); }

void BenchConsumer::Send(PeerId, ByteView message) {
  const auto heard = DecodeFromQdiskd(message);
  FENCEPOST_CHECK(heard.ok());
  if (const auto* seen = std::get_if<local::View>(&*heard)) view = *seen;
  if (std::holds_alternative<notice::MustDrop>(*heard)) gap = true;
  if (const auto* renewed = std::get_if<notice::Held>(&*heard)) {
    if (lease_ && lease_->deadline < loop_.Now()) gap = true;
    lease_ = renewed->lease;
    ++held;
  }
}

std::uint64_t BenchConsumer::SequenceOf(int node) const {
  for (const NodeOnDisk& each : view.view.nodes) {
    if (each.node.value() == node) return each.slot.sequence;
  }
  return 0;
}

QuorumBench::QuorumBench() : loop(std::move(Loop::Create().value())), server(*loop) {
  for (std::size_t i = 0; i < kDisks; ++i) {
    IscsiTarget::Settings settings;
    settings.name = Cat("iqn.2026-01.org.fencepost.double:", i);
    settings.unit.naa += i;
    auto opened = IscsiTarget::Open(*loop, settings);
    FENCEPOST_CHECK(opened.ok());
    targets.push_back(std::move(*opened));
    Format(i, UuidOf(i));
    disks.push_back(
        std::make_unique<IscsiDisk>(*loop, *config::ParseDiskUrl(targets[i]->Url()), ""));
  }
  RunnerPorts ports{*loop, {}, server, state, identity, facts, death};
  for (const auto& disk : disks) ports.disks.push_back(disk.get());
  runner = std::make_unique<DiskRunner>(MakeSettings(targets), ports);
  runner->Start([](const Status&) {});
}

QuorumBench::~QuorumBench() {
  runner.reset();
  disks.clear();
  targets.clear();
}

void QuorumBench::Format(std::size_t disk, std::uint8_t uuid) {
  const Superblock superblock = MakeSuperblock(uuid);
  const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  Bytes& medium = targets.at(disk)->unit().medium();
  const auto put = [&](std::uint64_t offset, const Bytes& unit) {
    std::copy(unit.begin(), unit.end(), medium.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  for (int copy = 0; copy < kCopies; ++copy) {
    put(geometry.Offset(Region::kSuperblock, NodeId(), copy),
        EncodeSuperblock(superblock, copy, BenchMac));
    for (const NodeId node : {NodeId(1), NodeId(2)}) {
      const Place place = PlaceOf(geometry, Region::kHeartbeat, node, copy);
      put(place.offset, EncodeBlank(place, superblock.identity, BenchMac));
    }
  }
}

void QuorumBench::WriteAsPeer(std::size_t disk, std::uint64_t sequence) {
  const Superblock superblock = MakeSuperblock(UuidOf(disk));
  const auto geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  Slot slot;
  slot.node = NodeId(2);
  slot.boot = BootId{{0xB2}};
  slot.incarnation = Incarnation(1);
  slot.sequence = sequence;
  slot.interval = kBenchInterval;
  const Place place = PlaceOf(geometry, Region::kHeartbeat, slot.node, 0);
  const Bytes unit = EncodeSlot(slot, place, superblock.identity, BenchMac);
  std::copy(unit.begin(), unit.end(),
            targets.at(disk)->unit().medium().begin() + static_cast<std::ptrdiff_t>(place.offset));
}

bool QuorumBench::HoldVote() {
  const bool ready = RunUntil([&] { return server.view.view.disks_ready == kDisks; });
  if (!ready) return false;
  server.Say(event::Want{Term(1, NodeId(1)), true});
  return RunUntil([&] { return server.held >= 3; });
}

bool QuorumBench::RunUntil(const std::function<bool()>& done, Duration patience) {
  const MonoTime give_up = loop->Now() + patience;
  while (!done() && loop->Now() < give_up) RunFor(Millis(10));
  return done();
}

void QuorumBench::RunFor(Duration d) {
  loop->CallAt(loop->Now() + d, [this] { loop->Stop(); });
  loop->Run();
}

}  // namespace fencepost::doubles
