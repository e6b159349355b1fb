// A SCSI logical unit read and written as BlockDevice promises: what happens between a request and
// its commands. Runs on any ScsiPort, so that every answer of a target can be tested.
//
// Promise: a write is durable when it succeeds: FUA, or SYNCHRONIZE CACHE after it where the unit
//          refuses FUA. A command that the unit dropped (unit attention, task aborted) is sent
//          again with the same bytes; when the reason touches reservations (29xx, 2axx), or the
//          command was aborted, a writer first reads back that its barrier is still in force.
// Time:    a busy unit is asked again after kBusyPause, until the deadline.
// Errors:  IoError. After kConflict the owner must end the session.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "env/block_device.h"
#include "env/clock.h"
#include "env/linux/iscsi_disk_scsi.h"

namespace fencepost {

inline constexpr Duration kBusyPause = Millis(10);

class ScsiUnit {
 public:
  // clock and port outlive the unit; name is for error texts.
  ScsiUnit(Clock& clock, ScsiPort& port, std::string name);
  ~ScsiUnit();
  ScsiUnit(const ScsiUnit&) = delete;
  ScsiUnit& operator=(const ScsiUnit&) = delete;

  // Size, sector size, designator.
  void Identify(MonoTime deadline, BlockDevice::OpenDone done);
  // From now on writes are allowed, and verified as `writer` with `key`.
  void BecomeWriter(const Writer& writer, std::uint64_t key);
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline,
            BlockDevice::ReadDone done);
  void Write(std::uint64_t offset, Bytes data, MonoTime deadline, BlockDevice::WriteDone done);

 private:
  struct Job;
  void Run(const std::shared_ptr<Job>& job);
  void Answered(const std::shared_ptr<Job>& job, Result<ScsiReply, IoError> reply);
  void VerifyThenRun(const std::shared_ptr<Job>& job);
  void LaterRun(const std::shared_ptr<Job>& job);
  [[nodiscard]] IoError Explain(const ScsiReply& reply, const char* what) const;
  [[nodiscard]] bool InRange(std::uint64_t offset, std::uint64_t length) const;
  void ReadCapacity(MonoTime deadline, std::string designator, BlockDevice::OpenDone done);

  Clock& clock_;
  ScsiPort& port_;
  const std::string name_;
  DeviceInfo info_;
  bool fua_refused_ = false;
  std::optional<Writer> writer_;
  std::uint64_t key_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost
