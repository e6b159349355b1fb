#include "fence-agents/ipmilan/event_loop.h"

#include <OpenIPMI/ipmiif.h>
#include <OpenIPMI/os_handler.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/check.h"
#include "fence-agents/agent/run_program.h"

struct os_hnd_fd_id_s {
  int fd = -1;
  os_data_ready_t ready = nullptr;
  void* context = nullptr;
  os_fd_data_freed_t freed = nullptr;
};

struct os_hnd_timer_id_s {
  bool running = false;
  fencepost::MonoTime at{};
  os_timed_out_t call = nullptr;
  void* context = nullptr;
};

namespace fencepost::ipmilan {
namespace {

MonoTime Now() { return agent::BoottimeNow(); }

timeval ToTimeval(Duration since) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  timeval out{};
  out.tv_sec = us / 1'000'000;
  out.tv_usec = us % 1'000'000;
  return out;
}

}  // namespace

// The functions that OpenIPMI calls.
struct Callbacks {
  static EventLoop* Loop(os_handler_t* handler) {
    return static_cast<EventLoop*>(handler->internal_data);
  }
  static void* Allocate(int size) { return std::malloc(static_cast<std::size_t>(size)); }
  static void Free(void* data) { std::free(data); }

  static int AddReader(os_handler_t* handler, int fd, os_data_ready_t ready, void* context,
                       os_fd_data_freed_t freed, os_hnd_fd_id_t** id) {
    auto& readers = Loop(handler)->readers_;
    readers.push_back({fd, ready, context, freed});
    *id = &readers.back();
    return 0;
  }
  static int RemoveReader(os_handler_t* handler, os_hnd_fd_id_t* id) {
    const os_hnd_fd_id_s reader = *id;
    Loop(handler)->readers_.remove_if([id](const os_hnd_fd_id_s& r) { return &r == id; });
    if (reader.freed != nullptr) reader.freed(reader.fd, reader.context);
    return 0;
  }

  static int NewTimer(os_handler_t* handler, os_hnd_timer_id_t** id) {
    auto& timers = Loop(handler)->timers_;
    timers.emplace_back();
    *id = &timers.back();
    return 0;
  }
  static int FreeTimer(os_handler_t* handler, os_hnd_timer_id_t* id) {
    Loop(handler)->timers_.remove_if([id](const os_hnd_timer_id_s& t) { return &t == id; });
    return 0;
  }
  static int StartTimer(os_handler_t*, os_hnd_timer_id_t* id, timeval* after, os_timed_out_t call,
                        void* context) {
    if (id->running) return EBUSY;
    *id = {true,
           Now() + std::chrono::seconds(after->tv_sec) + std::chrono::microseconds(after->tv_usec),
           call, context};
    return 0;
  }
  static int StopTimer(os_handler_t*, os_hnd_timer_id_t* id) {
    if (!id->running) return ESRCH;
    id->running = false;
    return 0;
  }

  static int Random(os_handler_t*, void* data, unsigned int size) {
    return getrandom(data, size, 0) == static_cast<ssize_t>(size) ? 0 : EIO;
  }
  // Silent: what the library says on the way (also user names and guesses at causes) is replaced
  // by the one failure line at the end.
  static void Log(os_handler_t*, ipmi_log_type_e, const char*, ...) {}
  static void LogList(os_handler_t*, ipmi_log_type_e, const char*, va_list) {}
  static int Monotonic(os_handler_t*, timeval* out) {
    *out = ToTimeval(Now().time_since_epoch());
    return 0;
  }
  static int RealTime(os_handler_t*, timeval* out) { return gettimeofday(out, nullptr); }
};

EventLoop::EventLoop() : handler_(std::make_unique<os_handler_s>()) {
  handler_->mem_alloc = Callbacks::Allocate;
  handler_->mem_free = Callbacks::Free;
  handler_->add_fd_to_wait_for = Callbacks::AddReader;
  handler_->remove_fd_to_wait_for = Callbacks::RemoveReader;
  handler_->alloc_timer = Callbacks::NewTimer;
  handler_->free_timer = Callbacks::FreeTimer;
  handler_->start_timer = Callbacks::StartTimer;
  handler_->stop_timer = Callbacks::StopTimer;
  handler_->get_random = Callbacks::Random;
  handler_->log = Callbacks::Log;
  handler_->vlog = Callbacks::LogList;
  handler_->get_monotonic_time = Callbacks::Monotonic;
  handler_->get_real_time = Callbacks::RealTime;
  handler_->internal_data = this;
  FENCEPOST_CHECK(ipmi_init(handler_.get()) == 0);
}

EventLoop::~EventLoop() { ipmi_shutdown(); }

MonoTime EventLoop::NextTimer() const {
  MonoTime next = kNever;
  for (const os_hnd_timer_id_s& timer : timers_) {
    if (timer.running) next = std::min(next, timer.at);
  }
  return next;
}

void EventLoop::CallTimers() {
  for (;;) {  // a callback may add and remove timers: look anew after each
    const MonoTime now = Now();
    if (now >= forbidden_from_) return;
    const auto due = std::find_if(timers_.begin(), timers_.end(), [&](const os_hnd_timer_id_s& t) {
      return t.running && t.at <= now;
    });
    if (due == timers_.end()) return;
    due->running = false;
    due->call(due->context, &*due);
  }
}

void EventLoop::CallReaders(MonoTime until) {
  std::vector<pollfd> polled;
  for (const os_hnd_fd_id_s& reader : readers_) polled.push_back({reader.fd, POLLIN, 0});
  const auto wait = std::clamp<std::int64_t>(ToMillis(until - Now()) + 1, 0, 1000);
  if (poll(polled.data(), polled.size(), static_cast<int>(wait)) <= 0) return;
  for (const pollfd& p : polled) {
    if (p.revents == 0 || Now() >= forbidden_from_) continue;
    const auto reader = std::find_if(readers_.begin(), readers_.end(),
                                     [&](const os_hnd_fd_id_s& r) { return r.fd == p.fd; });
    if (reader != readers_.end()) reader->ready(reader->fd, reader->context, &*reader);
  }
}

bool EventLoop::Run(const std::function<bool()>& done, MonoTime deadline) {
  while (!done()) {
    const MonoTime until = std::min(deadline, forbidden_from_);
    if (Now() >= until) return false;
    CallTimers();
    if (!done()) CallReaders(std::min(until, NextTimer()));
  }
  return true;
}

}  // namespace fencepost::ipmilan
