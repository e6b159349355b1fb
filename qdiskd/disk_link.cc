#include "qdiskd/disk_link.h"

#include <algorithm>
#include <utility>

namespace fencepost::qdiskd {
namespace {

constexpr std::uint32_t kSuperblockBytes = kCopies * kUnitBytes;

std::uint8_t HighestSlot(const std::vector<NodeId>& nodes) {
  return std::max_element(nodes.begin(), nodes.end())->value();
}

}  // namespace

DiskLink::DiskLink(LinkSettings settings, LinkPorts ports, Handler handler)
    : settings_(std::move(settings)),
      ports_(ports),
      handler_(std::move(handler)),
      writer_(MakeWriter(settings_.cluster, settings_.self, settings_.incarnation)),
      heartbeats_(settings_.mac) {}

std::optional<DiskId> DiskLink::disk_id() const {
  return superblock_ ? std::optional(superblock_->identity.disk) : std::nullopt;
}

Fact DiskLink::About(Severity severity, std::string_view name) const {
  return Fact{severity, name, {}}.With("disk", settings_.disk).With("device", settings_.device);
}

void DiskLink::Open() { Attempt(); }

void DiskLink::Close() {
  EndSession();
  ports_.clock.Cancel(timer_);
  timer_ = 0;
}

void DiskLink::EndSession() {
  ++*session_;
  ready_ = false;
  ports_.device.Close();
}

void DiskLink::TryAgain(Duration pause) {
  ports_.clock.Cancel(timer_);
  timer_ = ports_.clock.CallAt(ports_.clock.Now() + pause, [this] { Attempt(); });
}

// First without any writing right: a reservation on somebody else's disk is harm, too.
void DiskLink::Attempt() {
  EndSession();
  const MonoTime deadline = ports_.clock.Now() + kOpenTimeouts * settings_.io_timeout;
  ports_.device.Open(trusted_ ? &writer_ : nullptr, deadline,
                     InSession([this](const Result<DeviceInfo, IoError>& info) {
                       if (!info.ok()) return Fail(info.error());
                       ReadSuperblock(*info);
                     }));
}

void DiskLink::ReadSuperblock(const DeviceInfo& info) {
  ports_.device.Read(0, kSuperblockBytes, IoDeadline(),
                     InSession([this, info](const Result<Bytes, IoError>& units) {
                       if (!units.ok()) return Fail(units.error());
                       auto superblock = Judge(info, *units);
                       if (!superblock.ok()) return Refuse(superblock.error());
                       superblock_ = std::move(*superblock);
                       geometry_ = *Geometry::Make(superblock_->nodes, superblock_->cib_units);
                       barrier_ = info.barrier;
                       CheckPin();
                     }));
}

Result<Superblock, std::string> DiskLink::Judge(const DeviceInfo& info, ByteView units) const {
  DecodedSuperblock decoded = DecodeSuperblocks(units, &settings_.mac);
  if (decoded.condition == Condition::kBadMac) {  // of another cluster, or only another key?
    const DecodedSuperblock unproven = DecodeSuperblocks(units, nullptr);
    if (unproven.condition == Condition::kOk &&
        unproven.superblock.identity.cluster != settings_.cluster) {
      decoded.condition = Condition::kForeignCluster;
    }
  }
  if (decoded.condition != Condition::kOk) return Explain(decoded.condition);
  const Superblock& s = decoded.superblock;
  if (s.identity.cluster != settings_.cluster) return Explain(Condition::kForeignCluster);
  if (!settings_.label.empty() && s.label != settings_.label) {
    return Cat("has the label '", s.label, "', the configuration names '", settings_.label,
               "'; check quorum_disk.device and quorum_disk.label");
  }
  if (!settings_.designator.empty() && info.designator != settings_.designator) {
    return Cat("is the unit '", info.designator, "', the configuration names '",
               settings_.designator, "'; check quorum_disk.device and quorum_disk.designator");
  }
  const int needed = HighestSlot(settings_.nodes);
  if (s.nodes < needed) {
    return Cat("has slots for ", s.nodes, " nodes, the configuration has node ", needed,
               "; initialise a larger one with mkqdisk while the cluster is down");
  }
  const auto geometry = Geometry::Make(s.nodes, s.cib_units);
  if (info.size_bytes < geometry->total_bytes()) {
    return Cat("has ", info.size_bytes, " bytes, its format needs ", geometry->total_bytes(),
               "; it was shrunk: restore its size");
  }
  return std::move(decoded.superblock);
}

// One disk that is reached twice must not be counted twice, now or after a restart.
std::string DiskLink::WhyAnothers(const DiskId& id) const {
  for (int other = 0; other < kMaxDisks; ++other) {
    if (other == settings_.disk) continue;
    const Result<std::optional<Bytes>> pinned = ports_.state.Load(StateName(other));
    if (!pinned.ok()) return pinned.error().Text();
    if (pinned->has_value() &&
        std::equal((*pinned)->begin(), (*pinned)->end(), id.bytes.begin(), id.bytes.end())) {
      return Cat("is the disk that this node knows as disk ", other,
                 ": correct the devices in [quorum_disk]");
    }
  }
  return handler_.why_not(id);
}

// A disk that was initialised anew is another voter: leases of the old one must not meet it.
void DiskLink::CheckPin() {
  const DiskId id = superblock_->identity.disk;
  if (const std::string why = WhyAnothers(id); !why.empty()) return Refuse(why);
  const Result<std::optional<Bytes>> pinned = ports_.state.Load(StateName(settings_.disk));
  if (!pinned.ok()) return Refuse(pinned.error().Text());
  if (pinned->has_value()) {
    const Bytes& known = **pinned;
    if (std::equal(known.begin(), known.end(), id.bytes.begin(), id.bytes.end())) return Judged();
    std::array<std::uint8_t, 16> before{};
    std::copy_n(known.begin(), std::min(known.size(), before.size()), before.begin());
    return Refuse(Cat("has the uuid ", UuidText(id.bytes), ", but this node has worked with ",
                      UuidText(before),
                      ": it was initialised anew, or is another disk; if that "
                      "was meant, stop the whole cluster and remove the state '",
                      StateName(settings_.disk), "' on every node"));
  }
  ports_.state.Store(StateName(settings_.disk), Bytes(id.bytes.begin(), id.bytes.end()),
                     InSession([this](const Status& stored) {
                       if (!stored.ok()) return Refuse(stored.error().Text());
                       Judged();
                     }));
}

void DiskLink::Judged() {
  if (!trusted_) {
    trusted_ = true;
    return Attempt();
  }
  ready_ = true;
  failed_.reset();
  refused_.clear();
  ports_.facts.Record(About(Severity::kNotice, "disk-open")
                          .With("label", superblock_->label)
                          .With("uuid", UuidText(superblock_->identity.disk.bytes))
                          .With("barrier", barrier_));
  SetTrouble("");
  handler_.ready();
}

void DiskLink::SetTrouble(const std::string& why) {
  if (trouble_ == why) return;
  trouble_ = why;
  handler_.trouble_changed();
}

void DiskLink::Fail(const IoError& error) {
  const bool was_ready = ready_;
  EndSession();
  std::string why = error.text;
  if (error.kind == IoKind::kConflict) {
    why += Cat("; two nodes have the id ", settings_.self,
               ", or an older qdiskd of this node still lives: stop one of them");
  }
  if (failed_ != error.kind && (!was_ready || error.kind == IoKind::kConflict)) {
    const bool conflict = error.kind == IoKind::kConflict;
    ports_.facts.Record(About(conflict ? Severity::kError : Severity::kWarning,
                              conflict ? "disk-conflict" : "disk-unavailable")
                            .With("why", why));
  }
  failed_ = error.kind;
  SetTrouble(why);
  TryAgain(pause_);
  pause_ = std::min(2 * pause_, kReopenMost);
  if (was_ready) handler_.lost(why);
}

void DiskLink::Refuse(const std::string& why) {
  EndSession();
  trusted_ = false;
  superblock_.reset();
  if (refused_ != why) {
    ports_.facts.Record(About(Severity::kError, "disk-refused").With("why", why));
  }
  refused_ = why;
  SetTrouble(Cat(settings_.device, " ", why));
  TryAgain(kRefusedPause);
}

void DiskLink::Write(Slot slot, MonoTime deadline) {
  FENCEPOST_CHECK(ready_);
  slot.latency = latency_.Summary();
  slot.wall_ms = settings_.wall_ms();
  const int copy = next_copy_;
  const Place place = PlaceOf(*geometry_, Region::kHeartbeat, settings_.self, copy);
  const MonoTime began = ports_.clock.Now();
  ports_.device.Write(place.offset, EncodeSlot(slot, place, superblock_->identity, settings_.mac),
                      deadline, InSession([this, copy, began](const Result<Ok, IoError>& result) {
                        if (!result.ok()) return Fail(result.error());
                        latency_.Add(ports_.clock.Now() - began);
                        next_copy_ = 1 - copy;
                        pause_ = kReopenFirst;
                        handler_.written();
                      }));
}

void DiskLink::Read(MonoTime deadline) {
  FENCEPOST_CHECK(ready_);
  const MonoTime began = ports_.clock.Now();  // R5: before it is issued
  const auto length = static_cast<std::uint32_t>(HighestSlot(settings_.nodes) * kPairBytes);
  ports_.device.Read(geometry_->RegionOffset(Region::kHeartbeat), length, deadline,
                     InSession([this, began](const Result<Bytes, IoError>& region) {
                       if (!region.ok()) return Fail(region.error());
                       latency_.Add(ports_.clock.Now() - began);
                       handler_.read(Decode(began, *region));
                     }));
}

void DiskLink::ReadOwn(Region region, MonoTime deadline, ReadDone done) {
  FENCEPOST_CHECK(ready_);
  const auto length =
      static_cast<std::uint32_t>(Geometry::Copies(region)) * geometry_->CopyBytes(region);
  ReadPart(geometry_->Offset(region, settings_.self, 0), length, deadline, std::move(done));
}

void DiskLink::ReadAll(Region region, MonoTime deadline, ReadDone done) {
  FENCEPOST_CHECK(ready_);
  const std::uint32_t length = HighestSlot(settings_.nodes) * kPairBytes;
  ReadPart(geometry_->RegionOffset(region), length, deadline, std::move(done));
}

void DiskLink::ReadPart(std::uint64_t offset, std::uint32_t length, MonoTime deadline,
                        ReadDone done) {
  ports_.device.Read(offset, length, deadline,
                     InSession([this, done = std::move(done)](const Result<Bytes, IoError>& all) {
                       done(all);
                       if (!all.ok() && all.error().kind != IoKind::kMedium) Fail(all.error());
                     }));
}

void DiskLink::WriteOwn(Region region, int copy, const Encode& encode, MonoTime deadline,
                        WriteDone done) {
  FENCEPOST_CHECK(ready_);
  const Place place = PlaceOf(*geometry_, region, settings_.self, copy);
  ports_.device.Write(place.offset, encode(place, superblock_->identity, settings_.mac), deadline,
                      InSession([this, done = std::move(done)](const Result<Ok, IoError>& result) {
                        done(result);
                        if (!result.ok()) Fail(result.error());
                      }));
}

RegionRead DiskLink::Decode(MonoTime began, ByteView region) {
  RegionRead out;
  const auto& pairs = heartbeats_.Decode(region, *geometry_, superblock_->identity);
  for (const NodeId node : settings_.nodes) {
    const SlotPair& pair = pairs.at(std::size_t{node.value()} - 1);
    const bool readable = IsReadable(pair.condition);
    out.slots.push_back(readable ? std::optional(pair.slot) : std::nullopt);
    if (node == settings_.self && readable) next_copy_ = pair.write_next;
  }
  out.began = began;
  out.ended = ports_.clock.Now();
  return out;
}

}  // namespace fencepost::qdiskd
