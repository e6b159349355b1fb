// The poll loop that OpenIPMI runs on: descriptors and timers of one thread.
//
// Promise: no callback is called outside Run, nor at or after ForbidAfter's instant: since the
//          library repeats a packet from a timer, this is what keeps a switching command from being
//          repeated when the right to switch has ended.
// Time:    absolute CLOCK_BOOTTIME.
// Errors:  Run answers false at its deadline. One loop a process: OpenIPMI keeps it globally.
#pragma once
#include <algorithm>
#include <functional>
#include <list>
#include <memory>

#include "base/time.h"

struct os_handler_s;
struct os_hnd_fd_id_s;
struct os_hnd_timer_id_s;

namespace fencepost::ipmilan {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] os_handler_s* handler() { return handler_.get(); }
  bool Run(const std::function<bool()>& done, MonoTime deadline);
  void ForbidAfter(MonoTime instant) { forbidden_from_ = std::min(forbidden_from_, instant); }

 private:
  friend struct Callbacks;
  [[nodiscard]] MonoTime NextTimer() const;
  void CallTimers();
  void CallReaders(MonoTime until);

  std::unique_ptr<os_handler_s> handler_;
  std::list<os_hnd_fd_id_s> readers_;
  std::list<os_hnd_timer_id_s> timers_;
  MonoTime forbidden_from_ = kNever;
};

}  // namespace fencepost::ipmilan
