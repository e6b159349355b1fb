// The event loop of a daemon: one thread, epoll, and the machine's monotonic time.
//
// Promise: every callback runs from Run(), one at a time, never from inside the call that asked for
//          it. A callback may watch, unwatch, cancel, post and stop anything, itself included; what
//          it took back is not called any more, also when its event was already fetched. Timers run
//          in order of their instant, equal ones in order of request. One turn calls what was due
//          when it began: timers, then posts, then descriptors, each once, so nobody starves. After
//          a pause (stop, suspend) an overdue timer therefore precedes data that came late.
// Time:    Now() is CLOCK_BOOTTIME. Timers are late by the turn under way and the scheduler.
// Errors:  only Create fails, for want of descriptors. Misuse (a descriptor that cannot be polled
//          or is not open) stops the program.
// Ownership: descriptors stay their owner's, who takes the watch back *before* closing them.
//          The loop outlives what uses it. SIGPIPE is ignored in the process from Create on, and
//          signals handed to OnSignal stay blocked; children must reset both (process_linux does).
#pragma once
#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"
#include "env/linux/unique_fd.h"

namespace fencepost {

using WatchId = std::uint64_t;  // 0 is no watch; numbers are never used again

class Loop final : public Clock {
 public:
  using FdCall = std::function<void(std::uint32_t events)>;

  static Result<std::unique_ptr<Loop>> Create();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] MonoTime Now() const override;
  TimerId CallAt(MonoTime when, std::function<void()> call) override;  // kNever: is never called
  void Cancel(TimerId timer) override;

  // Calls while one of `events` (EPOLLIN, EPOLLOUT, ...) holds, with what holds; EPOLLERR and
  // EPOLLHUP are added by the kernel. With events == 0 nothing is called, not even for those.
  // A number that is watched already must have been closed meanwhile: the older watch ends here.
  WatchId WatchFd(int fd, std::uint32_t events, FdCall call);
  // Another mask, as often as wished. Also finds the descriptor again when its owner replaced the
  // file behind the same number (dup2, close and open).
  void Rewatch(WatchId watch, std::uint32_t events);
  // A watch that is over or 0 is ignored.
  void Unwatch(WatchId watch);

  // From now on `signal` is blocked and arrives here instead. REQUIRES: one call per signal.
  void OnSignal(int signal, std::function<void()> call);
  // Calls once, when the process behind the pidfd has ended; the caller then reaps it.
  WatchId WatchChild(int pidfd, std::function<void()> ended);
  // Calls once, in the next turn.
  void Post(std::function<void()> call);

  // Returns after the callback that called Stop(); what was due then is called by the next Run().
  void Run();
  void Stop() { stopped_ = true; }

 private:
  struct Watch {
    int fd = -1;
    std::uint32_t events = 0;
    FdCall call;
  };
  Loop(UniqueFd epoll, UniqueFd timer);
  void RunTimers();
  void RunPosts();
  void RunDescriptors();
  void SetAlarm();
  void SetMask(WatchId id, Watch& watch, std::uint32_t events);
  void ReadSignals();

  UniqueFd epoll_;
  UniqueFd timer_fd_;
  UniqueFd signal_fd_;
  bool stopped_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::pair<MonoTime, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, MonoTime> timer_when_;
  std::vector<TimerId> due_;  // of this turn; kept for its memory
  MonoTime alarm_ = kNever;   // what timer_fd_ is set to
  std::deque<std::function<void()>> posts_;
  std::unordered_map<WatchId, std::shared_ptr<Watch>> watches_;
  std::unordered_map<int, WatchId> watch_of_fd_;
  std::map<int, std::function<void()>> signals_;
};

}  // namespace fencepost
