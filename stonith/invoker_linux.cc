#include "stonith/invoker_linux.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/text.h"
#include "env/linux/read_file.h"

namespace fencepost::stonith {
namespace {

constexpr std::size_t kMaxNumber = 32;

std::string UserName(std::int64_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(static_cast<uid_t>(uid), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? std::string(found->pw_name) : Cat("uid ", uid);
}

// The largest uid means that nobody logged in.
std::optional<std::int64_t> ParseUid(std::string_view text) {
  return ParseInt(Trim(text), 0, std::numeric_limits<uid_t>::max() - 1);
}

std::optional<std::int64_t> LoginUid() {
  if (const auto text = ReadSmallFile("/proc/self/loginuid", kMaxNumber)) {
    if (const auto uid = ParseUid(*text)) return uid;
  }
  const char* by_sudo = getuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  return by_sudo != nullptr ? ParseUid(by_sudo) : std::nullopt;
}

}  // namespace

Invoker ThisInvoker() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::int64_t now = getuid();
  const std::int64_t login = LoginUid().value_or(now);
  const std::string user =
      login == now ? UserName(now) : Cat(UserName(login), " as ", UserName(now));
  return {host.data(), user};
}

UniqueFd StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

UniqueFd LockAlone(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file && flock(file.get(), LOCK_EX | LOCK_NB) != 0) file.Reset();
  return file;
}

}  // namespace fencepost::stonith
