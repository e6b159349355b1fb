// What mkqdisk -L, -f and -d print, as text.
//
// Promise: the lines of the Red Hat Cluster Suite's mkqdisk, with ours behind them. Text that came
//          from a disk is printable when it leaves here. Times are UTC. Errors: none.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/block_device.h"
#include "qdiskd/disk_format.h"
#include "qdiskd/message_format.h"
#include "qdiskd/mkqdisk/foreign.h"

namespace fencepost::qdiskd::mkqdisk {

[[nodiscard]] std::string Printable(std::string_view text);  // other bytes become '?'
inline constexpr std::uint64_t kMaxSeconds =
    253402300799;  // the year 9999: later ones are nonsense
// "Sat Nov 21 05:00:00 2026", as ctime; of milliseconds since 1970.
[[nodiscard]] std::string TimeText(std::uint64_t wall_ms);

// "2026-11-21 05:42:57.123", of the same.
[[nodiscard]] std::string InstantText(std::uint64_t wall_ms);
// "quorate", "left", ...: what a slot says of its node.
[[nodiscard]] std::string SlotState(const qdiskd::Slot& slot);

struct ListedDisk {
  std::string device;
  DeviceInfo info;  // as it is now
  qdiskd::Superblock superblock;
  bool authenticated = false;            // by the key that was at hand
  std::optional<ForeignDisk> foreign;    // instead of a superblock
  std::vector<qdiskd::SlotPair> slots;   // of nodes 1, 2, ...; empty: not asked for
  std::vector<bool> living;              // its sequence rose between two reads; as many as slots
  std::vector<qdiskd::Outbox> outboxes;  // likewise asked for: of nodes that ever wrote one
  std::vector<qdiskd::AckBox> acks;
};
// Storage death: each message that lies on the disk, and what it was answered last.
[[nodiscard]] std::string MessagesText(const std::vector<qdiskd::Outbox>& outboxes,
                                       const std::vector<qdiskd::AckBox>& acks);
[[nodiscard]] std::string DiskText(const ListedDisk& disk);

// One node's slot. Blank slots give "".
[[nodiscard]] std::string SlotText(NodeId node, const qdiskd::SlotPair& pair, bool advanced);

// A slot that is read again and again.
struct WatchedSlot {
  qdiskd::SlotPair pair;
  std::optional<MonoTime> changed;  // end of the read that first showed this write
  int changes = 0;                  // since the watching began
  void See(const qdiskd::SlotPair& now, MonoTime at);
  [[nodiscard]] bool IsLive(MonoTime now) const;  // it changed within kLiveCycles of its cycles
};
inline constexpr int kLiveCycles = 3;
// A line for each node that has ever written.
[[nodiscard]] std::string RoundText(std::uint64_t wall_ms, const std::vector<WatchedSlot>& slots,
                                    MonoTime now);

}  // namespace fencepost::qdiskd::mkqdisk
