// A quorum disk on a local block device or a file, used through a helper process: a device that
// hangs hangs the helper, which cannot be killed then; the daemon leaves it behind and goes on.
//
// Promise: BlockDevice. Writes are O_DSYNC, and O_DIRECT where the file system takes it (tmpfs on
//          older kernels does not), so that reads come from the medium and not from this machine's
//          cache.
// Barrier: the helper holds a lock (open file description, one byte for each node) from before its
//          first write until its end. The kernel lets go of it only when the helper's last write is
//          over. While an older helper of this node lives, Open is kConflict: its writes cannot be
//          excluded. What that proves: no write of an earlier process of *this node on this kernel*
//          can land any more. What it does not: two machines with the same node id (the reservation
//          of a SCSI disk finds those, here only the slots do); writes that a killed *kernel* left
//          in the queue of an array are over before its next boot can open the disk only if the
//          array drops them when the initiator logs in again, as SCSI requires. File systems over a
//          network are refused (kNoBarrier): there a killed writer's data may arrive later.
//          All processes of a node must name the device by the same inode (no second mknod).
// Time:    deadlines of the caller. A helper of an earlier session gets kLockPatience to end.
// Errors:  IoError; the text starts with the path.
// Ownership: the loop outlives the disk. The helper is a fork without exec: REQUIRES a process with
//          one thread.
#pragma once
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "env/block_device.h"
#include "env/linux/loop.h"

namespace fencepost {

inline constexpr Duration kLockPatience = Millis(500);
inline constexpr std::uint32_t kMaxFileDiskTransfer = 4 << 20;  // bytes in one Read or Write
inline constexpr std::uint32_t kFileSectorBytes = 4096;  // of a file: fits O_DIRECT everywhere

class FileDisk final : public BlockDevice {
 public:
  FileDisk(Loop& loop, std::string path);
  ~FileDisk() override;
  FileDisk(const FileDisk&) = delete;
  FileDisk& operator=(const FileDisk&) = delete;

  void Open(const Writer* writer, MonoTime deadline, OpenDone done) override;
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) override;
  void Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) override;
  void Close() override;
  // Of the helper of the present session; -1 when there is none. For status and tests.
  [[nodiscard]] pid_t helper_pid() const { return helper_pid_; }

 private:
  // What came back: bytes, or for an Open the encoded DeviceInfo.
  using Done = std::function<void(Result<Bytes, IoError>)>;
  struct Pending {
    Done done;
    TimerId timer = 0;
  };
  Result<Ok, IoError> StartHelper(const Writer* writer);
  void Request(std::uint32_t operation, std::uint64_t offset, std::uint32_t length, ByteView data,
               MonoTime deadline, Done done);
  void Expect(std::uint64_t id, MonoTime deadline, Done done);
  void Opened(const OpenDone& done, bool writer, const Result<Bytes, IoError>& reply);
  void OnSocket(std::uint32_t events);
  bool ReceiveSome();  // false: the helper has gone
  bool SendSome();
  void TellReplies();
  void TimedOut(std::uint64_t id);
  void End(IoError why);  // leaves the helper behind

  Loop& loop_;
  const std::string path_;
  UniqueFd socket_;
  WatchId watch_ = 0;
  pid_t helper_pid_ = -1;
  bool ready_ = false;  // opened, and not ended since
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  Bytes to_send_, received_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost
