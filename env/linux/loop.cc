#include "env/linux/loop.h"

#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/check.h"

namespace fencepost {
namespace {

// Events fetched in one turn; the kernel hands out the rest first in the next one.
constexpr int kMaxEventsPerTurn = 64;
constexpr WatchId kTimerWatch = 0;  // in epoll only: it just wakes the loop

timespec ToTimespec(MonoTime when) {
  const std::int64_t ns = when.time_since_epoch().count();
  return {.tv_sec = static_cast<time_t>(ns / 1'000'000'000),
          .tv_nsec = static_cast<long>(ns % 1'000'000'000)};
}

sigset_t SetOf(const std::map<int, std::function<void()>>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& entry : signals) sigaddset(&set, entry.first);
  return set;
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::Create() {
  constexpr const char* kRemedy = "raise the limit of open files";
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return OsError("event loop", "create an epoll instance", errno, kRemedy);
  UniqueFd timer(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) return OsError("event loop", "create a timer", errno, kRemedy);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kTimerWatch}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0) {
    return OsError("event loop", "watch its timer", errno, kRemedy);
  }
  std::signal(SIGPIPE, SIG_IGN);
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(timer)));
}

Loop::Loop(UniqueFd epoll, UniqueFd timer)
    : epoll_(std::move(epoll)), timer_fd_(std::move(timer)) {}
Loop::~Loop() = default;

MonoTime Loop::Now() const {
  timespec now{};
  FENCEPOST_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return MonoTime(Duration(std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec));
}

TimerId Loop::CallAt(MonoTime when, std::function<void()> call) {
  const TimerId id = ++last_id_;
  timers_.emplace(std::pair(when, id), std::move(call));
  timer_when_.emplace(id, when);
  return id;
}

void Loop::Cancel(TimerId timer) {
  const auto found = timer_when_.find(timer);
  if (found == timer_when_.end()) return;
  timers_.erase({found->second, timer});
  timer_when_.erase(found);
}

WatchId Loop::WatchFd(int fd, std::uint32_t events, FdCall call) {
  FENCEPOST_CHECK(fd >= 0);
  if (const auto older = watch_of_fd_.find(fd); older != watch_of_fd_.end()) Unwatch(older->second);
  const WatchId id = ++last_id_;
  auto watch = std::make_shared<Watch>(Watch{.fd = fd, .events = 0, .call = std::move(call)});
  SetMask(id, *watch, events);
  watches_.emplace(id, std::move(watch));
  watch_of_fd_.emplace(fd, id);
  return id;
}

void Loop::Rewatch(WatchId watch, std::uint32_t events) {
  const auto found = watches_.find(watch);
  FENCEPOST_CHECK(found != watches_.end());
  SetMask(watch, *found->second, events);
}

void Loop::Unwatch(WatchId watch) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  SetMask(watch, *found->second, 0);
  watch_of_fd_.erase(found->second->fd);
  watches_.erase(found);  // a call under way holds its own reference
}

void Loop::SetMask(WatchId id, Watch& watch, std::uint32_t events) {
  watch.events = events;
  epoll_event event{.events = events, .data = {.u64 = id}};
  if (events == 0) {  // the kernel may know it no longer (closed by its owner): the same to us
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch.fd, &event);
    return;
  }
  // Our record of what the kernel watches would be wrong after a dup2 or a close and open.
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watch.fd, &event) == 0) return;
  FENCEPOST_CHECK(errno == ENOENT);
  FENCEPOST_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, watch.fd, &event) == 0);
}

void Loop::OnSignal(int signal, std::function<void()> call) {
  FENCEPOST_CHECK(signals_.emplace(signal, std::move(call)).second);
  const sigset_t set = SetOf(signals_);
  FENCEPOST_CHECK(sigprocmask(SIG_BLOCK, &set, nullptr) == 0);
  const int fd = signalfd(signal_fd_.get(), &set, SFD_NONBLOCK | SFD_CLOEXEC);
  FENCEPOST_CHECK(fd >= 0);
  if (signal_fd_) return;  // it was only given another set
  signal_fd_.Reset(fd);
  WatchFd(fd, EPOLLIN, [this](std::uint32_t) { ReadSignals(); });
}

void Loop::ReadSignals() {
  signalfd_siginfo info{};  // one a turn: the rest keeps the descriptor readable
  if (read(signal_fd_.get(), &info, sizeof info) != sizeof info) return;
  const auto found = signals_.find(static_cast<int>(info.ssi_signo));
  if (found != signals_.end()) found->second();
}

WatchId Loop::WatchChild(int pidfd, std::function<void()> ended) {
  const WatchId next = last_id_ + 1;  // the number that WatchFd gives
  return WatchFd(pidfd, EPOLLIN, [this, next, ended = std::move(ended)](std::uint32_t) {
    Unwatch(next);
    ended();
  });
}

void Loop::Post(std::function<void()> call) { posts_.push_back(std::move(call)); }

void Loop::Run() {
  stopped_ = false;
  while (!stopped_) {
    RunTimers();
    RunPosts();
    if (!stopped_) RunDescriptors();
  }
}

void Loop::RunTimers() {
  const MonoTime now = Now();
  due_.clear();
  for (const auto& [key, call] : timers_) {
    if (key.first > now || key.first == kNever) break;
    due_.push_back(key.second);
  }
  for (const TimerId id : due_) {
    if (stopped_) return;
    const auto found = timer_when_.find(id);
    if (found == timer_when_.end()) continue;  // cancelled by one before it
    auto timer = timers_.extract({found->second, id});
    timer_when_.erase(found);
    timer.mapped()();
  }
}

void Loop::RunPosts() {
  for (std::size_t left = posts_.size(); left > 0 && !stopped_; --left) {
    const std::function<void()> call = std::move(posts_.front());
    posts_.pop_front();
    call();
  }
}

void Loop::SetAlarm() {
  const MonoTime first = timers_.empty() ? kNever : timers_.begin()->first.first;
  if (first == alarm_) return;
  alarm_ = first;
  itimerspec spec{};  // all zero disarms, hence the past is the first nanosecond
  if (first != kNever) spec.it_value = ToTimespec(std::max(first, MonoTime(Duration(1))));
  FENCEPOST_CHECK(timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Loop::RunDescriptors() {
  SetAlarm();
  std::array<epoll_event, kMaxEventsPerTurn> events{};
  const int count =
      epoll_wait(epoll_.get(), events.data(), kMaxEventsPerTurn, posts_.empty() ? -1 : 0);
  FENCEPOST_CHECK(count >= 0 || errno == EINTR);
  for (int i = 0; i < count && !stopped_; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kTimerWatch) {
      std::uint64_t expirations = 0;
      if (read(timer_fd_.get(), &expirations, sizeof expirations) > 0) alarm_ = kNever;
      continue;
    }
    const WatchId id = event.data.u64;  // a copy: epoll_event is packed
    const auto found = watches_.find(id);
    if (found == watches_.end()) continue;  // taken back by one before it
    const std::shared_ptr<Watch> watch = found->second;
    const std::uint32_t wanted = event.events & (watch->events | EPOLLERR | EPOLLHUP);
    if (watch->events != 0 && wanted != 0) watch->call(wanted);
  }
}

}  // namespace fencepost
