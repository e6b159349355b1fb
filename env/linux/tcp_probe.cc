#include "env/linux/tcp_probe.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "base/text.h"

namespace fencepost {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address MakeAddress(const std::string& text, std::uint16_t port, const std::string& device) {
  Address out;
  if (text.find(':') != std::string::npos) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.bytes);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) v6->sin6_scope_id = if_nametoindex(device.c_str());
    out.size = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.bytes);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    inet_pton(AF_INET, text.c_str(), &v4->sin_addr);
    out.size = sizeof *v4;
  }
  return out;
}

}  // namespace

LinuxTcpProbe::~LinuxTcpProbe() {
  for (auto& [id, attempt] : attempts_) {
    loop_.Unwatch(attempt.watch);
    loop_.Cancel(attempt.timer);
  }
}

Result<UniqueFd> LinuxTcpProbe::Dial(const Route& route, std::uint16_t port) const {
  const std::string thing = Cat(route.address, " port ", port);
  const Address to = MakeAddress(route.address, port, route.device);
  UniqueFd fd(socket(to.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return OsError(thing, "open a socket", errno);
  const linger reset{1, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (!route.device.empty() &&
      setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, route.device.c_str(),
                 static_cast<socklen_t>(route.device.size() + 1)) != 0) {
    return OsError(Cat("device ", route.device), "bind to it", errno);
  }
  if (!route.source.empty()) {
    const Address from = MakeAddress(route.source, 0, route.device);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&from.bytes), from.size) != 0) {
      return OsError(Cat("source ", route.source), "bind to it", errno);
    }
  }
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.bytes), to.size) != 0 &&
      errno != EINPROGRESS) {
    return OsError(thing, "connect", errno);
  }
  return fd;
}

void LinuxTcpProbe::Connect(const Route& route, std::uint16_t port, MonoTime deadline,
                            std::function<void(Status)> done) {
  const std::uint64_t id = ++last_id_;
  const std::string thing = Cat(route.address, " port ", port);
  Result<UniqueFd> fd = attempts_.size() >= kMaxTcpProbes
                            ? Result<UniqueFd>(Error{thing, "too many connections", ""})
                            : Dial(route, port);
  Attempt& attempt = attempts_[id];
  attempt.done = std::move(done);
  if (!fd.ok()) {
    const Error error = fd.error();
    attempt.timer = loop_.CallAt(loop_.Now(), [this, id, error] { Finish(id, error); });
    return;
  }
  attempt.fd = std::move(*fd);
  attempt.timer = loop_.CallAt(deadline, [this, id, thing] {
    Finish(id, Error{thing, "no answer", ""});
  });
  attempt.watch = loop_.WatchFd(attempt.fd.get(), EPOLLOUT, [this, id, thing](std::uint32_t) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(attempts_.at(id).fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    Finish(id, error == 0 ? Status(Ok{}) : Status(OsError(thing, "connect", error)));
  });
}

void LinuxTcpProbe::Finish(std::uint64_t id, Status status) {
  auto node = attempts_.extract(id);
  Attempt& attempt = node.mapped();
  loop_.Unwatch(attempt.watch);
  loop_.Cancel(attempt.timer);
  attempt.fd.Reset();
  attempt.done(std::move(status));
}

}  // namespace fencepost
