// Finds out what an iSCSI unit can do: by INQUIRY, mode and capability pages, and by doing it.
//
// Promise: without `scratch` nothing is written and nothing is reserved. With it only that one unit
//          of 4096 bytes is written, and it is as before at the end; reservation keys of other
//          nodes are never touched, the own key is taken back. A LOGICAL UNIT RESET is part of
//          trying the barrier: other initiators see a unit attention and repeat their commands.
// Time:    blocks until it is done, by running the loop; each command has `patience`.
// Errors:  IoError when the unit cannot be reached at all, or stops answering.
#pragma once
#include <optional>
#include <string>

#include "base/config/disk_url.h"
#include "env/block_device.h"
#include "env/disk_abilities.h"
#include "env/linux/loop.h"

namespace fencepost {

inline constexpr int kProbeWrites = 40;  // of each kind, for a median

struct ScsiProbeTask {
  config::DiskUrl target;
  std::string secret;
  ClusterId cluster;                     // whose mkqdisk this is, for keys
  std::optional<std::uint64_t> scratch;  // where may be written, in bytes
  Duration patience = Millis(10'000);
};
Result<ScsiAbilities, IoError> ProbeScsi(Loop& loop, const ScsiProbeTask& task);

}  // namespace fencepost
