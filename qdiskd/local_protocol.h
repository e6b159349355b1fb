// What qdiskd and its consumer (fencepostd, or a tool) say to each other over the local socket.
// Byte tables: docs/format/local.md.
//
// Promise: a lease crosses as an absolute deadline of this node's clock (R6). After each connect
// the
//          consumer first drops what it holds, then says Hello: from then on qdiskd knows that
//          nobody counts a lease of an earlier incarnation of either.
// Time:    instants are nanoseconds of CLOCK_BOOTTIME of this node, both ends being on it.
// Errors:  Decode names what is wrong; a peer that sends such a message is dropped.
#pragma once
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "qdiskd/decision.h"
#include "qdiskd/disk_voter.h"

namespace fencepost::qdiskd {

inline constexpr std::uint8_t kLocalVersion = 2;  // 1 had no Decision

namespace local {
struct Hello {};  // the consumer counts no lease
struct Watch {};  // a tool: send Views, expect nothing else
struct Welcome {
  BootId boot;
  Incarnation incarnation;
  std::string device;
};
struct DiskState {      // of one disk of the set
  std::string device;   // as configured
  std::string uuid;     // of its superblock; empty until one was accepted
  std::string barrier;  // how older writes are kept from landing; empty: never opened for writing
  std::string trouble;  // why it is not in use; empty: it is
  IoLatency latency;    // of this node's own I/O on it
};
struct View {
  DiskView view;
  std::uint32_t cycle_us = 0;    // the last cycle, from its start to its end
  std::vector<DiskState> disks;  // in the order of the configuration
};
}  // namespace local

using ToQdiskd = std::variant<local::Hello, local::Watch, event::Want, event::Dropped,
                              event::Report, event::PowerIsOff, Decision>;
using FromQdiskd = std::variant<local::Welcome, local::View, notice::Held, notice::Waiting,
                                notice::MustDrop, notice::Refused>;

[[nodiscard]] Bytes Encode(const ToQdiskd& message);
[[nodiscard]] Bytes Encode(const FromQdiskd& message);
[[nodiscard]] Result<ToQdiskd> DecodeToQdiskd(ByteView bytes);
[[nodiscard]] Result<FromQdiskd> DecodeFromQdiskd(ByteView bytes);

}  // namespace fencepost::qdiskd
