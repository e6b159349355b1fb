// CRC32C (Castagnoli), the checksum of every slot on the disk: it finds torn and rotten sectors.
// Forgery is the MAC's matter.
//
// Promise: any change of up to 32 adjacent bits is found. Errors: none.
// Source: RFC 3720 appendix B.4 (polynomial 0x1EDC6F41, reflected).
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace fencepost {

[[nodiscard]] std::uint32_t Crc32c(ByteView bytes);

}  // namespace fencepost
