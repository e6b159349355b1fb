// What reads the disk: superblocks, heartbeat slots, out-boxes and acknowledgements. The first byte
// of the input is a mode; the rest are the beginnings of units, kUnitStart bytes each, the tail of
// a unit being zeros. Checksum and MAC are mostly put right first, or nothing behind them would
// ever be reached.
//
// Claims: what was decoded is encoded to something that decodes to the same; a pair is readable
//         only if a copy is.
#include <algorithm>

#include "base/check.h"
#include "base/crc32c.h"
#include "qdiskd/disk_format.h"
#include "qdiskd/message_format.h"
#include "tests/fuzz/input.h"

using namespace fencepost;
using namespace fencepost::qdiskd;

namespace {

constexpr std::size_t kUnitStart = 384;  // more than any head and its fields
constexpr std::size_t kCrcAt = 20, kMacAt = 24, kMacBytes = 16, kClusterAt = 40, kDiskAt = 56;
constexpr std::uint8_t kReseal = 4, kWithoutKey = 8, kMessages = 16;

Mac16 Mac(ByteView bytes) {
  const std::uint32_t sum = Crc32c(bytes);
  Mac16 mac{0xF2};
  for (std::size_t i = 0; i < 4; ++i) mac[i + 1] = static_cast<std::uint8_t>(sum >> (8 * i));
  return mac;
}

void Reseal(Bytes& unit) {
  std::fill_n(unit.begin() + kCrcAt, 4 + kMacBytes, std::uint8_t{0});
  const Mac16 mac = Mac(unit);
  std::copy(mac.begin(), mac.end(), unit.begin() + kMacAt);
  const std::uint32_t sum = Crc32c(unit);
  for (std::size_t i = 0; i < 4; ++i) {
    unit[kCrcAt + i] = static_cast<std::uint8_t>(sum >> (8 * i));
  }
}

// `count` units, one behind the other.
Bytes Units(ByteView input, std::size_t count, bool reseal) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) {
    Bytes unit(kUnitBytes, 0);
    const ByteView from = input.subspan(std::min(input.size(), i * kUnitStart));
    std::copy_n(from.begin(), std::min(from.size(), kUnitStart), unit.begin());
    if (reseal) Reseal(unit);
    out.insert(out.end(), unit.begin(), unit.end());
  }
  return out;
}

DiskIdentity IdentityIn(ByteView unit) {
  DiskIdentity identity;
  std::copy_n(unit.begin() + kClusterAt, 16, identity.cluster.bytes.begin());
  std::copy_n(unit.begin() + kDiskAt, 16, identity.disk.bytes.begin());
  return identity;
}

void Superblocks(const Bytes& units, bool with_key) {
  const MacFunction mac = Mac;
  const auto decoded = DecodeSuperblocks(units, with_key ? &mac : nullptr);
  FENCEPOST_CHECK(!Explain(decoded.condition).empty());
  if (decoded.condition != Condition::kOk) return;
  FENCEPOST_CHECK(Geometry::Make(decoded.superblock.nodes, decoded.superblock.cib_units).ok());
  const auto again = DecodeSuperblock(EncodeSuperblock(decoded.superblock, 1, mac), 1, &mac);
  FENCEPOST_CHECK(again.condition == Condition::kOk && again.superblock == decoded.superblock);
}

void Heartbeats(const Bytes& units) {
  const MacFunction mac = Mac;
  const auto geometry = *Geometry::Make(2, kMinCibUnits);
  const DiskIdentity identity = IdentityIn(units);
  const auto pairs = DecodeHeartbeats(units, geometry, identity, mac);
  FENCEPOST_CHECK(pairs.size() == 2);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!IsReadable(pairs[i].condition)) continue;
    const NodeId node(static_cast<std::uint8_t>(i + 1));
    FENCEPOST_CHECK(pairs[i].slot.node == node);
    bool one = false;
    for (int copy = 0; copy < kCopies; ++copy) {
      const Place place = PlaceOf(geometry, Region::kHeartbeat, node, copy);
      const std::uint64_t at = place.offset - geometry.RegionOffset(Region::kHeartbeat);
      const auto slot = DecodeSlot(ByteView(units).subspan(at, kUnitBytes), place, identity, mac);
      one |= IsReadable(slot.condition) && slot.slot == pairs[i].slot;
      if (slot.condition != Condition::kOk) continue;
      const auto again =
          DecodeSlot(EncodeSlot(slot.slot, place, identity, mac), place, identity, mac);
      FENCEPOST_CHECK(again.condition == Condition::kOk && again.slot == slot.slot);
    }
    FENCEPOST_CHECK(one);
  }
}

void Outboxes(const Bytes& units) {
  const MacFunction mac = Mac;
  const auto geometry = *Geometry::Make(2, kMinCibUnits);
  const DiskIdentity identity = IdentityIn(units);
  for (const auto& pair : DecodeOutboxes(units, geometry, identity, mac)) {
    if (pair.condition != Condition::kOk) continue;
    const Place place = PlaceOf(geometry, Region::kOutbox, pair.box.node, pair.write_next);
    const auto again =
        DecodeOutbox(EncodeOutbox(pair.box, place, identity, mac), place, identity, mac);
    FENCEPOST_CHECK(again.condition == Condition::kOk && again.box == pair.box);
  }
}

void Acknowledgements(const Bytes& units) {
  const MacFunction mac = Mac;
  const auto geometry = *Geometry::Make(2, kMinCibUnits);
  const DiskIdentity identity = IdentityIn(units);
  for (const auto& pair : DecodeAckBoxes(units, geometry, identity, mac)) {
    if (pair.condition != Condition::kOk) continue;
    const Place place = PlaceOf(geometry, Region::kAck, pair.box.node, pair.write_next);
    const auto again =
        DecodeAckBox(EncodeAckBox(pair.box, place, identity, mac), place, identity, mac);
    FENCEPOST_CHECK(again.condition == Condition::kOk && again.box == pair.box);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t mode = data[0];
  const ByteView input(data + 1, size - 1);
  if ((mode & kMessages) != 0) {
    const Bytes units = Units(input, 4, (mode & kReseal) != 0);
    (mode & 1) == 0 ? Outboxes(units) : Acknowledgements(units);
  } else if ((mode & 1) == 0) {
    Superblocks(Units(input, 2, (mode & kReseal) != 0), (mode & kWithoutKey) == 0);
  } else {
    Heartbeats(Units(input, 4, (mode & kReseal) != 0));
  }
  return 0;
}
