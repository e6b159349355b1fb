#include "base/crc32c.h"

#include <array>

namespace fencepost {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;

// Eight bytes a step ("slicing by 8"): kTables[k][b] is what byte b does to the checksum k bytes
// later.
constexpr std::size_t kStep = 8;
using Table = std::array<std::uint32_t, 256>;

constexpr std::array<Table, kStep> MakeTables() {
  std::array<Table, kStep> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kReflectedPolynomial : 0);
    tables[0][i] = crc;
  }
  for (std::size_t k = 1; k < kStep; ++k) {
    for (std::size_t i = 0; i < 256; ++i) {
      const std::uint32_t before = tables[k - 1][i];
      tables[k][i] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr auto kTables = MakeTables();

}  // namespace

std::uint32_t Crc32c(ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (; bytes.size() >= kStep; bytes = bytes.subspan(kStep)) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < kStep; ++i) {
      const std::uint32_t mixed = i < 4 ? bytes[i] ^ ((crc >> (8 * i)) & 0xFF) : bytes[i];
      next ^= kTables[kStep - 1 - i][mixed];
    }
    crc = next;
  }
  for (const std::uint8_t byte : bytes) crc = kTables[0][(crc ^ byte) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

}  // namespace fencepost
