// The process that touches the file of a FileDisk, and how it is spoken to.
//
// Promise: one request after the other. When its socket is closed it begins nothing more and ends.
// Protocol (a local socket pair, both ends the same program): request: operation u32, length u32,
//          id u64, offset u64, then the data of a write; reply: id u64, kind u32 (0 good, otherwise
//          IoKind + 1), length u32, then data or error text. The first reply, id 0, answers the
//          opening: sector u32, size u64, designator text.
#pragma once
#include <cstdint>
#include <string>

#include "env/block_device.h"

namespace fencepost {

inline constexpr std::uint32_t kHelperRead = 1, kHelperWrite = 2;
inline constexpr std::size_t kHelperRequestBytes = 24, kHelperReplyBytes = 16;

struct HelperTask {
  std::string path;
  const Writer* writer = nullptr;  // nullptr: reading only
  int socket = -1;
};

// The unit's own name where sysfs knows it, as iSCSI tells it: "naa.6001405..."; it does not change
// with the order of discovery. directory: /sys/dev/block/8:0. Empty: sysfs knows of none.
[[nodiscard]] std::string NameOfUnit(const std::string& directory);

// In the child of a fork; never returns.
[[noreturn]] void RunDiskHelper(const HelperTask& task);

}  // namespace fencepost
