// One logical unit to which a fence agent sends commands, as a port.
//
// Promise: an answer is what the unit said to this command. Commands are not repeated by the port.
// Time:    over at the deadline (absolute local time).
// Errors:  phase connect or auth: nothing is known then; effect_unknown when the command may have
//          reached the unit.
#pragma once
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::scsi {

struct Reply {
  int status = 0;  // SAM status byte
  int sense_key = 0;
  int ascq = 0;
  Bytes data{};
};

class Unit {
 public:
  virtual ~Unit() = default;
  [[nodiscard]] virtual std::string Name() const = 0;
  // Do this machine's own writes travel by the same session? Then registering it lets them through.
  [[nodiscard]] virtual bool CarriesData() const = 0;
  // data_in: bytes expected; with data_out there are none.
  virtual Result<Reply, agent::Failure> Send(Bytes cdb, Bytes data_out, std::uint32_t data_in,
                                             MonoTime deadline) = 0;
};

}  // namespace fencepost::scsi
