#include "fence-agents/agent/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace fencepost::agent {
namespace {

constexpr int kExecFailed = 127;

class Fd {
 public:
  Fd() = default;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Reset(-1); }
  void Reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

bool MakePipe(Fd* read_end, Fd* write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end->Reset(ends[0]);
  write_end->Reset(ends[1]);
  return true;
}

// Pointers made before the fork: the child of a fork may not allocate.
struct ExecImage {
  explicit ExecImage(const Command& command) {
    for (const auto& [name, value] : command.environment) lines.push_back(name + "=" + value);
    for (const std::string& word : command.argv) argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& line : lines) environment.push_back(const_cast<char*>(line.c_str()));
    argv.push_back(nullptr);
    environment.push_back(nullptr);
  }
  std::vector<std::string> lines;
  std::vector<char*> argv, environment;
};

[[noreturn]] void BecomeChild(const Command& command, const ExecImage& image, pid_t parent, int in,
                              int out, int err, int report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  // Also an end of ours that happened before prctl must not leave an orphan that switches.
  if (getppid() == parent && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0) {
    execve(command.path.c_str(), image.argv.data(), image.environment.data());
  }
  const int reason = errno;
  [[maybe_unused]] const auto n = write(report, &reason, sizeof reason);
  _exit(kExecFailed);
}

// Takes what is there; false at the end of the stream.
bool Drain(int fd, std::string* to) {
  std::array<char, 4096> buffer{};
  const auto n = read(fd, buffer.data(), buffer.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const std::size_t room = kMaxProcessOutput - std::min(to->size(), kMaxProcessOutput);
  to->append(buffer.data(), std::min(static_cast<std::size_t>(n), room));
  return n > 0;
}

struct Streams {
  Fd in, out, err, pidfd;
  std::size_t written = 0;
};

void Feed(Streams* s, const std::string& text) {
  const auto n = write(s->in.get(), text.data() + s->written, text.size() - s->written);
  if (n > 0) s->written += static_cast<std::size_t>(n);
  const bool broken = n < 0 && errno != EAGAIN && errno != EINTR;
  if (broken || s->written == text.size()) s->in.Reset(-1);
}

// Returns when the leader has ended (true), or kill_at was reached or stop is readable (false).
bool Converse(Streams* s, const std::string& text, MonoTime kill_at, int stop, ProcessEnd* end) {
  for (;;) {
    std::array<pollfd, 5> polled{{{s->pidfd.get(), POLLIN, 0},
                                  {s->out.get(), POLLIN, 0},
                                  {s->err.get(), POLLIN, 0},
                                  {s->in.get(), POLLOUT, 0},
                                  {stop, POLLIN, 0}}};
    const MonoTime now = BoottimeNow();
    if (now >= kill_at) return false;
    constexpr std::int64_t kLongestWaitMs = 60'000;
    const auto wait = std::min(ToMillis(kill_at - now) + 1, kLongestWaitMs);
    if (poll(polled.data(), polled.size(), static_cast<int>(wait)) < 0 && errno != EINTR) {
      return false;
    }
    if (polled[1].revents != 0 && !Drain(s->out.get(), &end->output)) s->out.Reset(-1);
    if (polled[2].revents != 0 && !Drain(s->err.get(), &end->errors)) s->err.Reset(-1);
    if (polled[3].revents != 0) Feed(s, text);
    if (polled[0].revents != 0) return true;
    if (polled[4].revents != 0) return false;
  }
}

ProcessEnd NotStarted(const Command& command, int reason) {
  ProcessEnd end;
  end.errors = Cat(command.path, ": ", std::strerror(reason));
  return end;
}

void Reap(pid_t child, bool ended, bool spare_leftovers, ProcessEnd* end) {
  // The leader is not reaped yet, so its group number is still ours.
  if (!ended || !spare_leftovers) kill(-child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  end->killed = !ended;
  if (WIFEXITED(status)) end->exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) end->signal = WTERMSIG(status);
}

}  // namespace

MonoTime BoottimeNow() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return MonoTime(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

void SleepUntil(MonoTime when) {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  timespec t{};
  t.tv_sec = seconds.count();
  t.tv_nsec = (since - seconds).count();
  while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

bool IsReadable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return fd >= 0 && poll(&one, 1, 0) == 1;
}

ProcessEnd RunProgram(const Command& command, MonoTime kill_at, int stop) {
  signal(SIGPIPE, SIG_IGN);
  const MonoTime begun = BoottimeNow();
  const ExecImage image(command);
  Streams s;
  Fd child_in, child_out, child_err, report, child_report;
  if (!MakePipe(&child_in, &s.in) || !MakePipe(&s.out, &child_out) ||
      !MakePipe(&s.err, &child_err) || !MakePipe(&report, &child_report)) {
    return NotStarted(command, errno);
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return NotStarted(command, errno);
  if (child == 0) {
    BecomeChild(command, image, parent, child_in.get(), child_out.get(), child_err.get(),
                child_report.get());
  }
  setpgid(child, child);
  for (Fd* fd : {&child_in, &child_out, &child_err, &child_report}) fd->Reset(-1);
  int reason = 0;
  if (read(report.get(), &reason, sizeof reason) == static_cast<ssize_t>(sizeof reason)) {
    waitpid(child, nullptr, 0);
    return NotStarted(command, reason);
  }
  for (const Fd* fd : {&s.in, &s.out, &s.err}) fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  s.pidfd.Reset(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (command.stdin_text.empty()) s.in.Reset(-1);
  ProcessEnd end;
  end.started = true;
  const bool ended = s.pidfd.get() >= 0 && Converse(&s, command.stdin_text, kill_at, stop, &end);
  Reap(child, ended, command.spare_leftovers, &end);
  const auto drain_all = [](int fd, std::string* to) {
    for (std::size_t size = 0; fd >= 0 && size <= kMaxProcessOutput; size += 4096) {
      const std::size_t before = to->size();
      if (!Drain(fd, to) || to->size() == before) return;
    }
  };
  drain_all(s.out.get(), &end.output);
  drain_all(s.err.get(), &end.errors);
  end.took = BoottimeNow() - begun;
  return end;
}

}  // namespace fencepost::agent
