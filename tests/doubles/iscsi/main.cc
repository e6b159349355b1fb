// iscsi_double: the target as a program, driven over a control socket. See tests/doubles/README.md.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <map>

#include "base/text.h"
#include "tests/doubles/iscsi/target.h"

namespace fencepost::doubles {
namespace {

constexpr std::size_t kMostLine = 4096;

// A line in, a line out, for as many as connect.
class ControlSocket {
 public:
  ControlSocket(Loop& loop, IscsiTarget& target) : loop_(loop), target_(target) {}

  Status Open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return Error{path, "is too long for a socket", ""};
    std::copy(path.begin(), path.end(), address.sun_path);
    unlink(path.c_str());
    fd_ = UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd_.get(), 4) != 0) {
      return Error{path, std::strerror(errno), ""};
    }
    loop_.WatchFd(fd_.get(), EPOLLIN, [this](std::uint32_t) { Accept(); });
    return Ok{};
  }

 private:
  struct Peer {
    UniqueFd fd;
    WatchId watch = 0;
    std::string line;
  };
  void Accept() {
    UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int number = fd.get();
    if (number < 0) return;
    Peer& peer = peers_[number];
    peer.fd = std::move(fd);
    peer.watch = loop_.WatchFd(number, EPOLLIN, [this, number](std::uint32_t) { Hear(number); });
  }
  void Hear(int number) {
    Peer& peer = peers_.at(number);
    std::array<char, 1024> buffer;
    const ssize_t got = recv(number, buffer.data(), buffer.size(), 0);
    if (got > 0) peer.line.append(buffer.data(), static_cast<std::size_t>(got));
    if (got <= 0 || peer.line.size() > kMostLine) {
      loop_.Unwatch(peer.watch);
      peers_.erase(number);
      return;
    }
    for (std::size_t end; (end = peer.line.find('\n')) != std::string::npos;) {
      const std::string answer = target_.Control(peer.line.substr(0, end)) + "\n";
      peer.line.erase(0, end + 1);
      (void)send(number, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  Loop& loop_;
  IscsiTarget& target_;
  UniqueFd fd_;
  std::map<int, Peer> peers_;
};

int Usage() {
  std::fputs(
      "usage: iscsi_double CONTROL-SOCKET [address=A] [ports=P,P...] [name=IQN]\n"
      "                    [size=BYTES] [sector=512|4096] [naa=NUMBER]\n"
      "prints the URL of each portal, then serves until SIGTERM\n",
      stderr);
  return 2;
}

bool Take(std::string_view argument, IscsiTarget::Settings& settings) {
  const std::size_t sign = argument.find('=');
  if (sign == std::string_view::npos) return false;
  const std::string_view name = argument.substr(0, sign), value = argument.substr(sign + 1);
  const auto number = ParseInt(value, 1, std::int64_t{1} << 32);
  if (name == "address")
    settings.address = value;
  else if (name == "name")
    settings.name = value;
  else if (name == "size" && number && *number % 4096 == 0)
    settings.unit.size_bytes = static_cast<std::uint64_t>(*number);
  else if (name == "sector" && (number == 512 || number == 4096))
    settings.unit.sector_bytes = static_cast<std::uint32_t>(*number);
  else if (name == "naa" && number)
    settings.unit.naa = 0x6001405000000000U + static_cast<std::uint64_t>(*number);
  else if (name == "ports") {
    settings.ports.clear();
    for (const std::string& port : Split(value, ',')) {
      const auto parsed = ParseInt(port, 0, 65535);
      if (!parsed) return false;
      settings.ports.push_back(static_cast<std::uint16_t>(*parsed));
    }
  } else
    return false;
  return true;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Usage();
  IscsiTarget::Settings settings;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!Take(arguments[i], settings)) return Usage();
  }
  const std::size_t portals = settings.ports.size();
  auto loop = Loop::Create();
  if (!loop.ok()) return 1;
  auto target = IscsiTarget::Open(**loop, std::move(settings));
  if (!target.ok()) {
    std::fprintf(stderr, "iscsi_double: %s\n", target.error().Text().c_str());
    return 1;
  }
  ControlSocket control(**loop, **target);
  const Status opened = control.Open(arguments[0]);
  if (!opened.ok()) {
    std::fprintf(stderr, "iscsi_double: %s\n", opened.error().Text().c_str());
    return 1;
  }
  for (std::size_t i = 0; i < portals; ++i) std::printf("%s\n", (*target)->Url(i).c_str());
  std::fflush(stdout);
  for (const int signal : {SIGTERM, SIGINT}) (*loop)->OnSignal(signal, [&] { (*loop)->Stop(); });
  (*loop)->Run();
  unlink(arguments[0].c_str());
  return 0;
}

}  // namespace
}  // namespace fencepost::doubles

int main(int argc, char** argv) {
  return fencepost::doubles::Main({argv + (argc > 0 ? 1 : 0), argv + argc});
}
