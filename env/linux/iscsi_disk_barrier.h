// The write barrier of a SCSI disk: after it, no write of an earlier session of this node can land.
//
// How: persistent reservation WERO (type 5: only registered initiators write), one key per session.
//      1. register a key of ours that is not listed, 2. see to it that a WERO reservation exists,
//      3. PREEMPT every other key of ours: a write that the target has not begun is refused now,
//      4. LOGICAL UNIT RESET: answered when all commands that had begun are over,
//      5. read keys and reservation back. Without 4 a write that is inside the target lands after
//      3: docs/adr/0005-write-barrier.md shows it. Keys of peers are never touched; peers see unit
//      attentions and repeat their commands.
// Promise: success only with 5 as expected. Time: the caller's deadline covers all steps.
// Errors:  kNoBarrier when the target lacks one of the commands; kConflict for a reservation of
//          another type or another user of our node's keys.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/block_device.h"
#include "env/linux/iscsi_disk_scsi.h"

namespace fencepost {

inline constexpr int kMaxListedKeys = 500;  // on one unit; more are refused
inline constexpr int kMaxAttentions = 64;   // unit attentions in a row before we give up

struct Reservations {
  std::vector<std::uint64_t> keys;  // registered; the same key may be there twice
  bool reserved = false;
  int type = 0;
};
// Is the barrier of `key` in force? Otherwise why not.
[[nodiscard]] std::optional<std::string> WhyNotInForce(const Reservations& r, const Writer& writer,
                                                       std::uint64_t key);

// Reads both lists. Repeats on unit attentions.
void ReadReservations(ScsiPort& port, MonoTime deadline,
                      std::function<void(Result<Reservations, IoError>)> done);

// done: the key that was registered. The port outlives the sequence, which ends when it ends.
void EstablishBarrier(ScsiPort& port, const Writer& writer, MonoTime deadline,
                      std::function<void(Result<std::uint64_t, IoError>)> done);

// Takes a key back that EstablishBarrier gave. done: also when the target refuses.
void ForgetKey(ScsiPort& port, std::uint64_t key, MonoTime deadline, ScsiPort::Done done);

}  // namespace fencepost
