#include "fence-agents/dummy/dummy_device.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/text.h"
#include "fence-agents/agent/run_program.h"

namespace fencepost::dummy {
namespace {

using agent::Cause;
using agent::Failure;
using agent::Phase;

class DummyDevice : public agent::SingleDevice {
 public:
  DummyDevice(std::string path, std::string type, std::int64_t sleep_range)
      : path_(std::move(path)), type_(std::move(type)), sleep_range_(sleep_range) {}

  agent::PowerResult Status(const std::string&, MonoTime deadline) override {
    const auto there = Reach(deadline);
    if (!there) return there.error();
    if (type_ == "fail") {
      return agent::Failed(Phase::kVerify, Cause::kUnclear, What(),
                           "says that its state is unknown");
    }
    return ReadState();
  }

  agent::SwitchResult Switch(const std::string&, agent::PowerState wanted, MonoTime deadline,
                             const agent::SwitchPermit& permit) override {
    const auto there = Reach(deadline);
    if (!there) return there.error();
    const auto may = permit.Check();
    if (!may) return may.error();
    if (type_ != "file") return Ok{};
    return WriteState(wanted == agent::PowerState::kOn ? "on\n" : "off\n");
  }

 private:
  [[nodiscard]] std::string What() const { return Cat("dummy device ", agent::OneLine(path_)); }

  Result<Ok, Failure> Reach(MonoTime deadline) const {
    const Failure silent =
        agent::Failed(Phase::kConnect, Cause::kUnreachable, What(), "gives no answer");
    if (type_ == "none") return silent;
    if (sleep_range_ == 0) return Ok{};
    std::uint32_t dice = 0;
    if (getrandom(&dice, sizeof dice, 0) != sizeof dice) dice = 0;
    const MonoTime until =
        agent::BoottimeNow() + Millis(1000 * (1 + static_cast<std::int64_t>(dice) % sleep_range_));
    agent::SleepUntil(std::min(until, deadline));
    if (until > deadline) return silent;
    return Ok{};
  }

  [[nodiscard]] agent::PowerResult ReadState() const {
    const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
      return Failure{Phase::kVerify,
                     Cause::kUnclear,
                     {What(), std::strerror(errno), "write on or off into the file"}};
    }
    std::array<char, 16> buffer{};
    const auto n = read(fd, buffer.data(), buffer.size());
    close(fd);
    const std::string text(
        Trim(std::string_view(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0)));
    if (text == "on") return agent::PowerState::kOn;
    if (text == "off") return agent::PowerState::kOff;
    return Failure{Phase::kVerify,
                   Cause::kUnclear,
                   {What(), Cat("holds '", agent::OneLine(text), "'"), "it must hold on or off"}};
  }

  [[nodiscard]] agent::SwitchResult WriteState(std::string_view text) const {
    const std::string next = Cat(path_, ".", getpid());
    const int fd = open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool written =
        fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (fd >= 0) close(fd);
    if (written && rename(next.c_str(), path_.c_str()) == 0) return Ok{};
    const int reason = errno;
    if (fd >= 0) unlink(next.c_str());
    return agent::Failed(Phase::kAct, Cause::kDeviceError, What(), std::strerror(reason));
  }

  std::string path_, type_;
  std::int64_t sleep_range_;
};

}  // namespace

Result<std::unique_ptr<agent::Device>, Failure> MakeDummyDevice(const agent::Values& values,
                                                                const agent::Login&) {
  const std::string path = values.Text("status_file");
  if (path.empty() || path[0] != '/') {
    return Failure{Phase::kOptions,
                   Cause::kBadOption,
                   {"option status_file", "is not an absolute path", "begin it with /"}};
  }
  const std::int64_t range =
      values.Has("random_sleep_range") ? values.Number("random_sleep_range") : 0;
  return std::unique_ptr<agent::Device>(
      std::make_unique<DummyDevice>(path, values.Text("type"), range));
}

}  // namespace fencepost::dummy
