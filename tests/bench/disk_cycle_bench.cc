// One cycle of a quorum disk beside the same round trips by bare libiscsi, in turn, on one target.
//
//   sudo disk_cycle_bench [CYCLES]      (500)
//
// A cycle is what renews the vote: the own slot is written durably, then the slots of all nodes are
// read. Ours encodes, seals, checks and decodes them, with a deadline for each I/O, on the loop of
// the daemon; the bare one sends the same bytes by libiscsi's own calls on another unit of the same
// target and looks at nothing. Prints medians and 90th percentiles in microseconds, and the median
// of the ratios of neighbours in time. Nothing is asserted: times are for people.
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/seal/seal.h"
#include "env/linux/iscsi_disk.h"
#include "qdiskd/disk_link.h"
#include "tests/lab/disk/tgt_target.h"

namespace fencepost::qdiskd {
namespace {

constexpr std::uint32_t kSectorBytes = 512;
constexpr Duration kPatience = Millis(10'000);
constexpr int kWarmUp = 20;

class NoState final : public StateStore {
 public:
  Result<std::optional<Bytes>> Load(std::string_view) override { return std::optional<Bytes>(); }
  void Store(std::string_view, Bytes, std::function<void(Status)> done) override { done(Ok{}); }
};

class Complaints final : public FactSink {
 public:
  void Record(const Fact& fact) override {
    if (fact.severity >= Severity::kWarning) std::fprintf(stderr, "%s\n", fact.Text().c_str());
  }
};

void MakeQuorumDisk(const std::string& image, const Superblock& superblock,
                    const MacFunction& mac) {
  const Geometry geometry = Geometry::Make(superblock.nodes, superblock.cib_units).value();
  std::FILE* file = std::fopen(image.c_str(), "r+b");
  FENCEPOST_CHECK(file != nullptr);
  const auto put = [&](std::uint64_t offset, const Bytes& unit) {
    FENCEPOST_CHECK(std::fseek(file, static_cast<long>(offset), SEEK_SET) == 0);
    FENCEPOST_CHECK(std::fwrite(unit.data(), 1, unit.size(), file) == unit.size());
  };
  for (int copy = 0; copy < kCopies; ++copy) {
    put(geometry.Offset(Region::kSuperblock, NodeId(), copy),
        EncodeSuperblock(superblock, copy, mac));
    for (int node = 1; node <= superblock.nodes; ++node) {
      const Place place =
          PlaceOf(geometry, Region::kHeartbeat, NodeId(static_cast<std::uint8_t>(node)), copy);
      put(place.offset, EncodeBlank(place, superblock.identity, mac));
    }
  }
  std::fclose(file);
}

// Our side: the daemon's own link over the daemon's own device.
class OurDisks {
 public:
  OurDisks(Loop& loop, const lab::TgtTarget& target, int disks, int nodes)
      : loop_(loop), nodes_(nodes) {
    const MacFunction mac = DiskMac(seal::ClusterKey(seal::ClusterKey::Secret{7}));
    for (int i = 0; i < disks; ++i) {
      Superblock superblock;
      superblock.identity.cluster.bytes[0] = 1;
      superblock.identity.disk.bytes[0] = static_cast<std::uint8_t>(i + 1);
      superblock.label = superblock.cluster_name = "bench";
      superblock.nodes = nodes;
      superblock.cib_units = kMinCibUnits;
      MakeQuorumDisk(target.Image(i + 1), superblock, mac);
      devices_.push_back(
          std::make_unique<IscsiDisk>(loop, *config::ParseDiskUrl(target.Url(i + 1)), ""));
      links_.push_back(
          std::make_unique<DiskLink>(Settings(i, superblock, mac), Ports(i), Handlers(i)));
    }
    Wait([&] {
      for (const auto& link : links_) link->Open();
    });
  }
  std::uint64_t Cycle() {
    const MonoTime began = loop_.Now();
    Wait([&] {
      for (std::size_t i = 0; i < links_.size(); ++i) links_[i]->Write(slot_, began + kPatience);
    });
    ++slot_.sequence;
    return static_cast<std::uint64_t>((loop_.Now() - began).count() / 1000);
  }

 private:
  LinkSettings Settings(int disk, const Superblock& superblock, const MacFunction& mac) {
    LinkSettings settings;
    settings.disk = disk;
    settings.device = "bench";
    settings.self = NodeId(1);
    for (int node = 1; node <= nodes_; ++node) {
      settings.nodes.emplace_back(static_cast<std::uint8_t>(node));
    }
    settings.cluster = superblock.identity.cluster;
    settings.incarnation = slot_.incarnation = Incarnation(1);
    slot_.node = settings.self;
    slot_.version = "bench";
    settings.io_timeout = kPatience;
    settings.mac = mac;
    settings.wall_ms = [] { return std::uint64_t{0}; };
    return settings;
  }
  LinkPorts Ports(int disk) {
    return {loop_, *devices_[static_cast<std::size_t>(disk)], state_, facts_};
  }
  DiskLink::Handler Handlers(int disk) {
    return {[this] { Done(); },
            [](const std::string& why) { std::fprintf(stderr, "lost: %s\n", why.c_str()); },
            [this, disk] { links_[static_cast<std::size_t>(disk)]->Read(loop_.Now() + kPatience); },
            [this](const RegionRead& read) {
              FENCEPOST_CHECK(static_cast<int>(read.slots.size()) == nodes_ && read.slots[0]);
              Done();
            },
            [] {},
            [](const DiskId&) { return std::string(); }};
  }
  void Done() {
    if (--under_way_ == 0) loop_.Stop();
  }
  void Wait(const std::function<void()>& begin) {
    under_way_ = static_cast<int>(links_.size());
    const TimerId late = loop_.CallAt(loop_.Now() + kPatience, [] {
      std::fprintf(stderr, "no answer from the target\n");
      std::exit(1);
    });
    begin();
    loop_.Run();
    loop_.Cancel(late);
  }
  Loop& loop_;
  const int nodes_;
  NoState state_;
  Complaints facts_;
  Slot slot_;
  std::vector<std::unique_ptr<IscsiDisk>> devices_;
  std::vector<std::unique_ptr<DiskLink>> links_;
  int under_way_ = 0;
};

// The other side: what libiscsi needs for the same bytes on the wire, and nothing else.
class BareDisks {
 public:
  BareDisks(const lab::TgtTarget& target, int first, int disks, int nodes)
      : data_(kUnitBytes, 0x5A),
        read_bytes_(static_cast<std::uint32_t>(nodes * kCopies) * kUnitBytes) {
    for (int i = 0; i < disks; ++i) {
      iscsi_context* context = iscsi_create_context("iqn.2026-01.org.fencepost:bench");
      FENCEPOST_CHECK(context != nullptr);
      contexts_.push_back(context);
      const config::DiskUrl url = *config::ParseDiskUrl(target.Url(first + i));
      luns_.push_back(static_cast<int>(url.lun));
      iscsi_set_targetname(context, url.target.c_str());
      iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
      iscsi_set_header_digest(context, ISCSI_HEADER_DIGEST_NONE_CRC32C);
      iscsi_set_isid_random(context, 1, static_cast<std::uint32_t>(i));
      if (iscsi_full_connect_sync(context, url.Portal().c_str(), luns_.back()) != 0) {
        std::fprintf(stderr, "bare libiscsi: %s\n", iscsi_get_error(context));
        std::exit(1);
      }
    }
  }
  ~BareDisks() {
    for (iscsi_context* context : contexts_) {
      iscsi_logout_sync(context);
      iscsi_destroy_context(context);
    }
  }
  BareDisks(const BareDisks&) = delete;
  BareDisks& operator=(const BareDisks&) = delete;

  std::uint64_t Cycle(const Clock& clock) {
    const MonoTime began = clock.Now();
    under_way_ = contexts_.size();
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      operations_[i] = {this, i};
      scsi_task* task =
          iscsi_write10_task(contexts_[i], luns_[i], 8, data_.data(), kUnitBytes, kSectorBytes, 0,
                             0, /*fua=*/1, 0, 0, Written, &operations_[i]);
      FENCEPOST_CHECK(task != nullptr);
    }
    while (under_way_ > 0) Service();
    return static_cast<std::uint64_t>((clock.Now() - began).count() / 1000);
  }

 private:
  struct Operation {
    BareDisks* disks = nullptr;
    std::size_t disk = 0;
  };
  static void MustBeGood(iscsi_context* context, int status) {
    if (status == SCSI_STATUS_GOOD) return;
    std::fprintf(stderr, "bare libiscsi: %s\n", iscsi_get_error(context));
    std::exit(1);
  }
  static void Written(iscsi_context* context, int status, void* task, void* data) {
    MustBeGood(context, status);
    scsi_free_scsi_task(static_cast<scsi_task*>(task));
    auto* operation = static_cast<Operation*>(data);
    FENCEPOST_CHECK(iscsi_read16_task(context, operation->disks->luns_[operation->disk], 0,
                                      operation->disks->read_bytes_, kSectorBytes, 0, 0, 0, 0, 0,
                                      Read, data) != nullptr);
  }
  static void Read(iscsi_context* context, int status, void* task, void* data) {
    MustBeGood(context, status);
    scsi_free_scsi_task(static_cast<scsi_task*>(task));
    --static_cast<Operation*>(data)->disks->under_way_;
  }
  void Service() {
    pollfd ready[kMaxDisks] = {};
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      ready[i] = {iscsi_get_fd(contexts_[i]), static_cast<short>(iscsi_which_events(contexts_[i])),
                  0};
    }
    FENCEPOST_CHECK(poll(ready, contexts_.size(), 10'000) > 0);
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      if (ready[i].revents != 0)
        FENCEPOST_CHECK(iscsi_service(contexts_[i], ready[i].revents) == 0);
    }
  }
  std::vector<iscsi_context*> contexts_;
  std::vector<int> luns_;
  Bytes data_;
  const std::uint32_t read_bytes_;
  Operation operations_[kMaxDisks];
  std::size_t under_way_ = 0;
};

double Percentile(std::vector<double> values, int percent) {
  const std::size_t at = (values.size() - 1) * static_cast<std::size_t>(percent) / 100;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

void Measure(Loop& loop, int nodes, int disks, int cycles) {
  const lab::TgtTarget target(std::vector<lab::TgtUnit>(static_cast<std::size_t>(2 * disks)));
  OurDisks ours(loop, target, disks, nodes);
  BareDisks bare(target, disks + 1, disks, nodes);
  std::vector<double> our_us, bare_us, ratios;
  for (int i = -kWarmUp; i < cycles; ++i) {
    const bool first = i % 2 == 0;  // who goes first changes, so that neither has the warmer cache
    const auto b1 = first ? bare.Cycle(loop) : 0;
    const auto o = static_cast<double>(ours.Cycle());
    const auto b = static_cast<double>(first ? b1 : bare.Cycle(loop));
    if (i < 0) continue;
    our_us.push_back(o);
    bare_us.push_back(b);
    ratios.push_back(o / std::max(b, 1.0));
  }
  std::printf("%5d  %5d  %8.0f %8.0f  %8.0f %8.0f  %6.2f\n", nodes, disks, Percentile(bare_us, 50),
              Percentile(bare_us, 90), Percentile(our_us, 50), Percentile(our_us, 90),
              Percentile(ratios, 50));
  std::fflush(stdout);
}

int Main(int cycles) {
  if (const auto why = lab::TgtTarget::WhyNot()) {
    std::fprintf(stderr, "skipped: %s\n", why->c_str());
    return 77;
  }
  const auto loop = std::move(Loop::Create().value());
  std::printf("a cycle on tgt, microseconds, %d in turn\n", cycles);
  std::printf("nodes  disks  bare p50      p90  ours p50      p90   ratio\n");
  for (const int disks : {1, kMaxDisks}) {
    for (const int nodes : {2, 16, kMaxNodes}) Measure(*loop, nodes, disks, cycles);
  }
  return 0;
}

}  // namespace
}  // namespace fencepost::qdiskd

int main(int argc, char** argv) {
  int cycles = 500;
  if (argc > 1) {
    const char* end = argv[1] + std::strlen(argv[1]);
    if (std::from_chars(argv[1], end, cycles).ptr != end || cycles < 1) {
      std::fprintf(stderr, "usage: disk_cycle_bench [CYCLES]\n");
      return 1;
    }
  }
  return fencepost::qdiskd::Main(cycles);
}
