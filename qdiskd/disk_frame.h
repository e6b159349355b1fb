// What every unit of the quorum disk has in common: the head, the checksum and the MAC. Inside of
// the format only; others use disk_format.h and recorder_format.h.
//
// Promise: CheckUnit says kOk only for a unit that was sealed by a holder of the key for this very
//          place; nothing behind the head may be looked at before. Errors: Condition.
// Source of constants: docs/format/disk.md, "The head of every unit".
#pragma once
#include "base/bytes.h"
#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd::frame {

inline constexpr std::size_t kBytes = 72;
inline constexpr std::uint16_t kSlotHeadLength = 112;  // frame and the head of every slot

// The head of every unit, up to what differs between superblock and slots.
struct Frame {
  std::uint16_t major = kFormatMajor;
  std::uint16_t region = 0;
  std::uint8_t node = 0, copy = 0;
  std::uint16_t length = 0;  // meaningful bytes of the unit; the rest is zero
  std::uint32_t unit = 0;
  DiskIdentity identity;
};

// Writes the frame, but not checksum and MAC. `length` is what Seal will find written.
[[nodiscard]] ByteWriter StartUnit(const Place& place, std::uint16_t length,
                                   const DiskIdentity& identity);
// MAC first (over the unit with both fields zero), then the checksum over all but itself.
[[nodiscard]] Bytes Seal(ByteWriter w, std::uint16_t length, const MacFunction& mac);

[[nodiscard]] Frame ReadFrame(ByteReader& r);
// Everything that is checked before a field behind the frame may be looked at. identity and mac
// may be nullptr: then they are not checked. `length`: the least that is needed.
[[nodiscard]] Condition CheckUnit(ByteView raw, const Place& place, std::uint16_t length,
                                  const DiskIdentity* identity, const MacFunction* mac);

void PutSlotHead(ByteWriter& w, const BootId& boot, Incarnation incarnation, std::uint64_t sequence,
                 std::uint64_t wall_ms);

}  // namespace fencepost::qdiskd::frame
