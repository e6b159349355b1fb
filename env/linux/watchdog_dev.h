// Watchdog by the kernel's /dev/watchdog interface.
//
// Promise: as env/watchdog.h. Arm refuses a driver that stops when its file is merely closed: the
//          death of the daemon would then end the protection. Destroying an armed watchdog leaves
//          it running: the node is reset unless another process takes over in time.
// Time:    whole seconds: Arm rounds down; the driver may set another value, see Timeout().
// Errors:  Arm and Disarm name the device, cause and remedy. After a refused Disarm the watchdog is
//          still armed and must be fed.
// Ownership: one WatchdogDevice for a device file; `calls` outlives it.
#pragma once
#include <sys/types.h>

#include <string>

#include "env/linux/unique_fd.h"
#include "env/watchdog.h"

namespace fencepost {

// The system calls, so that the protocol is testable without resetting the machine.
class WatchdogCalls {
 public:
  virtual ~WatchdogCalls() = default;
  virtual int Open(const std::string& path);
  virtual int Ioctl(int fd, unsigned long request, void* argument);
  virtual ssize_t Write(int fd, char byte);
  virtual int Close(int fd);
};
WatchdogCalls& SystemWatchdogCalls();

class WatchdogDevice final : public Watchdog {
 public:
  explicit WatchdogDevice(std::string path = "/dev/watchdog",
                          WatchdogCalls& calls = SystemWatchdogCalls())
      : path_(std::move(path)), calls_(calls) {}
  ~WatchdogDevice() override;
  WatchdogDevice(const WatchdogDevice&) = delete;
  WatchdogDevice& operator=(const WatchdogDevice&) = delete;

  Status Arm(Duration timeout) override;  // REQUIRES: not armed
  [[nodiscard]] Duration Timeout() const override { return timeout_; }
  [[nodiscard]] bool IsHardware() const override { return hardware_; }
  [[nodiscard]] std::string Identity() const override { return identity_; }
  // Whether there is a device at all; without opening it, which would start it.
  [[nodiscard]] Status Look() const;
  void Feed() override;
  Status Disarm() override;

 private:
  Status Configure(int seconds);
  void OrderlyClose();

  std::string path_;
  WatchdogCalls& calls_;
  int fd_ = -1;
  Duration timeout_{};
  bool hardware_ = false;
  std::string identity_;
};

}  // namespace fencepost
