#include "env/linux/background.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace fencepost {
namespace {

[[noreturn]] void WaitUntilReady(int fd) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(fd, &byte, 1);
  } while (got < 0 && errno == EINTR);
  _exit(got == 1 ? 0 : 1);
}

}  // namespace

Result<Background> Background::Enter() {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) {
    return OsError("background", "make a pipe", errno, "raise the limit of open files");
  }
  const UniqueFd ready_read(pipe_fds[0]);
  UniqueFd ready_write(pipe_fds[1]);
  const pid_t child = fork();
  if (child < 0) return OsError("background", "fork", errno, "raise the limit of processes");
  if (child > 0) {
    ready_write.Reset();
    WaitUntilReady(ready_read.get());
  }
  if (setsid() < 0) return OsError("background", "make a session", errno);
  if (chdir("/") != 0) return OsError("/", "go there", errno);
  return Background(std::move(ready_write));
}

void Background::Ready() {
  CloseStandardStreams();
  const char byte = 1;
  // The parent may have been killed; that is no reason for us to end.
  [[maybe_unused]] const ssize_t written = write(ready_.get(), &byte, 1);
  ready_.Reset();
}

bool CloseStandardStreams() {
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return false;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (dup2(null.get(), fd) < 0) return false;
  }
  return true;
}

}  // namespace fencepost
