#include "fence-agents/ipmilan/event_loop.h"

#include <OpenIPMI/os_handler.h>
#include <gtest/gtest.h>
#include <sys/time.h>

#include <cerrno>

namespace fencepost::ipmilan {
namespace {

struct DueTimer {
  explicit DueTimer(os_handler_t* owner) : handler(owner) {
    timeval at_once{};
    handler->alloc_timer(handler, &id);
    handler->start_timer(handler, id, &at_once, Called, this);
  }
  ~DueTimer() { handler->free_timer(handler, id); }
  static void Called(void* context, os_hnd_timer_id_t*) {
    static_cast<DueTimer*>(context)->called = true;
  }
  os_handler_t* handler;
  os_hnd_timer_id_t* id = nullptr;
  bool called = false;
};

TEST(EventLoop, CallsATimerThatIsDue) {
  EventLoop loop;
  DueTimer timer(loop.handler());
  EXPECT_TRUE(loop.Run([&] { return timer.called; }, kNever));
}

TEST(EventLoop, CallsNothingOnceTheRightToSwitchIsOver) {
  EventLoop loop;
  DueTimer timer(loop.handler());
  loop.ForbidAfter(MonoTime());
  loop.ForbidAfter(kNever);  // a right that is over does not come back
  EXPECT_FALSE(loop.Run([&] { return timer.called; }, kNever));
  EXPECT_FALSE(timer.called);
}

TEST(EventLoop, TimersKeepTheRulesThatTheLibraryReliesOn) {
  EventLoop loop;
  DueTimer timer(loop.handler());
  timeval later{3600, 0};
  EXPECT_EQ(timer.handler->start_timer(timer.handler, timer.id, &later, DueTimer::Called, &timer),
            EBUSY);
  EXPECT_EQ(timer.handler->stop_timer(timer.handler, timer.id), 0);
  EXPECT_EQ(timer.handler->stop_timer(timer.handler, timer.id), ESRCH);
}

}  // namespace
}  // namespace fencepost::ipmilan
