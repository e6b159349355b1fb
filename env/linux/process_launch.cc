#include "env/linux/process_launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace fencepost {
namespace {

constexpr int kFailureFd = 3;              // in the program's process, until it is the program
constexpr int kReportFd = 0, kLockFd = 1;  // in the keeper
constexpr const char* kKeeperName = "fp-keeper";
constexpr int kExitNotStarted = 127;
// Between two looks while what was killed is dying: its children come to us only then. A process
// that hangs in the kernel may take for ever, so the looks become rarer.
constexpr long kFirstLookNs = 5'000'000, kLastLookNs = 200'000'000;

// All below, up to Launch, runs after a fork: async-signal-safe calls only, nothing is allocated.

// False: see errno.
bool Isolate(const Program& program, int& failure, pid_t keeper) {
  if (setpgid(0, 0) != 0) return false;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  // A keeper that died before the call above sends no signal any more.
  if (getppid() != keeper) _exit(kExitNotStarted);
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    sigaction(number, &by_default, nullptr);  // refused for some, which cannot be changed
  }
  const sched_param ordinary{};
  if (sched_setscheduler(0, SCHED_OTHER, &ordinary) != 0) return false;
  if (dup2(program.in, 0) < 0 || dup2(program.out, 1) < 0 || dup2(program.err, 2) < 0) return false;
  if (failure != kFailureFd) {
    if (dup3(failure, kFailureFd, O_CLOEXEC) < 0) return false;
    failure = kFailureFd;
  }
  // Not left to exec, which may wait long for its file: the daemon's successor needs its devices.
  closefrom(kFailureFd + 1);
  if (chdir("/") != 0) return false;
  // Last, when no handler of the daemon can be called any more.
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

[[noreturn]] void Become(const Program& program, int failure, pid_t keeper) {
  if (Isolate(program, failure, keeper)) execve(program.path, program.argv, program.environment);
  const int why = errno;
  [[maybe_unused]] const ssize_t told = write(failure, &why, sizeof why);
  _exit(kExitNotStarted);
}

// The parent's number in /proc/N/stat: "N (name) S PARENT ...", where a name may hold anything.
pid_t ParentIn(const char* text, std::size_t size) {
  const char* at = static_cast<const char*>(memrchr(text, ')', size));
  if (at == nullptr || text + size - at < 5) return -1;
  pid_t parent = 0;
  for (at += 4; at < text + size && *at >= '0' && *at <= '9'; ++at)
    parent = parent * 10 + *at - '0';
  return parent;
}

bool IsChild(int proc, const char* number, pid_t self) {
  char path[32], text[512];
  const std::size_t length = strlen(number);
  if (length == 0 || length + sizeof "/stat" > sizeof path) return false;
  memcpy(path, number, length);
  memcpy(path + length, "/stat", sizeof "/stat");
  const int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  return size > 0 && ParentIn(text, static_cast<std::size_t>(size)) == self;
}

// A child's number is its own until we reap it. Looking at all processes: not every kernel has a
// list of children.
void KillChildren(pid_t self) {
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return;
  alignas(dirent64) char entries[4096];
  for (;;) {
    const long size = syscall(SYS_getdents64, proc, entries, sizeof entries);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
      if (!IsChild(proc, entry->d_name, self)) continue;
      pid_t pid = 0;
      for (const char* c = entry->d_name; *c >= '0' && *c <= '9'; ++c) pid = pid * 10 + *c - '0';
      kill(pid, SIGKILL);
    }
  }
  close(proc);
}

struct Kept {
  pid_t leader;
  bool ended = false;  // the leader
  int status = 0;
};

// False: there is no child any more, and so nothing of the descent.
bool Reap(Kept& kept) {
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return pid == 0;
    if (pid != kept.leader) continue;
    kept.ended = true;
    kept.status = status;
  }
}

[[noreturn]] void Keep(pid_t leader, bool spare_leftovers) {
  const pid_t self = getpid();
  sigset_t awaited;  // all signals are blocked
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  Kept kept{leader};
  bool killing = false;
  timespec between = {0, kFirstLookNs};
  while (Reap(kept)) {
    if (kept.ended && !killing) {
      if (spare_leftovers) break;
      killing = true;
    }
    if (killing) {
      if (!kept.ended) kill(-leader, SIGKILL);  // at once; unreaped, so the group is its own
      KillChildren(self);
    }
    const int got = sigtimedwait(&awaited, nullptr, killing ? &between : nullptr);
    if (killing && between.tv_nsec < kLastLookNs) between.tv_nsec += between.tv_nsec / 4;
    killing = killing || got == SIGTERM;
  }
  [[maybe_unused]] const ssize_t told = write(kReportFd, &kept.status, sizeof kept.status);
  _exit(0);
}

[[noreturn]] void BeKeeper(const Program& program, int failure, int report, pid_t parent) {
  // For people: it is not the daemon. The first argument's memory is what ps shows.
  prctl(PR_SET_NAME, kKeeperName);
  strncpy(program_invocation_name, kKeeperName, strlen(program_invocation_name));
  const bool ready = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 &&
                     prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && setpgid(0, 0) == 0;
  if (ready && getppid() != parent) _exit(kExitNotStarted);
  const pid_t self = getpid();
  const pid_t leader = ready ? fork() : -1;
  if (leader == 0) Become(program, failure, self);
  if (leader < 0) {
    const int why = errno;
    [[maybe_unused]] const ssize_t told = write(failure, &why, sizeof why);
    _exit(kExitNotStarted);
  }
  dup2(report, kReportFd);
  if (program.lock >= 0) dup2(program.lock, kLockFd);
  closefrom(program.lock >= 0 ? kLockFd + 1 : kLockFd);
  Keep(leader, program.spare_leftovers);
}

}  // namespace

int Launch(const Program& program, Keeper& keeper) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return errno;
  const UniqueFd failure(fds[0]);
  UniqueFd failure_end(fds[1]);
  if (pipe2(fds, O_CLOEXEC) != 0) return errno;
  keeper.report.Reset(fds[0]);
  const UniqueFd report_end(fds[1]);
  const pid_t self = getpid();
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);  // our handlers are not for the child
  keeper.pid = fork();
  if (keeper.pid == 0) BeKeeper(program, failure_end.get(), report_end.get(), self);
  const int no_fork = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (keeper.pid < 0) return no_fork;
  failure_end.Reset();
  int why = 0;
  ssize_t size = 0;
  do {
    size = read(failure.get(), &why, sizeof why);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof why) return 0;  // closed by exec, or killed before: its end will tell
  waitpid(keeper.pid, nullptr, 0);
  return why;
}

bool ReadReport(const Keeper& keeper, int& wait_status) {
  return read(keeper.report.get(), &wait_status, sizeof wait_status) == sizeof wait_status;
}

}  // namespace fencepost
