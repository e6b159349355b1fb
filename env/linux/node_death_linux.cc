#include "env/linux/node_death_linux.h"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel
constexpr std::size_t kMaxMark = 64;

constexpr std::array kDeaths = {Death::kReset, Death::kOff, Death::kCrashdump};

std::string_view Word(Death death) {
  switch (death) {
    case Death::kReset:
      return "reset";
    case Death::kOff:
      return "off";
    case Death::kCrashdump:
      return "crashdump";
  }
  return "reset";
}

char Key(Death death) {
  return death == Death::kOff ? 'o' : death == Death::kCrashdump ? 'c' : 'b';
}

}  // namespace

bool DeathCalls::InFirstPidNamespace() {
  struct stat status {};
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kFirstPidNamespace;
}

int DeathCalls::Sysrq(char key) {
  const UniqueFd fd(open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC));
  if (!fd) return errno;
  return write(fd.get(), &key, 1) == 1 ? 0 : errno;
}

int DeathCalls::Reboot(int command) { return reboot(command) == 0 ? 0 : errno; }

DeathCalls& SystemDeathCalls() {
  static DeathCalls calls;
  return calls;
}

Status LinuxNodeDeath::Mark(const BootId& boot, Death death) {
  const std::string next = path_ + ".new";
  const std::string text = Cat(UuidText(boot.bytes), " ", Word(death), "\n");
  const UniqueFd fd(open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd) return OsError(next, "write", errno);
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return OsError(next, "write", errno);
  }
  if (rename(next.c_str(), path_.c_str()) != 0) return OsError(path_, "rename", errno);
  return Ok{};
}

std::optional<Death> LinuxNodeDeath::Marked(const BootId& boot) const {
  const UniqueFd fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? std::nullopt : std::optional(Death::kReset);
  std::array<char, kMaxMark> buffer{};
  const ssize_t size = read(fd.get(), buffer.data(), buffer.size());
  if (size < 0) return Death::kReset;
  const std::string_view text =
      Trim(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  const std::string own = UuidText(boot.bytes);
  if (text.substr(0, own.size()) != own) return std::nullopt;
  for (const Death death : kDeaths) {
    if (Trim(text.substr(own.size())) == Word(death)) return death;
  }
  return Death::kReset;
}

Status LinuxNodeDeath::Act(Death death) {
  std::string refused;
  if (calls_.InFirstPidNamespace()) {
    const int failed = calls_.Sysrq(Key(death));
    if (failed != 0) refused = Cat("sysrq: ", ErrnoText(failed), "; ");
  }
  const int failed = calls_.Reboot(death == Death::kOff ? RB_POWER_OFF : RB_AUTOBOOT);
  if (failed == 0) return Ok{};
  return Error{"this node",
               Cat("cannot bring itself down: ", refused, "reboot: ", ErrnoText(failed)),
               "take its power"};
}

}  // namespace fencepost
