// What mkqdisk -L, -f and -d print, as text.
//
// Promise: the lines of the Red Hat Cluster Suite's mkqdisk, with ours behind them. Text that came
//          from a disk is printable when it leaves here. Times are UTC. Errors: none.
#pragma once
#include <string>
#include <string_view>

#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd::mkqdisk {

[[nodiscard]] std::string Printable(std::string_view text);  // other bytes become '?'
// "Sat Nov 21 05:00:00 2026", as ctime; of milliseconds since 1970.
[[nodiscard]] std::string TimeText(std::uint64_t wall_ms);

struct ListedDisk {
  std::string device;
  std::uint32_t sector_bytes = 512;  // now
  qdiskd::Superblock superblock;
  bool authenticated = false;  // by the key that was at hand
};
[[nodiscard]] std::string DiskText(const ListedDisk& disk);

// One node's slot. `advanced`: its sequence rose between two reads. Blank slots give "".
[[nodiscard]] std::string SlotText(NodeId node, const qdiskd::SlotPair& pair, bool advanced);

}  // namespace fencepost::qdiskd::mkqdisk
