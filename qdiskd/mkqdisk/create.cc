#include "qdiskd/mkqdisk/create.h"

#include <algorithm>

#include "base/text.h"
#include "qdiskd/mkqdisk/foreign.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

using qdiskd::DiskIdentity;
using qdiskd::Geometry;
using qdiskd::kUnitBytes;
using qdiskd::MacFunction;
using qdiskd::Place;
using qdiskd::Region;

// The superblocks and the heartbeats of a disk with room for all nodes.
constexpr std::uint64_t kReservedUnits = 8;
constexpr std::uint64_t kUsedBytes =
    (kReservedUnits + std::uint64_t{kMaxNodes} * qdiskd::kCopies) * kUnitBytes;
static_assert(kUsedBytes <= kEdgeBytes);
constexpr Duration kLook = Millis(500);  // between two looks for a sign of life

bool LooksUsed(ByteView head) {
  for (std::size_t at = 0; at + kUnitBytes <= std::min<std::size_t>(head.size(), kUsedBytes);
       at += kUnitBytes) {
    if (qdiskd::HasMagic(head.subspan(at, kUnitBytes))) return true;
  }
  return false;
}

Bytes BlankCopies(const Geometry& geometry, Region region, NodeId node,
                  const DiskIdentity& identity, const MacFunction& mac) {
  Bytes all;
  for (int copy = 0; copy < Geometry::Copies(region); ++copy) {
    const Bytes unit = EncodeBlank(PlaceOf(geometry, region, node, copy), identity, mac);
    all.insert(all.end(), unit.begin(), unit.end());
  }
  return all;
}

Result<Ok, IoError> WriteNode(WaitingDisk& disk, const Geometry& geometry, NodeId node,
                              const DiskIdentity& identity, const MacFunction& mac) {
  for (const Region region : qdiskd::kNodeRegions) {
    const Bytes copies = BlankCopies(geometry, region, node, identity, mac);
    // Copies of one unit lie side by side; of a larger one the first unit holds the head.
    const bool adjacent = geometry.CopyBytes(region) == kUnitBytes;
    const std::size_t piece = adjacent ? copies.size() : kUnitBytes;
    for (std::size_t at = 0; at < copies.size(); at += piece) {
      const std::uint64_t offset = geometry.Offset(region, node, static_cast<int>(at / kUnitBytes));
      const auto first = copies.begin() + static_cast<std::ptrdiff_t>(at);
      const auto done =
          disk.Write(offset, Bytes(first, first + static_cast<std::ptrdiff_t>(piece)));
      if (!done.ok()) return done.error();
    }
  }
  return Ok{};
}

Result<Ok, IoError> ReadBack(WaitingDisk& disk, const qdiskd::Superblock& superblock,
                             const Geometry& geometry, const MacFunction& mac) {
  const auto head = disk.Read(0, 2 * kUnitBytes);
  if (!head.ok()) return head.error();
  const auto decoded = DecodeSuperblocks(*head, &mac);
  if (decoded.condition != qdiskd::Condition::kOk || !(decoded.superblock == superblock)) {
    return IoError{IoKind::kMedium,
                   Cat("the superblock that was written ", Explain(decoded.condition))};
  }
  const auto region =
      disk.Read(geometry.RegionOffset(Region::kHeartbeat),
                static_cast<std::uint32_t>(geometry.RegionBytes(Region::kHeartbeat)));
  if (!region.ok()) return region.error();
  for (const auto& pair : DecodeHeartbeats(*region, geometry, superblock.identity, mac)) {
    if (pair.condition != qdiskd::Condition::kBlank) {
      return IoError{IoKind::kMedium, Cat("a slot that was initialised ", Explain(pair.condition),
                                          "; does somebody else write here?")};
    }
  }
  return Ok{};
}

}  // namespace

Result<Findings, IoError> Examine(WaitingDisk& disk, const DeviceInfo& info, Duration watch) {
  Findings f;
  f.info = info;
  const std::uint64_t size = info.size_bytes / kUnitBytes * kUnitBytes;
  const std::uint64_t edge = std::min(size, kEdgeBytes);
  if (edge < kUsedBytes) return f;  // too small for anything of ours
  auto head = disk.Read(0, static_cast<std::uint32_t>(edge));
  if (!head.ok()) return head.error();
  auto tail = disk.Read(size - edge, static_cast<std::uint32_t>(edge));
  if (!tail.ok()) return tail.error();
  f.head = std::move(head.value());
  f.tail = std::move(tail.value());
  f.found = qdiskd::DecodeSuperblocks(f.head, nullptr);
  if (const auto foreign = FindForeign(f.head)) {
    f.other_quorum_disk = foreign->owner;
    if (!foreign->label.empty()) f.other_quorum_disk += Cat(", '", foreign->label, "'");
  }
  if (!LooksUsed(f.head)) return f;
  for (Duration left = watch; left > Duration() && !f.living; left -= kLook) {
    disk.Pause(std::min(left, kLook));
    const auto again = disk.Read(0, static_cast<std::uint32_t>(kUsedBytes));
    if (!again.ok()) return again.error();
    f.living = !std::equal(again->begin(), again->end(), f.head.begin());
  }
  return f;
}

std::vector<std::string> WhyNot(const Findings& f, const Plan& plan) {
  std::vector<std::string> reasons;
  if (f.info.size_bytes < plan.needed_bytes) {
    reasons.push_back(Cat("it has ", f.info.size_bytes, " bytes and ", plan.needed_bytes,
                          " are needed; give a larger device, or room for fewer nodes (--nodes) "
                          "or a smaller CIB area (--cib-size)"));
  }
  if (f.living) {
    reasons.push_back("somebody is writing heartbeats on it; stop qdiskd on all nodes first");
  }
  if (f.found.condition == qdiskd::Condition::kOk &&
      f.found.superblock.identity.cluster != plan.cluster) {
    reasons.push_back(Cat("it is the quorum disk '", Printable(f.found.superblock.label),
                          "' of another cluster, '", Printable(f.found.superblock.cluster_name),
                          "'"));
  }
  if (!f.other_quorum_disk.empty()) {
    reasons.push_back(Cat("it is a quorum disk of ", f.other_quorum_disk));
  }
  if (!plan.signature.empty()) reasons.push_back(Cat("it holds ", plan.signature));
  return reasons;
}

Result<Ok, IoError> Create(WaitingDisk& disk, const qdiskd::Superblock& superblock,
                           const MacFunction& mac, const std::function<void(NodeId)>& before_node) {
  const Geometry geometry = *Geometry::Make(superblock.nodes, superblock.cib_units);
  auto done = disk.Write(0, Bytes(kReservedUnits * kUnitBytes, 0));
  for (int i = 1; done.ok() && i <= geometry.nodes(); ++i) {
    const NodeId node(static_cast<std::uint8_t>(i));
    before_node(node);
    done = WriteNode(disk, geometry, node, superblock.identity, mac);
  }
  for (int copy = 0; done.ok() && copy < qdiskd::kCopies; ++copy) {
    done = disk.Write(static_cast<std::uint64_t>(copy) * kUnitBytes,
                      EncodeSuperblock(superblock, copy, mac));
  }
  if (!done.ok()) return done.error();
  return ReadBack(disk, superblock, geometry, mac);
}

}  // namespace fencepost::qdiskd::mkqdisk
