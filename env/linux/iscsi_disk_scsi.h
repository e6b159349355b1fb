// One logical unit as a place to send SCSI commands to: what the disk logic needs of a session.
//
// Promise: done is called once, from the loop, never from inside Send. The session does not repeat
//          a command by itself.
// Time:    a command not answered by its deadline ends the session: it completes with kTimeout, all
//          others with kClosed, and so does everything that is sent later.
// Errors:  a reply is what the unit answered, good or bad; IoError means that nothing is known.
#pragma once
#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "env/block_device.h"

namespace fencepost {

struct ScsiCommand {
  Bytes cdb;                  // 6 to 16 bytes
  Bytes data_out;             // sent to the unit
  std::uint32_t data_in = 0;  // or this many bytes expected from it
};

struct ScsiReply {
  int status = 0;  // SAM status byte
  int sense_key = 0;
  int ascq = 0;  // additional sense code and qualifier: 0x2900
  Bytes data;
  [[nodiscard]] bool Good() const { return status == 0; }
};

// SAM-5 table 46 and SPC-4 tables 47 and 48: what is decided on.
inline constexpr int kCheckCondition = 0x02, kBusy = 0x08, kReservationConflict = 0x18,
                     kTaskSetFull = 0x28, kTaskAborted = 0x40;
inline constexpr int kIllegalRequest = 5, kUnitAttention = 6, kDataProtect = 7;

class ScsiPort {
 public:
  using Done = std::function<void(Result<ScsiReply, IoError>)>;
  virtual ~ScsiPort() = default;
  virtual void Send(ScsiCommand command, MonoTime deadline, Done done) = 0;
  // LOGICAL UNIT RESET, repeated until it is answered. Good: every command that the unit had
  // accepted before is over. REQUIRES: no other reset is under way.
  virtual void ResetUnit(MonoTime deadline, Done done) = 0;
};

}  // namespace fencepost
