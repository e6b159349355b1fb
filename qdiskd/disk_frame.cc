#include "qdiskd/disk_frame.h"

#include "base/check.h"
#include "base/crc32c.h"

namespace fencepost::qdiskd {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'F', 'E', 'N', 'C', 'E', 'P', 'S', 'T'};
constexpr std::size_t kCrcOffset = 20, kMacOffset = 24;
constexpr std::size_t kMacBytes = seal::kMacBytes;

void PutCrc(Bytes& unit, std::uint32_t crc) {
  for (std::size_t i = 0; i < 4; ++i) {
    unit[kCrcOffset + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  }
}

}  // namespace

bool HasMagic(ByteView unit) {
  return unit.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), unit.begin());
}

namespace frame {

ByteWriter StartUnit(const Place& place, std::uint16_t length, const DiskIdentity& identity) {
  ByteWriter w;
  w.bytes().reserve(kUnitBytes);
  w.PutBytes(kMagic);
  w.Put(kFormatMajor);
  w.Put(static_cast<std::uint16_t>(place.region));
  w.Put(place.node.value());
  w.Put(static_cast<std::uint8_t>(place.copy));
  w.Put(length);
  w.Put(static_cast<std::uint32_t>(place.offset / kUnitBytes));
  w.PadTo(kMacOffset + kMacBytes);
  w.PutBytes(identity.cluster.bytes);
  w.PutBytes(identity.disk.bytes);
  FENCEPOST_CHECK(w.size() == kBytes);
  return w;
}

Bytes Seal(ByteWriter w, std::uint16_t length, const MacFunction& mac) {
  FENCEPOST_CHECK(w.size() == length);
  w.PadTo(kUnitBytes);
  Bytes unit = w.Take();
  const Mac16 code = mac(unit);
  std::copy(code.begin(), code.end(), unit.begin() + kMacOffset);
  PutCrc(unit, Crc32c(unit));
  return unit;
}

Frame ReadFrame(ByteReader& r) {
  Frame f;
  r.Skip(kMagic.size());
  f.major = r.Get<std::uint16_t>();
  f.region = r.Get<std::uint16_t>();
  f.node = r.Get<std::uint8_t>();
  f.copy = r.Get<std::uint8_t>();
  f.length = r.Get<std::uint16_t>();
  f.unit = r.Get<std::uint32_t>();
  r.Skip(kMacOffset + kMacBytes - kCrcOffset);
  f.identity.cluster.bytes = r.GetArray<16>();
  f.identity.disk.bytes = r.GetArray<16>();
  return f;
}

Condition CheckUnit(ByteView raw, const Place& place, std::uint16_t length,
                    const DiskIdentity* identity, const MacFunction* mac) {
  if (raw.size() != kUnitBytes || !HasMagic(raw)) return Condition::kNotOurs;
  Bytes unit(raw.begin(), raw.end());
  const std::uint32_t stored = ByteReader(raw.subspan(kCrcOffset)).Get<std::uint32_t>();
  PutCrc(unit, 0);
  if (Crc32c(unit) != stored) return Condition::kBadChecksum;
  ByteReader r(raw);
  const Frame f = ReadFrame(r);
  if (f.major != kFormatMajor) return Condition::kUnsupportedVersion;
  if (identity && f.identity.cluster != identity->cluster) return Condition::kForeignCluster;
  if (identity && f.identity.disk != identity->disk) return Condition::kForeignDisk;
  if (mac) {
    const Mac16 code = ByteReader(raw.subspan(kMacOffset)).GetArray<kMacBytes>();
    std::fill_n(unit.begin() + kMacOffset, kMacBytes, std::uint8_t{0});
    if (!seal::SameMac(code, (*mac)(unit))) return Condition::kBadMac;
  }
  if (f.region != static_cast<std::uint16_t>(place.region) || f.node != place.node.value() ||
      f.copy != place.copy || f.unit != place.offset / kUnitBytes) {
    return Condition::kMisdirected;
  }
  return f.length < length || f.length > kUnitBytes ? Condition::kMalformed : Condition::kOk;
}

void PutSlotHead(ByteWriter& w, const BootId& boot, Incarnation incarnation, std::uint64_t sequence,
                 std::uint64_t wall_ms) {
  w.PutBytes(boot.bytes);
  w.Put(incarnation.value());
  w.Put(sequence);
  w.Put(wall_ms);
  FENCEPOST_CHECK(w.size() == kSlotHeadLength);
}

}  // namespace frame
}  // namespace fencepost::qdiskd
