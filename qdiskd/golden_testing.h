// The golden files pin the format: bytes written by one version are read by every later one. For
// the tests of this folder.
//
// Each file is a text: offset, colon, hexadecimal bytes; bytes that are not named are zero, and a
// line that begins with # is for people. Errors: an empty unit for a file that says something else.
#pragma once
#include <algorithm>
#include <fstream>
#include <string>

#include "base/text.h"
#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd {

inline Bytes Golden(const std::string& name) {
  std::ifstream in(Cat(FENCEPOST_SOURCE_DIR, "/tests/golden/", name));
  Bytes unit(kUnitBytes, 0);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t colon = line.find(": ");
    const auto bytes = FromHex(line.substr(colon + 2));
    const auto offset = ParseInt(line.substr(0, colon), 0, kUnitBytes);
    if (!bytes || !offset) return {};
    std::copy(bytes->begin(), bytes->end(), unit.begin() + *offset);
  }
  return unit;
}

}  // namespace fencepost::qdiskd
