// Quorum disks of others: what their first sector says, so that a listing can name them and nobody
// destroys one by mistake.
//
// Promise: reads only; text from the disk is printable when it leaves here. What looks like one and
//          is damaged is still named. Errors: none; nullopt is "none that is known".
// Source:  the on-disk headers of qdiskd (cluster 3.x), sbd (version 2) and sanlock.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace fencepost::qdiskd::mkqdisk {

inline constexpr std::size_t kForeignBytes = 4096;  // as much of the head as is looked at

struct ForeignDisk {
  std::string owner;  // "Red Hat Cluster Suite (qdiskd)", "SBD", "sanlock"
  std::string label;  // empty: it has none
  // In the order in which they are listed: name as in the listing of the Red Hat Cluster Suite.
  std::vector<std::pair<std::string, std::string>> fields;
};
[[nodiscard]] std::optional<ForeignDisk> FindForeign(ByteView head);

}  // namespace fencepost::qdiskd::mkqdisk
