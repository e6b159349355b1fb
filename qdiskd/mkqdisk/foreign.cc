#include "qdiskd/mkqdisk/foreign.h"

#include <algorithm>

#include "base/text.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

constexpr std::uint32_t kRedHatFrame = 0x00DEBB1E;   // little-endian, before every block
constexpr std::uint32_t kRedHatHeader = 0xEB7A62C2;  // big-endian, as all behind the frame
constexpr std::uint32_t kRedHatVersion2 = 0x389FABC4;
constexpr std::size_t kRedHatFrameBytes = 32, kRedHatHostBytes = 128, kRedHatLabelBytes = 120;
constexpr std::size_t kRedHatHeaderBytes = 272;
constexpr std::string_view kSbd = "SBD_SBD_";
constexpr std::size_t kSbdHeaderBytes = 49;
constexpr std::uint32_t kSanlock = 0x12212010, kSanlockLease = 0x06152010;  // little-endian

std::uint64_t BigEndian(ByteReader& r, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t b : r.GetBytes(bytes)) value = value << 8 | b;
  return value;
}

ForeignDisk RedHat(ByteView head) {
  ForeignDisk found{"Red Hat Cluster Suite (qdiskd)", "", {}};
  if (head.size() < kRedHatFrameBytes + kRedHatHeaderBytes) return found;
  ByteReader r(head.subspan(kRedHatFrameBytes));
  if (BigEndian(r, 4) != kRedHatHeader) {
    found.fields = {{"Damaged", "the frame is right, the header behind it is not"}};
    return found;
  }
  const bool second = BigEndian(r, 4) == kRedHatVersion2;
  const std::uint64_t seconds = BigEndian(r, 8);
  const std::string host = r.GetFixedText(kRedHatHostBytes);
  found.label = Printable(r.GetFixedText(kRedHatLabelBytes));
  const std::uint64_t block = BigEndian(r, 4);
  found.fields = {{"Magic", "eb7a62c2"},
                  {"Label", found.label},
                  {"Created", TimeText(std::min<std::uint64_t>(seconds, kMaxSeconds) * 1000)},
                  {"Host", Printable(host)}};
  if (second) found.fields.emplace_back("Recorded Sector Size", Cat(block));
  return found;
}

ForeignDisk Sbd(ByteView head) {
  ForeignDisk found{"SBD", "", {}};
  if (head.size() < kSbdHeaderBytes) return found;
  ByteReader r(head.subspan(kSbd.size()));
  const auto version = r.Get<std::uint8_t>();
  const auto slots = r.Get<std::uint8_t>();
  r.Skip(2);
  const std::uint64_t sector = BigEndian(r, 4), watchdog = BigEndian(r, 4),
                      allocate = BigEndian(r, 4), loop = BigEndian(r, 4), msgwait = BigEndian(r, 4);
  const auto minor = r.Get<std::uint8_t>();
  found.fields = {{"Header version", Cat(version, ".", minor)}};
  if (minor > 0) found.fields.emplace_back("UUID", UuidText(r.GetArray<16>()));
  found.fields.insert(found.fields.end(), {{"Number of slots", Cat(slots)},
                                           {"Recorded Sector Size", Cat(sector)},
                                           {"Timeout (watchdog)", Cat(watchdog, " s")},
                                           {"Timeout (allocate)", Cat(allocate, " s")},
                                           {"Timeout (loop)", Cat(loop, " s")},
                                           {"Timeout (msgwait)", Cat(msgwait, " s")}});
  return found;
}

}  // namespace

std::optional<ForeignDisk> FindForeign(ByteView head) {
  if (head.size() < kSbd.size()) return std::nullopt;
  if (std::equal(kSbd.begin(), kSbd.end(), head.begin())) return Sbd(head);
  const auto magic = ByteReader(head).Get<std::uint32_t>();
  if (magic == kRedHatFrame) return RedHat(head);
  if (magic == kSanlock || magic == kSanlockLease) return ForeignDisk{"sanlock", "", {}};
  return std::nullopt;
}

}  // namespace fencepost::qdiskd::mkqdisk
