// One disk, or one path to it, as a quorum disk needs it: whole sectors, one writer identity.
//
// Promise: Write completes with success only when the data is durable on the medium (FUA or a
//          flush). After a successful Open with a writer, no write that this node issued in an
//          earlier session (also of a process that was killed) can land any more: rule R5a's
//          write barrier. Where that cannot be proven Open fails: such a disk carries no vote.
// Time:    a call that is not done by its deadline completes with kTimeout. A write that timed out,
//          was lost, or failed after it was sent may still land: the session is over then, every
//          further call fails with kClosed, and only a new Open (a new barrier) makes the slot
//          safe.
// Errors:  IoError; the kind is for code, the text names target, cause and remedy for people.
// Ownership: data passed to Write is copied or kept by the implementation until the callback.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/text.h"
#include "base/time.h"

namespace fencepost {

enum class IoKind {
  kTimeout,      // not done by the deadline
  kUnreachable,  // no path, refused, logged out
  kDenied,       // wrong secret, no permission
  kConflict,     // another writer of our identity holds the reservation or the lock
  kReadOnly,     // the medium refuses writes
  kMedium,       // the device reported an error for this range
  kNoBarrier,    // this device cannot prove that older writes are over
  kClosed,       // the session ended before
};

struct IoError {
  IoKind kind = IoKind::kClosed;
  std::string text;
};

// A stable name for "this node on this disk"; the key changes with each start of the daemon.
struct Writer {
  std::uint64_t old_key_base = 0;  // cluster and node: all keys of this node share these bits
  std::uint64_t key = 0;           // old_key_base plus bits of the incarnation; never 0
  std::string initiator_suffix;    // "node-2": part of the initiator name, fixed for a node
  NodeId node;                     // for locks: whose slots are written
};
// The bits of a key that are not old_key_base. A device may count up in them from Writer::key, so
// that every session has its own.
inline constexpr std::uint64_t kWriterKeyMask = 0xFFFFFF;
[[nodiscard]] constexpr bool IsKeyOf(const Writer& writer, std::uint64_t key) {
  return (key & ~kWriterKeyMask) == writer.old_key_base;
}
// 4 bytes of the cluster, the node (0 is mkqdisk), the incarnation with room to count.
[[nodiscard]] inline Writer MakeWriter(const ClusterId& cluster, NodeId node,
                                       Incarnation incarnation) {
  Writer writer;
  for (std::size_t i = 0; i < 4; ++i) {
    writer.old_key_base = writer.old_key_base << 8 | cluster.bytes[i];
  }
  writer.old_key_base = writer.old_key_base << 32 | std::uint64_t{node.value()} << 24;
  writer.key = writer.old_key_base | (incarnation.value() << 8 & kWriterKeyMask);
  writer.initiator_suffix = Cat("node-", node);
  writer.node = node;
  return writer;
}

struct DeviceInfo {
  std::uint32_t sector_bytes = 512;  // 512 or 4096
  std::uint64_t size_bytes = 0;
  std::string designator;  // SCSI VPD 83 or device:inode; empty when unknown
  std::string barrier;     // how the barrier was proven, for status: "reservation", "lock"
};

class BlockDevice {
 public:
  using OpenDone = std::function<void(Result<DeviceInfo, IoError>)>;
  using ReadDone = std::function<void(Result<Bytes, IoError>)>;
  using WriteDone = std::function<void(Result<Ok, IoError>)>;
  virtual ~BlockDevice() = default;

  // writer == nullptr: for reading only, no barrier. REQUIRES: closed, no open under way.
  virtual void Open(const Writer* writer, MonoTime deadline, OpenDone done) = 0;
  // REQUIRES for both: offset and length are whole sectors.
  virtual void Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline,
                    ReadDone done) = 0;
  virtual void Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) = 0;
  // Ends the session at once; what is under way completes with kClosed, from the loop.
  virtual void Close() = 0;
};

}  // namespace fencepost
