// A quorum disk behind iSCSI, in user space: a dead path is a bounded time-out, never a process
// that cannot be killed.
//
// Promise: BlockDevice. Every Open is a fresh session with fixed initiator name and ISID for the
//          node; nothing is replayed from one to the next. The barrier is iscsi_disk_barrier.h.
//          With several portals an Open that one refuses goes on at the next, and after a failure
//          the next Open begins at another one: a failover is a new session behind a new barrier,
//          so that not a byte is sent twice.
// Time:    deadlines of the caller, on CLOCK_BOOTTIME. Numeric addresses only: nothing blocks.
// Errors:  IoError; a text starts with the URL and never has the secret in it.
// Ownership: the loop outlives the disk. The secret is kept in memory for reconnecting.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/block_device.h"
#include "env/linux/iscsi_disk_session.h"
#include "env/linux/iscsi_disk_unit.h"
#include "env/linux/loop.h"

namespace fencepost {

class IscsiDisk final : public BlockDevice {
 public:
  // secret: for CHAP, with target.user; otherwise empty.
  // other_portals: the same unit elsewhere.
  IscsiDisk(Loop& loop, config::DiskUrl target, std::string secret,
            const std::vector<config::DiskUrl>& other_portals = {});
  ~IscsiDisk() override;

  void Open(const Writer* writer, MonoTime deadline, OpenDone done) override;
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) override;
  void Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) override;
  void Close() override;

 private:
  // One session and the unit behind it.
  struct Attachment {
    Attachment(Loop& loop, IscsiLogin login, std::string name)
        : session(loop, std::move(login)), unit(loop, session, std::move(name)) {}
    IscsiSession session;
    ScsiUnit unit;
    bool ready = false;
  };
  [[nodiscard]] IscsiLogin MakeLogin() const;
  void TryPortal();
  void NextPortal() { portal_ = (portal_ + 1) % portals_.size(); }
  [[nodiscard]] std::string Name() const { return portals_[portal_].Text(); }
  void Identified(DeviceInfo info);
  void FinishOpen(Result<DeviceInfo, IoError> result);
  void Detach();  // ends the session; what is under way still completes
  [[nodiscard]] bool IsReady() const;

  Loop& loop_;
  std::vector<config::DiskUrl> portals_;  // never empty
  std::size_t portal_ = 0;                // of the present session
  std::size_t untried_ = 0;               // in the Open under way, the present one not counted
  // The last session: the next Open goes elsewhere. Callbacks of a closed one outlive us.
  std::shared_ptr<bool> failed_ = std::make_shared<bool>(false);
  const std::string secret_;
  std::shared_ptr<Attachment> attachment_;
  std::optional<Writer> writer_;  // of the current Open
  MonoTime open_deadline_{};
  OpenDone open_done_;  // empty unless an Open is under way
};

}  // namespace fencepost
