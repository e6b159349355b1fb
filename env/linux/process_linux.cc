#include "env/linux/process_linux.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
extern "C" {  // glibc 2.36 declares these without C linkage
#include <sys/pidfd.h>
}

#include <unistd.h>

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

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0 || errno != ENOENT; }

// Where the program is; the first place, if it is nowhere.
const std::string& PathOf(const Command& command) {
  if (Exists(command.path)) return command.path;
  for (const std::string& path : command.otherwise) {
    if (path.starts_with('/') && Exists(path)) return path;
  }
  return command.path;
}

}  // namespace

Result<UniqueFd> LockOfPrograms(const std::string& path, Duration patience) {
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return OsError(path, "open the lock", errno);
  constexpr timespec kBetweenTries = {0, 10'000'000};
  const auto tries = patience / std::chrono::milliseconds(10);
  for (int i = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK && errno != EINTR) return OsError(path, "lock it", errno);
    if (i >= tries) {
      return Error{path, "is held: a program that the daemon before had started does not end",
                   "see 'fuser -v' of this file; what hangs in the kernel ends with a reset only"};
    }
    nanosleep(&kBetweenTries, nullptr);
  }
  return lock;
}

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
    kill(child.keeper.pid, SIGTERM);
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
  const std::string& path = PathOf(command);
  Result<UniqueFd> in = MemoryOf(command.stdin_text);
  if (!in) return in.error();
  UniqueFd out_end, err_end;
  Result<UniqueFd> out = OutputPipe(out_end);
  if (!out) return out.error();
  Result<UniqueFd> err = OutputPipe(err_end);
  if (!err) return err.error();
  std::vector<std::string> environment;
  for (const auto& [name, value] : command.environment) environment.push_back(name + "=" + value);
  const std::vector<char*> arguments = Pointers(command.argv);
  const std::vector<char*> variables = Pointers(environment);
  const int error = Launch({.path = path.c_str(),
                            .argv = arguments.data(),
                            .environment = variables.data(),
                            .in = in->get(),
                            .out = out_end.get(),
                            .err = err_end.get(),
                            .spare_leftovers = command.spare_leftovers,
                            .lock = lock_.get()},
                           child.keeper);
  if (error != 0) {
    // The same number is given when only the interpreter of a script is missing.
    child.missing = !Exists(path);
    return OsError(path, "start it", error);
  }
  child.pidfd.Reset(pidfd_open(child.keeper.pid, 0));
  if (!child.pidfd) {  // out of descriptors: nobody could watch it, so it must not run
    const int why = errno;
    kill(child.keeper.pid, SIGTERM);
    waitpid(child.keeper.pid, nullptr, 0);
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
  kill(found->second->keeper.pid, SIGTERM);  // unreaped: the number is its own
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
  siginfo_t info{};
  const auto pidfd = static_cast<id_t>(child->pidfd.get());
  FENCEPOST_CHECK(waitid(P_PIDFD, pidfd, &info, WEXITED) == 0);

  ProcessEnd end;
  end.started = true;
  int status = SIGKILL;  // with its keeper, if somebody killed that
  const bool told = ReadReport(child->keeper, status);
  if (told && WIFEXITED(status)) {
    end.exit_code = WEXITSTATUS(status);
  } else {
    end.signal = WTERMSIG(status);
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
