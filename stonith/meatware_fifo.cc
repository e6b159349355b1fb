#include "stonith/meatware_fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "env/linux/unique_fd.h"
#include "fence-agents/agent/run_program.h"

namespace fencepost::stonith {
namespace {

constexpr std::string_view kReply = "meatware reply ";
constexpr std::int64_t kLookEveryMs = 1000;

std::string PathOf(const std::string& directory, const std::string& host) {
  return Cat(directory, "/meatware.", host);
}

std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.substr(0, kMaxReply / 3);
}

struct Removed {
  std::string path;
  ~Removed() { unlink(path.c_str()); }
};

// nullopt: it is a reply for another host, or none at all.
std::optional<OperatorReply> Understood(const std::string& text, const std::string& host) {
  const auto lines = Split(text, '\n');
  if (Trim(lines[0]) != Cat(kReply, host)) return std::nullopt;
  OperatorReply out;
  for (const std::string& line : lines) {
    if (line.starts_with("by=")) out.by = line.substr(3);
    if (line.starts_with("reason=")) out.reason = line.substr(7);
  }
  return out;
}

}  // namespace

bool IsHostName(const std::string& host) {
  return !host.empty() && host.size() <= 64 && host[0] != '.' && host[0] != '-' &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool SomebodyWaits(const std::string& directory, const std::string& host) {
  return UniqueFd(open(PathOf(directory, host).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)).get() >=
         0;
}

Result<OperatorReply> AwaitReply(const std::string& directory, const std::string& host,
                                 MonoTime limit, int stop) {
  const std::string path = PathOf(directory, host);
  if (!IsHostName(host)) return Error{host, "is no host name", "letters, digits, '.', '_', '-'"};
  if (SomebodyWaits(directory, host)) {
    return Error{path, "somebody already waits for this host", "answer with meatclient"};
  }
  unlink(path.c_str());  // of one who was killed while he waited
  if (mkfifo(path.c_str(), 0600) != 0) {
    return Error{path, Cat("cannot make a FIFO: ", std::strerror(errno)), "run as root"};
  }
  const Removed removed{path};
  const UniqueFd fifo(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (fifo.get() < 0) return Error{path, std::strerror(errno), "run as root"};
  for (;;) {
    const MonoTime now = agent::BoottimeNow();
    if (now >= limit) return Error{host, "no operator has answered", "answer with meatclient"};
    std::array<pollfd, 2> polled{{{fifo.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    const auto wait = std::min(ToMillis(limit - now) + 1, kLookEveryMs);
    if (poll(polled.data(), polled.size(), static_cast<int>(wait)) <= 0) continue;
    if (polled[1].revents != 0) return Error{host, "the wait was interrupted", ""};
    std::array<char, kMaxReply> buffer{};
    const auto n = read(fifo.get(), buffer.data(), buffer.size());
    if (n <= 0) continue;
    if (auto reply = Understood({buffer.data(), static_cast<std::size_t>(n)}, host)) return *reply;
  }
}

Status SendReply(const std::string& directory, const std::string& host,
                 const OperatorReply& reply) {
  const std::string path = PathOf(directory, host);
  const UniqueFd fifo(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat about {};
  if (fifo.get() < 0 || fstat(fifo.get(), &about) != 0 || !S_ISFIFO(about.st_mode)) {
    return Error{path, "nobody waits for a confirmation of this host", "see stonith -t meatware"};
  }
  const std::string text =
      Cat(kReply, host, "\nby=", OneLine(reply.by), "\nreason=", OneLine(reply.reason), "\n");
  if (write(fifo.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return Ok{};
  return Error{path, Cat("cannot write: ", std::strerror(errno)), ""};
}

}  // namespace fencepost::stonith
