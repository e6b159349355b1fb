#include "env/linux/watchdog_dev.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "base/check.h"
#include "base/text.h"

namespace fencepost {
namespace {

// Source: drivers/watchdog/softdog.c names itself so. It dies with the kernel that it should reset.
constexpr std::string_view kSoftdogIdentity = "Software Watchdog";
constexpr char kMagicClose = 'V';
constexpr std::string_view kLoadDriver = "load its driver (softdog if there is no hardware)";

}  // namespace

int WatchdogCalls::Open(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CLOEXEC);
}
int WatchdogCalls::Ioctl(int fd, unsigned long request, void* argument) {
  return ioctl(fd, request, argument);
}
ssize_t WatchdogCalls::Write(int fd, char byte) { return write(fd, &byte, 1); }
int WatchdogCalls::Close(int fd) { return close(fd); }

WatchdogCalls& SystemWatchdogCalls() {
  static WatchdogCalls calls;  // stateless
  return calls;
}

WatchdogDevice::~WatchdogDevice() {
  if (fd_ >= 0) calls_.Close(fd_);
}

Status WatchdogDevice::Look() const {
  if (access(path_.c_str(), F_OK) == 0) return Ok{};
  return OsError(path_, "find the watchdog", errno, std::string(kLoadDriver));
}

Status WatchdogDevice::Arm(Duration timeout) {
  FENCEPOST_CHECK(fd_ < 0);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout).count();
  if (seconds < 1 || seconds > 65535) {
    return Error{path_, Cat("a time-out of ", timeout, " cannot be set"), "use 1 s to 65535 s"};
  }
  fd_ = calls_.Open(path_);
  if (fd_ < 0) {
    const int error = errno;
    return OsError(path_, "open the watchdog", error,
                   error == ENOENT  ? std::string(kLoadDriver)
                   : error == EBUSY ? "stop the other program that feeds it"
                                    : "");
  }
  // Opening has started it: from here on every failure must also stop it.
  const Status configured = Configure(static_cast<int>(seconds));
  if (!configured) OrderlyClose();
  return configured;
}

Status WatchdogDevice::Configure(int seconds) {
  watchdog_info info{};
  if (calls_.Ioctl(fd_, WDIOC_GETSUPPORT, &info) != 0) {
    return OsError(path_, "ask what it is", errno, "is it a watchdog device?");
  }
  const auto* name = reinterpret_cast<const char*>(info.identity);
  identity_.assign(name, strnlen(name, sizeof info.identity));
  hardware_ = !identity_.empty() && identity_ != kSoftdogIdentity;
  if ((info.options & WDIOF_MAGICCLOSE) == 0) {
    return Error{path_, Cat("the driver of '", identity_, "' stops when its file is closed"),
                 "a crash of the daemon would disarm it: use another watchdog"};
  }
  if (calls_.Ioctl(fd_, WDIOC_SETTIMEOUT, &seconds) != 0) {
    return OsError(path_, Cat("set a time-out of ", seconds, " s"), errno,
                   Cat("configure one that '", identity_, "' can do"));
  }
  int actual = 0;
  if (calls_.Ioctl(fd_, WDIOC_GETTIMEOUT, &actual) != 0 || actual < 1) {
    return OsError(path_, "read back its time-out", errno, "use another watchdog");
  }
  timeout_ = std::chrono::seconds(actual);
  return Ok{};
}

void WatchdogDevice::OrderlyClose() {
  calls_.Write(fd_, kMagicClose);
  calls_.Close(fd_);
  fd_ = -1;
}

void WatchdogDevice::Feed() {
  // A failure needs no handling: an unfed watchdog does what it is for.
  if (fd_ >= 0) calls_.Ioctl(fd_, WDIOC_KEEPALIVE, nullptr);
}

Status WatchdogDevice::Disarm() {
  if (fd_ < 0) return Ok{};
  int off = WDIOS_DISABLECARD;
  // Closing would not tell whether it stopped; this call does, and refuses under nowayout.
  if (calls_.Ioctl(fd_, WDIOC_SETOPTIONS, &off) != 0) {
    const int error = errno;
    return OsError(path_, "stop the watchdog", error,
                   error == EBUSY ? "its driver was loaded with nowayout: keep feeding it, or "
                                    "let it reset the node"
                                  : "keep feeding it");
  }
  OrderlyClose();
  return Ok{};
}

}  // namespace fencepost
