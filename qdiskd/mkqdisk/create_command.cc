// mkqdisk -c: looks, refuses, asks, writes.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "env/linux/disk_signature.h"
#include "env/linux/read_file.h"
#include "qdiskd/mkqdisk/context.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

class Creation {
 public:
  explicit Creation(Context& context) : c_(context), o_(context.options) {}

  int Run() {
    if (!c_.LoadCluster() || !c_.cluster.mac) return kFailed;
    const auto url = config::ParseDiskUrl(o_.device);
    if (!url.ok()) return c_.Fail(url.error().Text());
    auto device = c_.Device(*url);
    if (!device.ok()) return c_.Fail(device.error().Text());
    WaitingDisk disk = c_.Waiting(*device.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return c_.Fail(info.error().text);
    // Whoever holds the vote writes at least once in a lease.
    const Duration watch = std::max(c_.io.watch, c_.cluster.lease);
    const auto found = Examine(disk, *info, watch);
    disk.Close();
    if (!found.ok()) return c_.Fail(found.error().text);
    if (!MayBeUsed(*url, *found)) return kFailed;
    if (!Agreed(*found)) return kDone;
    return Write(disk, *info);
  }

 private:
  bool MayBeUsed(const config::DiskUrl& url, const Findings& found) {
    const auto geometry = *Geometry::Make(o_.nodes, o_.cib_units);
    Plan plan{geometry.total_bytes(), c_.cluster.id, ""};
    if (!found.head.empty()) {
      const std::uint64_t units = found.info.size_bytes / kUnitBytes;
      plan.signature = ForeignSignature(found.head, found.tail, units * kUnitBytes);
    }
    std::vector<std::string> reasons = WhyNot(found, plan);
    if (url.kind == config::DiskUrl::Kind::kPath) {
      const std::string why = WhyNotOwn(url.path);
      if (!why.empty()) reasons.push_back(Cat("it ", why));
    }
    for (const std::string& reason : reasons) c_.Fail(Cat(o_.device, ": ", reason));
    const bool small = found.info.size_bytes < plan.needed_bytes;
    const bool refused = small || (!reasons.empty() && !o_.force);
    if (refused && !small) {
      c_.io.err << "mkqdisk: refused; --force initialises it nevertheless, and overrides what is "
                   "said above (--yes only keeps from asking)\n";
    }
    return !refused;
  }

  bool Agreed(const Findings& found) {
    if (o_.json) return true;
    std::ostream& out = c_.io.out;
    out << "Writing new quorum disk label '" << o_.label << "' to " << o_.device << ".\n";
    if (found.found.condition == Condition::kOk) {
      out << "Warning: Initializing previously initialized partition\n";
    }
    if (o_.yes) return true;
    out << "WARNING: About to destroy all data on " << o_.device << "; proceed [N/y] ? "
        << std::flush;
    std::string answer;
    std::getline(c_.io.in, answer);
    if (answer == "y" || answer == "Y") return true;
    out << "Good thinking.\n";
    return false;
  }

  Result<Superblock> NewSuperblock(const DeviceInfo& info) const {
    const auto random = RandomBytes(sizeof(DiskId::bytes));
    if (!random.ok()) return random.error();
    Superblock s;
    s.identity.cluster = c_.cluster.id;
    std::copy(random->begin(), random->end(), s.identity.disk.bytes.begin());
    s.label = o_.label;
    s.cluster_name = c_.cluster.name;
    std::string host(kMaxNameBytes + 1, '\0');
    gethostname(host.data(), kMaxNameBytes);
    s.creator_host = host.c_str();
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    s.created_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
    s.sector_bytes = info.sector_bytes;
    s.nodes = o_.nodes;
    s.cib_units = o_.cib_units;
    return s;
  }

  int Write(WaitingDisk& disk, const DeviceInfo& info) {
    const auto superblock = NewSuperblock(info);
    if (!superblock.ok()) return c_.Fail(superblock.error().Text());
    const Writer writer = MakeWriter(c_.cluster.id, kNobody, Incarnation(1));
    const auto opened = disk.Open(&writer);
    if (!opened.ok()) return c_.Fail(opened.error().text);
    if (opened->designator != info.designator) {
      return c_.Fail(Cat(o_.device, ": was the unit '", info.designator, "' and is now '",
                         opened->designator, "'; nothing was written: find out who changes it"));
    }
    const auto done = mkqdisk::Create(disk, *superblock, *c_.cluster.mac, [&](NodeId node) {
      if (!o_.json) {
        c_.io.out << "Initializing status block for node " << ToText(node) << "...\n";
      }
    });
    disk.Close();
    if (!done.ok()) return c_.Fail(done.error().text);
    Tell(*superblock, *opened);
    return kDone;
  }

  void Tell(const Superblock& s, const DeviceInfo& info) {
    if (o_.json) {
      c_.json["created"] = DiskJson({o_.device, info, s, true, {}, {}, {}, {}, {}});
      c_.json["created"]["barrier"] = info.barrier;
      return;
    }
    const auto geometry = *Geometry::Make(s.nodes, s.cib_units);
    c_.io.out << geometry.total_bytes() << " bytes are used, for " << s.nodes
              << " nodes; older writes are excluded by "
              << (info.barrier == "lock" ? "a lock" : "a reservation") << ".\n"
              << "Disk Id: " << UuidText(s.identity.disk.bytes) << "\n";
    if (info.designator.empty()) {
      c_.io.out << "The device has no designator; a unit that is swapped for another one of this "
                   "cluster is known by its Disk Id alone.\n";
    } else {
      c_.io.out << "To pin it, write into [quorum_disk] of the configuration:\n  designator = \""
                << Printable(info.designator) << "\"\n";
    }
  }

  Context& c_;
  const Options& o_;
};

}  // namespace

int Create(Context& context) { return context.Finish(Creation(context).Run()); }

}  // namespace fencepost::qdiskd::mkqdisk
