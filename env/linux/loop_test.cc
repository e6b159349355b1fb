#include "env/linux/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <string>

#include "env/linux/loop_testing.h"

namespace fencepost {
namespace {

struct Pair {  // two ends of a stream
  Pair() {
    int fds[2];
    FENCEPOST_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    near.Reset(fds[0]);
    far.Reset(fds[1]);
  }
  UniqueFd near, far;
};

void Feed(const UniqueFd& fd) { ASSERT_EQ(write(fd.get(), "x", 1), 1); }

TEST_F(LoopTest, TimersRunInOrderOfInstantAndThenOfRequest) {
  std::string order;
  const MonoTime at = loop_->Now() + Millis(5);
  loop_->CallAt(at + Millis(1), [&] { (order += 'd', loop_->Stop()); });
  loop_->CallAt(at, [&] { order += 'b'; });
  loop_->CallAt(at, [&] { order += 'c'; });
  loop_->CallAt(MonoTime(Duration(-5)), [&] { order += 'a'; });  // long past
  loop_->CallAt(kNever, [&] { order += '!'; });
  RunUntilStopped();
  EXPECT_EQ(order, "abcd");
}

TEST_F(LoopTest, ATimerIsNeverEarly) {
  const MonoTime at = loop_->Now() + Millis(3);
  MonoTime called{};
  loop_->CallAt(at, [&] {
    called = loop_->Now();
    loop_->Stop();
  });
  RunUntilStopped();
  EXPECT_GE(called, at);
}

TEST_F(LoopTest, AfterAPauseOverdueTimersKeepTheirOrderAndPrecedeDescriptors) {
  Pair pair;
  std::string order;
  const MonoTime start = loop_->Now();
  loop_->WatchFd(pair.near.get(), EPOLLIN, [&](std::uint32_t) { (order += 'f', loop_->Stop()); });
  loop_->CallAt(start + Millis(4), [&] { order += '2'; });
  loop_->CallAt(start + Millis(2), [&] { order += '1'; });
  loop_->Post([&] {  // the pause: this turn lasts beyond all instants
    Feed(pair.far);
    while (loop_->Now() < start + Millis(10)) {
    }
    loop_->Post([&] { order += 'p'; });
  });
  // Without this the turn of the pause would fetch the descriptor after its posts.
  loop_->Post([&] { loop_->Stop(); });
  RunUntilStopped();
  RunUntilStopped();
  EXPECT_EQ(order, "12pf");
}

TEST_F(LoopTest, CancelledTimersAreNotCalledAlsoWhenCancelledByAnEqualOne) {
  int calls = 0;
  const MonoTime at = loop_->Now();
  TimerId later = 0;
  loop_->CallAt(at, [&] { loop_->Cancel(later); });
  later = loop_->CallAt(at, [&] { ++calls; });
  const TimerId self = loop_->CallAt(at, [&] { loop_->Cancel(self); });
  loop_->Cancel(loop_->CallAt(at, [&] { ++calls; }));
  loop_->Cancel(0);
  RunFor(Millis(2));
  loop_->Cancel(later);
  EXPECT_EQ(calls, 0);
}

TEST_F(LoopTest, NothingIsCalledFromInsideTheCallThatAskedForIt) {
  bool inside = true, posted = false, timed = false;
  loop_->Post([&] {
    loop_->Post([&] { posted = !inside; });
    loop_->CallAt(loop_->Now() - Millis(1), [&] { timed = !inside; });
    inside = false;
  });
  RunFor(Millis(2));
  EXPECT_TRUE(posted);
  EXPECT_TRUE(timed);
}

TEST_F(LoopTest, TimersAndPostsThatRenewThemselvesDoNotStarveDescriptors) {
  Pair pair;
  Feed(pair.far);
  std::function<void()> post = [&] { loop_->Post(post); };
  std::function<void()> timer = [&] { loop_->CallAt(MonoTime{}, timer); };
  post();
  timer();
  loop_->WatchFd(pair.near.get(), EPOLLIN, [&](std::uint32_t) { loop_->Stop(); });
  RunUntilStopped();
}

TEST_F(LoopTest, ABusyDescriptorStarvesNeitherTimersNorOthers) {
  std::vector<Pair> pairs(200);  // more than one turn fetches
  std::vector<int> calls(pairs.size(), 0);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Feed(pairs[i].far);  // never read: always ready
    loop_->WatchFd(pairs[i].near.get(), EPOLLIN, [&calls, i](std::uint32_t) { ++calls[i]; });
  }
  RunFor(Millis(30));
  const auto [least, most] = std::minmax_element(calls.begin(), calls.end());
  EXPECT_GT(*least, 0);
  EXPECT_LE(*most - *least, 1) << "every one gets its turn";
}

TEST_F(LoopTest, AWatchMayTakeBackItselfAndOthersWhoseEventWasFetched) {
  Pair one, two;
  Feed(one.far);
  Feed(two.far);
  int calls = 0;
  WatchId a = 0, b = 0;
  const auto call = [&](std::uint32_t) {
    ++calls;
    loop_->Unwatch(a);
    loop_->Unwatch(b);
    EXPECT_EQ(calls, 1) << "captures live on while the call lasts";
  };
  a = loop_->WatchFd(one.near.get(), EPOLLIN, call);
  b = loop_->WatchFd(two.near.get(), EPOLLIN, call);
  RunFor(Millis(5));
  EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, AStaleEventDoesNotReachTheNextOwnerOfTheNumber) {
  Pair one, two, fresh;
  Feed(one.far);
  Feed(two.far);
  int wrong = 0, first = 0;
  WatchId a = 0, b = 0;
  // Whichever is called first closes the other and opens something quiet under its number.
  const auto replace = [&](WatchId other, UniqueFd& fd) {
    if (++first > 1) return;
    loop_->Unwatch(other);
    const int number = fd.get();
    ASSERT_EQ(dup2(fresh.near.get(), number), number);
    loop_->WatchFd(number, EPOLLIN, [&](std::uint32_t) { ++wrong; });
  };
  a = loop_->WatchFd(one.near.get(), EPOLLIN, [&](std::uint32_t) {
    loop_->Unwatch(a);
    replace(b, two.near);
  });
  b = loop_->WatchFd(two.near.get(), EPOLLIN, [&](std::uint32_t) {
    loop_->Unwatch(b);
    replace(a, one.near);
  });
  RunFor(Millis(5));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(wrong, 0);
}

TEST_F(LoopTest, TheMaskMayChangeEveryTurnAndZeroSilencesEvenAHangUp) {
  Pair pair;
  std::string order;
  WatchId watch = 0;
  watch = loop_->WatchFd(pair.near.get(), EPOLLOUT, [&](std::uint32_t events) {
    order += (events & EPOLLIN) != 0 ? 'r' : 'w';
    if (order.size() < 6) {
      Feed(pair.far);
      loop_->Rewatch(watch, order.size() % 2 == 1 ? EPOLLIN : EPOLLOUT);
      return;
    }
    loop_->Rewatch(watch, 0);
    pair.far.Reset();  // a hang-up
  });
  RunFor(Millis(5));
  EXPECT_EQ(order, "wrwrwr");
  loop_->Rewatch(watch, EPOLLIN);
  RunFor(Millis(5));
  EXPECT_GT(order.size(), 6U) << "the hang-up is told as soon as somebody wants to know";
}

TEST_F(LoopTest, RewatchFindsTheFileThatTookThePlaceOfAnother) {
  Pair before, after;
  bool called = false;
  const WatchId watch = loop_->WatchFd(before.near.get(), EPOLLIN, [&](std::uint32_t) {
    called = true;
    loop_->Stop();
  });
  ASSERT_EQ(dup2(after.near.get(), before.near.get()), before.near.get());
  loop_->Rewatch(watch, EPOLLIN);
  Feed(after.far);
  RunUntilStopped();
  EXPECT_TRUE(called);
  before.near.Reset();  // the wrong order, but nothing that libraries would not do
  loop_->Unwatch(watch);
}

TEST_F(LoopTest, StopKeepsWhatWasDueForTheNextRun) {
  std::string order;
  loop_->Post([&] { (order += 'a', loop_->Stop()); });
  loop_->Post([&] { order += 'b'; });
  loop_->CallAt(loop_->Now() + Millis(1), [&] { (order += 'c', loop_->Stop()); });
  loop_->Run();
  EXPECT_EQ(order, "a");
  RunUntilStopped();
  EXPECT_TRUE(order == "abc" || order == "acb") << order;
}

TEST_F(LoopTest, SignalsArriveFromTheLoop) {
  std::string got;
  loop_->OnSignal(SIGUSR1, [&] { got += '1'; });
  loop_->OnSignal(SIGUSR2, [&] { (got += '2', loop_->Stop()); });
  ASSERT_EQ(raise(SIGUSR1), 0);
  ASSERT_EQ(raise(SIGUSR2), 0);
  EXPECT_EQ(got, "");
  RunUntilStopped();
  EXPECT_EQ(got, "12");
}

TEST_F(LoopTest, TheEndOfAChildIsToldOnce) {
  const pid_t pid = fork();
  if (pid == 0) _exit(7);
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_TRUE(pidfd);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  int ends = 0;
  loop_->WatchChild(pidfd.get(), [&] { ++ends; });
  RunFor(Millis(5));
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(ends, 1) << "though it stays unreaped";
}

}  // namespace
}  // namespace fencepost
