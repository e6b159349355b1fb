// Shutting a node out of shared disks, by persistent reservations.
//
// Promise: a node is "off" when on every disk its key is not registered and a reservation keeps out
//          who is not: it can write to none. That it runs is not touched: the evidence is "storage
//          revoked", not power.
//          `off` needs this node's own key on the disk: a node that finds it gone was fenced
//          itself, and refuses. A session of its own that carries no data is registered anew where
//          the key still stands (a session of before), but only if nobody changed the registrations
//          in between (PRGENERATION); else that is taken back, and refused. The session that
//          carries this machine's writes is never registered by `off`. Disks are taken in the order
//          of their designators, the next only after the one before was won: two nodes that shoot
//          at each other meet on the first. `on` registers this node itself, on every disk, and
//          reserves what nobody has reserved.
// Time, Errors: those of unit.h. Refusals have phase privilege, cause not-permitted.
// Source:  SPC-4; accidents of fence_scsi in the field: split winners, blind new registrations.
#pragma once
#include <memory>
#include <vector>

#include "fence-agents/agent/device.h"
#include "fence-agents/scsi/reservations.h"

namespace fencepost::scsi {

struct ScsiSettings {
  std::string this_node;
  Key own = 0;
  std::string target_node;
  Key target = 0;
  bool need_abort = false;  // PREEMPT AND ABORT or nothing
  bool aptpl = false;       // registrations survive a power loss of the disk
};
std::unique_ptr<agent::Device> MakeScsiDevice(std::vector<std::unique_ptr<Unit>> units,
                                              ScsiSettings settings);

// The key of a node that has none of its own: "FP", then a checksum of its name.
Key KeyOf(std::string_view node);
std::optional<Key> ParseKey(std::string_view text);  // hexadecimal, 1 to 16 digits, not 0

}  // namespace fencepost::scsi
