#include "env/linux/facts.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include <array>
#include <cstdio>

namespace fencepost {
namespace {

struct Level {
  const char* name;
  int syslog;
};
Level LevelOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return {"debug", LOG_DEBUG};
    case Severity::kInfo:
      return {"info", LOG_INFO};
    case Severity::kNotice:
      return {"notice", LOG_NOTICE};
    case Severity::kWarning:
      return {"warning", LOG_WARNING};
    case Severity::kError:
      return {"error", LOG_ERR};
    case Severity::kCritical:
      return {"critical", LOG_CRIT};
  }
  return {"unknown", LOG_ERR};
}

std::string OneLine(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (out.size() >= kMaxFactLine) return out + "...";
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\\x" + Hex({&byte, 1});
    } else {
      out += c;
    }
  }
  return out;
}

std::string WallClock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(now.tv_nsec / 1'000'000));
  return text.data();
}

}  // namespace

void LineSink::Record(const Fact& fact) {
  if (dropped_ > 0) {
    const Fact lost = Fact{Severity::kWarning, "facts-dropped", {}}.With("count", dropped_);
    if (!Write(lost.severity, lost.Text())) {
      ++dropped_;
      return;
    }
    dropped_ = 0;
  }
  if (!Write(fact.severity, OneLine(fact.Text()))) ++dropped_;
}

bool StreamFacts::Write(Severity severity, const std::string& text) {
  // The descriptor is shared with whoever started us, so it cannot be made non-blocking; a pipe
  // that polls writable takes PIPE_BUF bytes at once, and a line is shorter.
  pollfd poller{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (poll(&poller, 1, 0) != 1 || (poller.revents & POLLOUT) == 0) return false;
  const std::string line = Cat(WallClock(), " ", LevelOf(severity).name, " ", text, "\n");
  return write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

bool SyslogFacts::Connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  socket_.Reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return socket_ &&
         connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool SyslogFacts::Write(Severity severity, const std::string& text) {
  const int priority = LOG_DAEMON | LevelOf(severity).syslog;
  const std::string line = Cat("<", priority, ">", program_, "[", getpid(), "]: ", text);
  for (int attempt = 0; attempt < 2; ++attempt) {  // once more after the log daemon's restart
    if (!socket_ && !Connect()) break;
    if (send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) >= 0) return true;
    if (errno == EAGAIN || errno == ENOBUFS) return false;
    socket_.Reset();
  }
  socket_.Reset();
  return false;
}

std::unique_ptr<FactSink> MakeFactSink(FactTarget target, const std::string& program) {
  if (target == FactTarget::kSyslog) return std::make_unique<SyslogFacts>(program);
  return std::make_unique<StreamFacts>();
}

}  // namespace fencepost
