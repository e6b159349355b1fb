#include "env/linux/local_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/check.h"
#include "base/text.h"

namespace fencepost {
namespace {

constexpr int kBacklog = 16;
constexpr Duration kAcceptPause = Millis(500);  // when descriptors have run out

// REQUIRES: the path fits (Open checks; a client of a longer path never connects).
sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

bool Fits(const std::string& path) { return path.size() < sizeof(sockaddr_un{}.sun_path); }

Result<UniqueFd> TakeLock(const std::string& path) {
  const std::string name = path + ".lock";
  UniqueFd lock(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return OsError(name, "create the lock", errno, "check the directory's permissions");
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return OsError(name, "lock", errno);
  return Error{path, "another daemon is serving there", "stop it first or configure another path"};
}

Status RemoveStale(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Ok{};
    return OsError(path, "look at it", errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{path, "exists and is not a socket", "move it away or configure another path"};
  }
  if (unlink(path.c_str()) != 0) return OsError(path, "remove the stale socket", errno);
  return Ok{};
}

Result<UniqueFd> Listen(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return OsError(path, "open a socket", errno);
  const sockaddr_un address = AddressOf(path);
  const mode_t before = umask(0177);  // the mode must be right from the first instant
  const int bound =
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  umask(before);
  if (bound != 0) return OsError(path, "bind", bound, "check the directory's permissions");
  if (listen(fd.get(), kBacklog) != 0) return OsError(path, "listen", errno);
  return fd;
}

}  // namespace

Result<std::unique_ptr<LocalSocketServer>> LocalSocketServer::Open(Loop& loop,
                                                                   const std::string& path) {
  if (!Fits(path) || path.empty() || path.front() != '/') {
    return Error{path, "is not an absolute path of less than 108 bytes",
                 "configure a shorter or absolute path"};
  }
  const std::string directory = path.substr(0, path.rfind('/'));
  if (!directory.empty() && mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return OsError(directory, "make the directory", errno);
  }
  Result<UniqueFd> lock = TakeLock(path);
  if (!lock) return lock.error();
  const Status removed = RemoveStale(path);
  if (!removed) return removed.error();
  Result<UniqueFd> socket = Listen(path);
  if (!socket) return socket.error();
  return std::unique_ptr<LocalSocketServer>(
      new LocalSocketServer(loop, path, std::move(*lock), std::move(*socket)));
}

LocalSocketServer::~LocalSocketServer() {
  loop_.Unwatch(watch_);
  loop_.Cancel(resume_);
  for (const auto& peer : peers_) peer.second->Abandon();
  unlink(path_.c_str());  // the lock file stays: removing it would let two daemons hold "it"
}

void LocalSocketServer::Serve(Handler handler) {
  FENCEPOST_CHECK(watch_ == 0);
  handler_ = std::move(handler);
  watch_ = loop_.WatchFd(socket_.get(), EPOLLIN, [this](std::uint32_t) { Accept(); });
}

void LocalSocketServer::Accept() {
  UniqueFd fd(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    // Out of descriptors or memory: the caller stays in the backlog, and we must not spin.
    loop_.Rewatch(watch_, 0);
    resume_ = loop_.CallAt(loop_.Now() + kAcceptPause, [this] { loop_.Rewatch(watch_, EPOLLIN); });
    return;
  }
  ucred who{};
  socklen_t size = sizeof who;
  if (peers_.size() >= kMaxLocalPeers ||
      getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
    return;  // closes it
  }
  const PeerId id = ++last_peer_;
  peers_[id] =
      SeqPacket::Start(loop_, std::move(fd),
                       {.message = [this, id](ByteView message) { handler_.message(id, message); },
                        .gone =
                            [this, id] {
                              peers_.erase(id);
                              handler_.gone(id);
                            }});
  handler_.connected(id, who.uid);
}

void LocalSocketServer::Send(PeerId peer, ByteView message) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) found->second->Send(message);
}

void LocalSocketServer::Drop(PeerId peer) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) found->second->Drop();
}

LocalSocketClient::~LocalSocketClient() {
  loop_.Cancel(timer_);
  if (connection_) connection_->Abandon();
}

void LocalSocketClient::Connect(Handler handler) {
  FENCEPOST_CHECK(timer_ == 0 && !connection_);
  handler_ = std::move(handler);
  TryAt(loop_.Now());
}

void LocalSocketClient::TryAt(MonoTime when) {
  timer_ = loop_.CallAt(when, [this] { Try(); });
}

UniqueFd LocalSocketClient::Dial() const {
  if (!Fits(path_)) return {};
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path_);
  if (fd && connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  return {};
}

void LocalSocketClient::Try() {
  UniqueFd fd = Dial();
  if (!fd) return TryAt(loop_.Now() + kLocalReconnect);
  connection_ = SeqPacket::Start(loop_, std::move(fd),
                                 {.message = [this](ByteView m) { handler_.message(m); },
                                  .gone =
                                      [this] {
                                        connection_.reset();
                                        TryAt(loop_.Now() + kLocalReconnect);
                                        handler_.gone();
                                      }});
  handler_.connected();
}

void LocalSocketClient::Send(ByteView message) {
  if (connection_) connection_->Send(message);
}

}  // namespace fencepost
