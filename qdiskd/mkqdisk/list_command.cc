// mkqdisk -L and -f: what disks there are, and with -d or --watch what their nodes say.
#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "env/linux/block_scan.h"
#include "qdiskd/mkqdisk/context.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

constexpr Duration kDetailsWatch = Millis(3000);
constexpr Duration kWatchPause = Millis(1000);

std::uint64_t WallMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(now).count());
}

class Listing {
 public:
  explicit Listing(Context& context) : c_(context), o_(context.options) {}

  int Run() {
    if (!c_.LoadCluster()) return kFailed;
    if (o_.json) c_.json["disks"] = Json::array();
    for (const std::string& device : c_.Devices()) Look(device, true);
    if (c_.options.devices.empty()) {
      for (const std::string& device : ScanBlockDevices()) Look(device, false);
    }
    if (o_.action == Action::kFind && listed_ > 1) {
      c_.io.err << "mkqdisk: warning: " << listed_ << " disks have the label '" << o_.label
                << "'\n";
    }
    if (listed_ == 0 && !failed_) {
      return c_.Fail(o_.action == Action::kFind
                         ? Cat("no quorum disk has the label '", o_.label, "'")
                         : std::string("no quorum disk was found"));
    }
    return listed_ == 0 || failed_ ? kFailed : kDone;
  }

 private:
  // named: by the user or the configuration; what it is not is an error then.
  void Look(const std::string& text, bool named) {
    const Result<bool, std::string> one = ListOne(text, named);
    if (one.ok()) {
      listed_ += *one ? 1 : 0;
    } else if (named) {
      failed_ = true;
      c_.Fail(one.error());
    }
  }

