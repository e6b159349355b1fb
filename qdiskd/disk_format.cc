#include "qdiskd/disk_format.h"

#include <limits>

#include "base/check.h"
#include "base/text.h"
#include "qdiskd/disk_frame.h"

namespace fencepost::qdiskd {
namespace {

using frame::CheckUnit;
using frame::kSlotHeadLength;
using frame::PutSlotHead;
using frame::ReadFrame;
using frame::Seal;
using frame::StartUnit;

constexpr std::string_view kMacContext = "disk unit";
constexpr std::uint64_t kFirstSlotUnit = 8;                // 0 and 1 superblock, 2 to 7 guard
constexpr std::size_t kLabelField = 128, kNameField = 64;  // zero-filled
constexpr std::size_t kVersionField = 16;
constexpr std::uint16_t kSuperblockLength = 376, kHeartbeatLength = 208;

// Bits of the heartbeat's flag word.
constexpr std::uint32_t kQuorate = 1, kQuiesced = 2, kLeft = 4, kUnfit = 8;

Place SuperblockPlace(int copy) {
  return {Region::kSuperblock, NodeId(), copy, static_cast<std::uint64_t>(copy) * kUnitBytes};
}

bool TextsFit(const Superblock& s) {
  return s.label.size() <= kMaxLabelBytes && s.cluster_name.size() <= kMaxNameBytes &&
         s.creator_host.size() <= kMaxNameBytes;
}

}  // namespace

MacFunction DiskMac(const seal::ClusterKey& key) {
  return [key](ByteView bytes) { return seal::MacOf(key, kMacContext, bytes); };
}

Result<Geometry> Geometry::Make(int nodes, std::uint32_t cib_units) {
  if (nodes < 1 || nodes > kMaxNodes) {
    return Error{"quorum disk geometry", Cat("room for ", nodes, " nodes was asked for"),
                 Cat("ask for 1 to ", kMaxNodes)};
  }
  if (cib_units < kMinCibUnits || cib_units > kMaxCibUnits) {
    return Error{"quorum disk geometry", Cat("a CIB area of ", cib_units, " units a copy"),
                 Cat("ask for ", kMinCibUnits, " to ", kMaxCibUnits, " units of 4096 bytes")};
  }
  return Geometry(nodes, cib_units);
}

int Geometry::Copies(Region region) {
  return region == Region::kRecorder ? kRecorderUnits : kCopies;
}

std::uint32_t Geometry::CopyBytes(Region region) const {
  return region == Region::kCib ? cib_units_ * kUnitBytes : kUnitBytes;
}

std::uint64_t Geometry::RegionBytes(Region region) const {
  const std::uint64_t owners = region == Region::kSuperblock ? 1U : static_cast<unsigned>(nodes_);
  return owners * static_cast<unsigned>(Copies(region)) * CopyBytes(region);
}

std::uint64_t Geometry::RegionOffset(Region region) const {
  if (region == Region::kSuperblock) return 0;
  std::uint64_t offset = kFirstSlotUnit * kUnitBytes;
  for (const Region before : kNodeRegions) {
    if (before == region) break;
    offset += RegionBytes(before);
  }
  return offset;
}

std::uint64_t Geometry::Offset(Region region, NodeId node, int copy) const {
  const bool of_node = region != Region::kSuperblock;
  FENCEPOST_CHECK(of_node ? node.value() >= 1 && node.value() <= nodes_ : node.value() == 0);
  FENCEPOST_CHECK(copy >= 0 && copy < Copies(region));
  const auto before = of_node ? (node.value() - 1) * Copies(region) : 0;
  return RegionOffset(region) + static_cast<std::uint64_t>(before + copy) * CopyBytes(region);
}

std::uint64_t Geometry::total_bytes() const {
  return RegionOffset(Region::kCib) + RegionBytes(Region::kCib);
}

std::string Explain(Condition condition) {
  switch (condition) {
    case Condition::kOk:
      return "is readable";
    case Condition::kBlank:
      return "was initialised and never written";
    case Condition::kNotOurs:
      return "holds no Fencepost data; if this is the right device, initialise it with mkqdisk";
    case Condition::kBadChecksum:
      return "has a wrong checksum (torn or rotten); if it stays so the medium is damaged";
    case Condition::kUnsupportedVersion:
      return "was written in a format this version does not know; upgrade this node";
    case Condition::kForeignCluster:
      return "belongs to another cluster; check the device and the cluster uuid in the "
             "configuration";
    case Condition::kForeignDisk:
      return "belongs to another quorum disk, or to this one before it was initialised anew; "
             "check the device, restart qdiskd on the node that still writes";
    case Condition::kBadMac:
      return "was written with another cluster key; copy the same key file to every node";
    case Condition::kMisdirected:
      return "belongs to another place on the disk: a misdirected write; do not trust this device";
    case Condition::kMalformed:
      return "is authentic but has a field outside its range; report it with the writer's version";
  }
  return "is unknown";
}

Bytes EncodeSuperblock(const Superblock& s, int copy, const MacFunction& mac) {
  const auto geometry = Geometry::Make(s.nodes, s.cib_units);
  FENCEPOST_CHECK(geometry.ok() && (copy == 0 || copy == 1));
  FENCEPOST_CHECK(TextsFit(s));
  ByteWriter w = StartUnit(SuperblockPlace(copy), kSuperblockLength, s.identity);
  w.Put(s.compat);
  w.Put(s.incompat);
  w.Put(s.created_ms);
  w.Put(s.sector_bytes);
  w.Put(kUnitBytes);
  w.Put(static_cast<std::uint16_t>(s.nodes));
  w.Put(s.minor);
  w.Put(s.cib_units);
  w.Put(geometry->total_bytes());
  w.PutFixedText(s.label, kLabelField);
  w.PutFixedText(s.cluster_name, kNameField);
  w.PutFixedText(s.creator_host, kNameField);
  return Seal(std::move(w), kSuperblockLength, mac);
}

DecodedSuperblock DecodeSuperblock(ByteView unit, int copy, const MacFunction* mac) {
  DecodedSuperblock out;
  out.condition = CheckUnit(unit, SuperblockPlace(copy), kSuperblockLength, nullptr, mac);
  if (out.condition != Condition::kOk) return out;
  ByteReader r(unit);
  Superblock s;
  s.identity = ReadFrame(r).identity;
  s.compat = r.Get<std::uint64_t>();
  s.incompat = r.Get<std::uint64_t>();
  s.created_ms = r.Get<std::uint64_t>();
  s.sector_bytes = r.Get<std::uint32_t>();
  const auto unit_bytes = r.Get<std::uint32_t>();
  s.nodes = r.Get<std::uint16_t>();
  s.minor = r.Get<std::uint16_t>();
  s.cib_units = r.Get<std::uint32_t>();
  const auto total = r.Get<std::uint64_t>();
  s.label = r.GetFixedText(kLabelField);
  s.cluster_name = r.GetFixedText(kNameField);
  s.creator_host = r.GetFixedText(kNameField);
  const auto geometry = Geometry::Make(s.nodes, s.cib_units);
  if ((s.incompat & ~kKnownIncompat) != 0) {
    out.condition = Condition::kUnsupportedVersion;
  } else if (!geometry.ok() || geometry->total_bytes() != total || unit_bytes != kUnitBytes ||
             s.identity.cluster.IsNone() || s.identity.disk.IsNone() || !TextsFit(s)) {
    out.condition = Condition::kMalformed;
  } else {
    out.superblock = std::move(s);
    out.authenticated = mac != nullptr;
  }
  return out;
}

DecodedSuperblock DecodeSuperblocks(ByteView first_two_units, const MacFunction* mac) {
  if (first_two_units.size() < std::size_t{kCopies} * kUnitBytes) return {};
  DecodedSuperblock a = DecodeSuperblock(first_two_units.first(kUnitBytes), 0, mac);
  DecodedSuperblock b = DecodeSuperblock(first_two_units.subspan(kUnitBytes, kUnitBytes), 1, mac);
  if (a.condition == Condition::kOk && b.condition == Condition::kOk) {
    if (!(a.superblock == b.superblock)) return {Condition::kMalformed, {}, false};
    return a;
  }
  if (b.condition == Condition::kOk || a.condition == Condition::kNotOurs) return b;
  return a;
}

Bytes EncodeBlank(const Place& place, const DiskIdentity& identity, const MacFunction& mac) {
  if (place.region == Region::kHeartbeat) {
    Slot blank;
    blank.node = place.node;
    return EncodeSlot(blank, place, identity, mac);
  }
  ByteWriter w = StartUnit(place, kSlotHeadLength, identity);
  PutSlotHead(w, BootId(), Incarnation(), 0, 0);
  return Seal(std::move(w), kSlotHeadLength, mac);
}

Bytes EncodeSlot(const Slot& slot, const Place& place, const DiskIdentity& identity,
                 const MacFunction& mac) {
  FENCEPOST_CHECK(slot.node == place.node && place.region == Region::kHeartbeat);
  FENCEPOST_CHECK(slot.interval.count() >= 0 && slot.version.size() <= kMaxVersionBytes);
  ByteWriter w = StartUnit(place, kHeartbeatLength, identity);
  PutSlotHead(w, slot.boot, slot.incarnation, slot.sequence, slot.wall_ms);
  w.Put(slot.promise.value());
  w.Put(slot.held.value());
  w.PutBytes(slot.held_boot.bytes);
  w.Put(slot.conceded.value());
  w.Put(slot.report.view);
  w.Put(static_cast<std::uint32_t>(slot.report.score));
  w.Put(slot.report.votes.value());
  w.Put((slot.report.quorate ? kQuorate : 0U) | (slot.report.quiesced ? kQuiesced : 0U) |
        (slot.report.left ? kLeft : 0U) | (slot.report.unfit ? kUnfit : 0U));
  w.Put(slot.latency.p50_us);
  w.Put(slot.latency.p99_us);
  w.Put(slot.latency.max_us);
  w.Put(static_cast<std::uint64_t>(slot.interval.count()));
  w.PutFixedText(slot.version, kVersionField);
  return Seal(std::move(w), kHeartbeatLength, mac);
}

DecodedSlot DecodeSlot(ByteView unit, const Place& place, const DiskIdentity& identity,
                       const MacFunction& mac) {
  DecodedSlot out;
  out.condition = CheckUnit(unit, place, kHeartbeatLength, &identity, &mac);
  if (out.condition != Condition::kOk) return out;
  ByteReader r(unit);
  Slot s;
  s.node = NodeId(ReadFrame(r).node);
  s.boot.bytes = r.GetArray<16>();
  s.incarnation = Incarnation(r.Get<std::uint64_t>());
  s.sequence = r.Get<std::uint64_t>();
  s.wall_ms = r.Get<std::uint64_t>();
  s.promise = Term::FromValue(r.Get<std::uint64_t>());
  s.held = Term::FromValue(r.Get<std::uint64_t>());
  s.held_boot.bytes = r.GetArray<16>();
  s.conceded = Term::FromValue(r.Get<std::uint64_t>());
  s.report.view = r.Get<std::uint64_t>();
  s.report.score = static_cast<std::int32_t>(r.Get<std::uint32_t>());
  s.report.votes = Votes(r.Get<std::uint32_t>());
  const auto flags = r.Get<std::uint32_t>();
  s.report.quorate = (flags & kQuorate) != 0;
  s.report.quiesced = (flags & kQuiesced) != 0;
  s.report.left = (flags & kLeft) != 0;
  s.report.unfit = (flags & kUnfit) != 0;
  s.latency.p50_us = r.Get<std::uint32_t>();
  s.latency.p99_us = r.Get<std::uint32_t>();
  s.latency.max_us = r.Get<std::uint32_t>();
  const auto interval = r.Get<std::uint64_t>();
  s.version = r.GetFixedText(kVersionField);
  constexpr auto kMaxInterval =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (interval > kMaxInterval || s.version.size() > kMaxVersionBytes) {
    out.condition = Condition::kMalformed;
    return out;
  }
  s.interval = Duration(static_cast<std::int64_t>(interval));
  out.condition = s.IsBlank() ? Condition::kBlank : Condition::kOk;
  out.slot = std::move(s);
  return out;
}

SlotPair PickNewest(const DecodedSlot& copy_a, const DecodedSlot& copy_b) {
  const auto torn = [](Condition c) {
    return c == Condition::kNotOurs || c == Condition::kBadChecksum;
  };
  for (const DecodedSlot* copy : {&copy_a, &copy_b}) {
    if (!IsReadable(copy->condition) && !torn(copy->condition)) return {copy->condition, {}, 0};
  }
  const bool a = IsReadable(copy_a.condition), b = IsReadable(copy_b.condition);
  if (!a && !b) return {copy_a.condition, {}, 0};
  if (!b || (a && !IsNewer(copy_b.slot, copy_a.slot))) return {copy_a.condition, copy_a.slot, 1};
  return {copy_b.condition, copy_b.slot, 0};
}

SlotPair DecodeHeartbeat(ByteView pair, const Geometry& geometry, NodeId node,
                         const DiskIdentity& identity, const MacFunction& mac) {
  FENCEPOST_CHECK(pair.size() == kPairBytes);
  std::array<DecodedSlot, kCopies> copies;
  for (std::size_t c = 0; c < kCopies; ++c) {
    const Place place = PlaceOf(geometry, Region::kHeartbeat, node, static_cast<int>(c));
    copies[c] = DecodeSlot(pair.subspan(c * kUnitBytes, kUnitBytes), place, identity, mac);
  }
  return PickNewest(copies[0], copies[1]);
}

std::vector<SlotPair> DecodeHeartbeats(ByteView region, const Geometry& geometry,
                                       const DiskIdentity& identity, const MacFunction& mac) {
  FENCEPOST_CHECK(region.size() % kPairBytes == 0);
  FENCEPOST_CHECK(region.size() <= geometry.RegionBytes(Region::kHeartbeat));
  std::vector<SlotPair> out;
  for (std::size_t i = 0; i < region.size() / kPairBytes; ++i) {
    out.push_back(DecodeHeartbeat(region.subspan(i * kPairBytes, kPairBytes), geometry,
                                  NodeId(static_cast<std::uint8_t>(i + 1)), identity, mac));
  }
  return out;
}

}  // namespace fencepost::qdiskd
