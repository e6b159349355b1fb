// ProcessRunner by fork, exec and pidfd; each program under a keeper, see process_launch.h.
//
// Promise: the child gets its own process group, the given environment only, "/" as directory, no
//          descriptor but 0 to 2, default signal dispositions, an empty signal mask and ordinary
//          scheduling, whatever the daemon has. Its standard input is the whole of stdin_text, in
//          memory: a child that never reads it blocks nobody. Its output is read as it comes; what
//          exceeds kMaxProcessOutput is dropped, and the end of `errors` then says how much.
//          Done of a program that was killed comes when nothing of its descent is left.
// Time:    killed not before kill_at, and late by what the loop is late. A kill_at that is past
//          means: not started. A child in uninterruptible sleep is reported when it is dead.
// Errors:  see env/process.h. killed is true only if our signal ended the leader: one that exited
//          by itself at the same instant has its exit code.
//          REQUIRES: the thread that calls Start() lives as long as the daemon; to the kernel its
//          end is the death of the parent. Start() waits until the program's file is loaded.
// Limit:   see process_launch.h.
// Ownership: the loop outlives the runner; destroying it has all killed, without calls of done
//          and without waiting for it: the lock tells when.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/linux/loop.h"
#include "env/linux/process_launch.h"
#include "env/process.h"

namespace fencepost {

// Waits, at most `patience`, until nothing runs any more that a daemon with this lock had started,
// and keeps others waiting. Blocks the caller.
[[nodiscard]] Result<UniqueFd> LockOfPrograms(const std::string& path, Duration patience);

class LinuxProcessRunner final : public ProcessRunner {
 public:
  explicit LinuxProcessRunner(Loop& loop);
  // From LockOfPrograms; held by this runner and by the keepers of what it starts.
  void SetLock(UniqueFd lock) { lock_ = std::move(lock); }
  ~LinuxProcessRunner() override;
  LinuxProcessRunner(const LinuxProcessRunner&) = delete;
  LinuxProcessRunner& operator=(const LinuxProcessRunner&) = delete;

  ProcessId Start(const Command& command, MonoTime kill_at,
                  std::function<void(ProcessEnd)> done) override;
  void Kill(ProcessId process) override;

 private:
  struct Capture {  // one of the child's outputs
    UniqueFd fd;
    WatchId watch = 0;
    std::string text;
    std::uint64_t dropped = 0;
  };
  struct Child {
    Keeper keeper;
    UniqueFd pidfd;  // of the keeper
    WatchId watch = 0;
    TimerId timer = 0;
    MonoTime started{};
    bool missing = false;
    bool killing = false;
    Capture output, errors;
    std::function<void(ProcessEnd)> done;
  };
  Status Spawn(const Command& command, Child& child);
  void Watch(ProcessId id, Capture& capture);
  bool Read(Capture& capture);  // false when there is no more to come
  void Ended(ProcessId id);

  Loop& loop_;
  UniqueFd lock_;
  ProcessId last_id_ = 0;
  std::map<ProcessId, std::unique_ptr<Child>> children_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for posts that outlive us
};

}  // namespace fencepost
