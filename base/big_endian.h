// Numbers as SCSI and iSCSI have them: the most significant byte first, of any width up to 8 bytes.
//
// Promise: higher bytes than fit are cut off. REQUIRES for PutBigEndian: at + count <= out.size(),
//          count <= 8.
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace fencepost {

[[nodiscard]] inline std::uint64_t BigEndian(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t b : bytes) value = value << 8 | b;
  return value;
}

inline void PutBigEndian(Bytes& out, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 8) out[at + i] = static_cast<std::uint8_t>(value);
}

}  // namespace fencepost
