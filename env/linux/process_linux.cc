#include "env/linux/process_linux.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
extern "C" {  // glibc 2.36 declares these without C linkage
#include <sys/pidfd.h>
}

#include <array>
#include <vector>

#include "base/check.h"
#include "base/text.h"

namespace fencepost {
namespace {

constexpr std::size_t kReadChunk = 16384;
constexpr int kMaxReadsPerTurn = 8;  // a flood of output must not hold up timers
// The leader is dead: what is in the pipe is at most a pipe's size. Others may go on writing.
constexpr int kMaxFinalReads = 64;

// spawn attributes and file actions, freed on every path.
struct SpawnPlan {
  SpawnPlan() {
    FENCEPOST_CHECK(posix_spawnattr_init(&attributes) == 0);
    FENCEPOST_CHECK(posix_spawn_file_actions_init(&actions) == 0);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
};

void Isolate(SpawnPlan& plan) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  const sched_param ordinary{};
  int bad = posix_spawnattr_setflags(
      &plan.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                            POSIX_SPAWN_SETSCHEDULER);
  bad |= posix_spawnattr_setpgroup(&plan.attributes, 0);
  bad |= posix_spawnattr_setsigmask(&plan.attributes, &none);
  bad |= posix_spawnattr_setsigdefault(&plan.attributes, &all);
  bad |= posix_spawnattr_setschedpolicy(&plan.attributes, SCHED_OTHER);
  bad |= posix_spawnattr_setschedparam(&plan.attributes, &ordinary);
  FENCEPOST_CHECK(bad == 0);
}

void Redirect(SpawnPlan& plan, int in, int out, int err) {
  int bad = posix_spawn_file_actions_adddup2(&plan.actions, in, 0);
  bad |= posix_spawn_file_actions_adddup2(&plan.actions, out, 1);
  bad |= posix_spawn_file_actions_adddup2(&plan.actions, err, 2);
  bad |= posix_spawn_file_actions_addclosefrom_np(&plan.actions, 3);
  bad |= posix_spawn_file_actions_addchdir_np(&plan.actions, "/");
  FENCEPOST_CHECK(bad == 0);
}

// Not a pipe: all of it can be written at once, without waiting for a reader.
Result<UniqueFd> MemoryOf(const std::string& text) {
  UniqueFd fd(memfd_create("stdin", MFD_CLOEXEC));
  if (!fd) return OsError("standard input", "make it", errno);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = write(fd.get(), text.data() + done, text.size() - done);
    if (wrote <= 0) return OsError("standard input", "fill it", wrote == 0 ? EIO : errno);
    done += static_cast<std::size_t>(wrote);
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

// Ours is returned; theirs is for the child.
Result<UniqueFd> OutputPipe(UniqueFd& theirs) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return OsError("output pipe", "make it", errno);
  UniqueFd ours(fds[0]);
  theirs.Reset(fds[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return OsError("output pipe", "set up", errno);
  return ours;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

LinuxProcessRunner::LinuxProcessRunner(Loop& loop) : loop_(loop) {
  // Ignored, it would make the kernel reap our children before we know how they ended.
  signal(SIGCHLD, SIG_DFL);
  // A pipe that took the place of a closed standard descriptor would be overwritten in the child.
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) FENCEPOST_CHECK(open("/dev/null", O_RDWR) == fd);
  }
}

LinuxProcessRunner::~LinuxProcessRunner() {
  for (const auto& entry : children_) {
    Child& child = *entry.second;
    kill(-child.pid, SIGKILL);
    loop_.Cancel(child.timer);
    for (const WatchId watch : {child.watch, child.output.watch, child.errors.watch}) {
      loop_.Unwatch(watch);
    }
  }
}

Status LinuxProcessRunner::Spawn(const Command& command, Child& child) {
  if (command.path.empty() || command.path.front() != '/' || command.argv.empty()) {
    return Error{command.path, "is not an absolute path with arguments", "name the whole path"};
  }
  Result<UniqueFd> in = MemoryOf(command.stdin_text);
  if (!in) return in.error();
  UniqueFd out_end, err_end;
  Result<UniqueFd> out = OutputPipe(out_end);
  if (!out) return out.error();
  Result<UniqueFd> err = OutputPipe(err_end);
  if (!err) return err.error();
  SpawnPlan plan;
  Isolate(plan);
  Redirect(plan, in->get(), out_end.get(), err_end.get());
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
  const int error = posix_spawn(&child.pid, command.path.c_str(), &plan.actions, &plan.attributes,
                                Pointers(command.argv).data(), Pointers(environment).data());
  if (error != 0) {
    // The same number is given when only the interpreter of a script is missing.
    child.missing = access(command.path.c_str(), F_OK) != 0 && errno == ENOENT;
    return OsError(command.path, "start it", error);
  }
  child.pidfd.Reset(pidfd_open(child.pid, 0));
  if (!child.pidfd) {  // out of descriptors: nobody could watch it, so it must not run
    const int why = errno;
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    return OsError(command.path, "watch it", why, "raise the limit of open files");
  }
  child.output.fd = std::move(*out);
  child.errors.fd = std::move(*err);
  return Ok{};
}

ProcessId LinuxProcessRunner::Start(const Command& command, MonoTime kill_at,
                                    std::function<void(ProcessEnd)> done) {
  const ProcessId id = ++last_id_;
  auto child = std::make_unique<Child>();
  child->started = loop_.Now();
  const Status spawned =
      kill_at <= child->started
          ? Status(Error{command.path, "its time was over before it was started", ""})
          : Spawn(command, *child);
  if (!spawned) {
    ProcessEnd end;
    end.missing = child->missing;
    end.errors = spawned.error().Text();
    loop_.Post([weak = std::weak_ptr(alive_), done = std::move(done), end = std::move(end)] {
      if (!weak.expired()) done(end);
    });
    return id;
  }
  child->spare_leftovers = command.spare_leftovers;
  child->done = std::move(done);
  child->watch = loop_.WatchChild(child->pidfd.get(), [this, id] { Ended(id); });
  child->timer = loop_.CallAt(kill_at, [this, id] { Kill(id); });
  Watch(id, child->output);
  Watch(id, child->errors);
  children_.emplace(id, std::move(child));
  return id;
}

void LinuxProcessRunner::Kill(ProcessId process) {
  const auto found = children_.find(process);
  if (found == children_.end()) return;
  found->second->killing = true;
  // The leader is unreaped, so its number cannot belong to another group.
  kill(-found->second->pid, SIGKILL);
}

void LinuxProcessRunner::Watch(ProcessId id, Capture& capture) {
  capture.watch = loop_.WatchFd(capture.fd.get(), EPOLLIN, [this, id, &capture](std::uint32_t) {
    FENCEPOST_CHECK(children_.contains(id));  // it owns the capture
    for (int i = 0; i < kMaxReadsPerTurn; ++i) {
      if (!Read(capture)) return;
    }
  });
}

bool LinuxProcessRunner::Read(Capture& capture) {
  if (!capture.fd) return false;
  std::array<char, kReadChunk> chunk;
  const ssize_t size = read(capture.fd.get(), chunk.data(), chunk.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {
    loop_.Unwatch(capture.watch);
    capture.fd.Reset();
    return false;
  }
  const std::size_t count = static_cast<std::size_t>(size);
  const std::size_t kept = std::min(count, kMaxProcessOutput - capture.text.size());
  capture.text.append(chunk.data(), kept);
  capture.dropped += count - kept;
  return true;
}

void LinuxProcessRunner::Ended(ProcessId id) {
  const std::unique_ptr<Child> child = std::move(children_.extract(id).mapped());
  loop_.Cancel(child->timer);
  // Before reaping, while the number of the group is certainly its own.
  if (child->killing || !child->spare_leftovers) kill(-child->pid, SIGKILL);
  siginfo_t info{};
  const auto pidfd = static_cast<id_t>(child->pidfd.get());
  FENCEPOST_CHECK(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0);

  ProcessEnd end;
  end.started = true;
  if (info.si_code == CLD_EXITED) {
    end.exit_code = info.si_status;
  } else {
    end.signal = info.si_status;
    end.killed = child->killing;
  }
  for (Capture* capture : {&child->output, &child->errors}) {
    for (int i = 0; i < kMaxFinalReads && Read(*capture); ++i) {
    }
    loop_.Unwatch(capture->watch);
  }
  end.output = std::move(child->output.text);
  end.errors = std::move(child->errors.text);
  if (const std::uint64_t dropped = child->output.dropped + child->errors.dropped; dropped > 0) {
    end.errors += Cat("\n[", dropped, " bytes of output dropped]");
  }
  end.took = loop_.Now() - child->started;
  child->done(std::move(end));
}

}  // namespace fencepost