  // Whether it was shown: it is a quorum disk, and has the label that is looked for.
  Result<bool, std::string> ListOne(const std::string& text, bool named) {
    const auto url = config::ParseDiskUrl(text);
    if (!url.ok()) return url.error().Text();
    auto device = c_.Device(*url);
    if (!device.ok()) return device.error().Text();
    WaitingDisk disk = c_.Waiting(*device.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return info.error().text;
    const auto head = disk.Read(0, kCopies * kUnitBytes);
    if (!head.ok()) return head.error().text;
    ListedDisk shown{text, *info, {}, false, FindForeign(*head), {}, {}, {}, {}};
    if (shown.foreign) {
      if (o_.action == Action::kFind && shown.foreign->label != o_.label) return false;
      Show(shown);
      return true;
    }
    const auto found = DecodeSuperblocks(*head, nullptr);
    if (found.condition != Condition::kOk) {
      return named ? Result<bool, std::string>(Cat(text, ": ", qdiskd::Explain(found.condition)))
                   : false;
    }
    shown.superblock = found.superblock;
    if (o_.action == Action::kFind && found.superblock.label != o_.label) return false;
    const bool ours = c_.cluster.mac && found.superblock.identity.cluster == c_.cluster.id;
    shown.authenticated =
        ours && DecodeSuperblocks(*head, &*c_.cluster.mac).condition == Condition::kOk;
    Result<bool, std::string> outcome = true;
    if (ours && !shown.authenticated) {
      outcome = Cat(text, ": ", qdiskd::Explain(Condition::kBadMac));
    } else if (o_.details && !shown.authenticated) {
      outcome = Cat(text, ": -d needs the key of the disk's cluster");
    } else if (o_.details) {
      outcome = Details(disk, shown);
    }
    Show(shown);
    if (outcome.ok() && o_.rounds && shown.authenticated) return Watch(disk, shown);
    return outcome;
  }

  void Show(const ListedDisk& disk) {
    if (o_.json) {
      c_.json["disks"].push_back(DiskJson(disk));
    } else {
      c_.io.out << DiskText(disk);
    }
  }

  Result<std::vector<SlotPair>, std::string> Slots(WaitingDisk& disk, const Superblock& s) {
    const auto geometry = *Geometry::Make(s.nodes, s.cib_units);
    const auto region =
        disk.Read(geometry.RegionOffset(Region::kHeartbeat),
                  static_cast<std::uint32_t>(geometry.RegionBytes(Region::kHeartbeat)));
    if (!region.ok()) return region.error().text;
    return DecodeHeartbeats(*region, geometry, s.identity, *c_.cluster.mac);
  }

  Result<bool, std::string> Details(WaitingDisk& disk, ListedDisk& shown) {
    const auto before = Slots(disk, shown.superblock);
    if (!before.ok()) return before.error();
    disk.Pause(std::min(c_.io.watch, kDetailsWatch));
    auto now = Slots(disk, shown.superblock);
    if (!now.ok()) return now.error();
    for (std::size_t i = 0; i < now->size(); ++i) {
      shown.living.push_back(IsReadable(before.value()[i].condition) &&
                             IsNewer(now.value()[i].slot, before.value()[i].slot));
    }
    shown.slots = std::move(now.value());
    return Messages(disk, shown);
  }

  Result<Bytes, std::string> Whole(WaitingDisk& disk, const Geometry& geometry, Region region) {
    auto bytes = disk.Read(geometry.RegionOffset(region),
                           static_cast<std::uint32_t>(geometry.RegionBytes(region)));
    if (!bytes.ok()) return bytes.error().text;
    return std::move(bytes.value());
  }

  Result<bool, std::string> Messages(WaitingDisk& disk, ListedDisk& shown) {
    const Superblock& s = shown.superblock;
    const auto geometry = *Geometry::Make(s.nodes, s.cib_units);
    const MacFunction& mac = *c_.cluster.mac;
    const auto outboxes = Whole(disk, geometry, Region::kOutbox);
    if (!outboxes.ok()) return outboxes.error();
    const auto acks = Whole(disk, geometry, Region::kAck);
    if (!acks.ok()) return acks.error();
    for (auto& pair : DecodeOutboxes(*outboxes, geometry, s.identity, mac)) {
      if (pair.condition == Condition::kOk) shown.outboxes.push_back(std::move(pair.box));
    }
    for (auto& pair : DecodeAckBoxes(*acks, geometry, s.identity, mac)) {
      if (pair.condition == Condition::kOk) shown.acks.push_back(std::move(pair.box));
    }
    return true;
  }

  // Each round: what every node says now, and for how long it has said nothing new.
  Result<bool, std::string> Watch(WaitingDisk& disk, const ListedDisk& shown) {
    std::vector<WatchedSlot> watched(static_cast<std::size_t>(shown.superblock.nodes));
    for (int round = 0; *o_.rounds == 0 || round < *o_.rounds; ++round) {
      if (round > 0) disk.Pause(std::min(c_.io.watch, kWatchPause));
      const auto now = Slots(disk, shown.superblock);
      if (!now.ok()) return now.error();
      const MonoTime at = c_.loop.Now();
      for (std::size_t i = 0; i < now->size(); ++i) watched[i].See(now.value()[i], at);
      if (o_.json) {
        c_.json["rounds"].push_back(RoundJson(WallMillis(), watched, at));
      } else {
        c_.io.out << RoundText(WallMillis(), watched, at) << std::flush;
      }
    }
    return true;
  }

  Context& c_;
  const Options& o_;
  int listed_ = 0;
  bool failed_ = false;
};

// Several disks, one story: whoever kept a record on any of them is heard.
int Tell(Context& c) {
  if (!c.LoadCluster() || !c.cluster.mac) return kFailed;
  const auto id = ParseInt(c.options.node, 1, kMaxNodes);
  NodeId node(static_cast<std::uint8_t>(id.value_or(0)));
  for (const auto& [known, name] : c.cluster.nodes) {
    if (name == c.options.node) node = known;
  }
  if (node.value() == 0) {
    return c.Fail(
        Cat("--why '", c.options.node, "': is no configured node and no id from 1 to ", kMaxNodes));
  }
  const std::vector<std::string> devices = c.Devices();
  if (devices.empty()) return c.Fail("no device is configured and none was given");
  std::optional<DiskStory> story;
  for (const std::string& text : devices) {
    const auto url = config::ParseDiskUrl(text);
    if (!url.ok()) return c.Fail(url.error().Text());
    auto device = c.Device(*url);
    if (!device.ok()) return c.Fail(device.error().Text());
    WaitingDisk disk = c.Waiting(*device.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return c.Fail(info.error().text);
    const auto head = disk.Read(0, kCopies * kUnitBytes);
    if (!head.ok()) return c.Fail(head.error().text);
    const auto superblock = c.Prove(*head);
    if (!superblock.ok()) return c.Fail(Cat(text, ": ", superblock.error()));
    if (node.value() > superblock->nodes) {
      return c.Fail(Cat(text, ": has room for ", superblock->nodes, " nodes, and none for ", node));
    }
    auto read = ReadStory(disk, *superblock, *c.cluster.mac);
    if (!read.ok()) return c.Fail(read.error().text);
    if (!story) {
      story = std::move(read.value());
    } else {
      Merge(*story, std::move(read.value()));
    }
  }
  if (c.options.json) {
    c.json["why"] = WhyJson(*story, node, c.cluster.nodes);
  } else {
    c.io.out << WhyText(*story, node, c.cluster.nodes);
  }
  return kDone;
}

}  // namespace

int List(Context& context) { return context.Finish(Listing(context).Run()); }
int Why(Context& context) { return context.Finish(Tell(context)); }

}  // namespace fencepost::qdiskd::mkqdisk
