#include "env/linux/file_disk.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/text.h"
#include "env/linux/file_disk_helper.h"

namespace fencepost {
namespace {

constexpr std::size_t kReceiveBytes = 65536;  // in one turn of the loop

}  // namespace

FileDisk::FileDisk(Loop& loop, std::string path) : loop_(loop), path_(std::move(path)) {}

FileDisk::~FileDisk() {
  *alive_ = false;
  loop_.Unwatch(watch_);
  for (const auto& [id, pending] : pending_) loop_.Cancel(pending.timer);
}

void FileDisk::Open(const Writer* writer, MonoTime deadline, OpenDone done) {
  FENCEPOST_CHECK(!socket_);
  last_id_ = 0;
  const auto started = StartHelper(writer);
  Expect(0, deadline, [this, done = std::move(done), is_writer = writer != nullptr](auto reply) {
    Opened(done, is_writer, reply);
  });
  if (!started.ok()) End(started.error());
}

Result<Ok, IoError> FileDisk::StartHelper(const Writer* writer) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return IoError{IoKind::kUnreachable, Cat(path_, ": cannot make a socket: ", ErrnoText(errno))};
  }
  socket_.Reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  const pid_t pid = fork();
  if (pid == 0) RunDiskHelper({path_, writer, theirs.get()});
  if (pid < 0) {
    return IoError{IoKind::kUnreachable, Cat(path_, ": cannot fork: ", ErrnoText(errno))};
  }
  helper_pid_ = pid;
  // The watch lives on when we leave the helper behind: it is reaped whenever it ends.
  const auto pidfd = std::make_shared<UniqueFd>(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  FENCEPOST_CHECK(pidfd->get() >= 0);
  loop_.WatchChild(pidfd->get(), [pidfd, pid] {
    waitpid(pid, nullptr, 0);
    pidfd->Reset();
  });
  watch_ = loop_.WatchFd(socket_.get(), EPOLLIN, [this](std::uint32_t e) { OnSocket(e); });
  return Ok{};
}

void FileDisk::Opened(const OpenDone& done, bool writer, const Result<Bytes, IoError>& reply) {
  if (!reply.ok()) {
    const IoError error = reply.error();
    End(error);
    return done(error);
  }
  ByteReader r(reply.value());
  DeviceInfo info;
  info.sector_bytes = r.Get<std::uint32_t>();
  info.size_bytes = r.Get<std::uint64_t>();
  info.designator = r.GetText();
  FENCEPOST_CHECK(r.Done());
  if (writer) info.barrier = "lock";
  ready_ = true;
  done(std::move(info));
}

void FileDisk::Read(std::uint64_t offset, std::uint32_t length, MonoTime deadline, ReadDone done) {
  Request(kHelperRead, offset, length, {}, deadline, std::move(done));
}

void FileDisk::Write(std::uint64_t offset, Bytes data, MonoTime deadline, WriteDone done) {
  Request(kHelperWrite, offset, static_cast<std::uint32_t>(data.size()), data, deadline,
          [this, alive = alive_, done = std::move(done)](const Result<Bytes, IoError>& reply) {
            if (reply.ok()) return done(Ok{});
            const IoError error = reply.error();
            End({IoKind::kClosed, error.text});  // part of it may be on the medium
            done(error);
          });
}

void FileDisk::Request(std::uint32_t operation, std::uint64_t offset, std::uint32_t length,
                       ByteView data, MonoTime deadline, Done done) {
  FENCEPOST_CHECK(length > 0 && length <= kMaxFileDiskTransfer && offset % 512 == 0);
  if (!ready_) {
    return loop_.Post([done = std::move(done), path = path_] {
      done(IoError{IoKind::kClosed, Cat(path, ": the session is over")});
    });
  }
  const std::uint64_t id = ++last_id_;
  ByteWriter w;
  w.Put(operation);
  w.Put(length);
  w.Put(id);
  w.Put(offset);
  to_send_.insert(to_send_.end(), w.bytes().begin(), w.bytes().end());
  to_send_.insert(to_send_.end(), data.begin(), data.end());
  Expect(id, deadline, std::move(done));
  loop_.Rewatch(watch_, EPOLLIN | EPOLLOUT);
}

void FileDisk::Expect(std::uint64_t id, MonoTime deadline, Done done) {
  pending_[id] = {std::move(done), loop_.CallAt(deadline, [this, id] { TimedOut(id); })};
}

void FileDisk::OnSocket(std::uint32_t events) {
  const bool sent = (events & EPOLLOUT) == 0 || SendSome();
  const bool received = (events & ~std::uint32_t{EPOLLOUT}) == 0 || ReceiveSome();
  const auto alive = alive_;
  TellReplies();
  if (*alive && socket_ && (!sent || !received)) {
    End({IoKind::kUnreachable, Cat(path_, ": the helper process ended")});
  }
}

bool FileDisk::SendSome() {
  const ssize_t n =
      send(socket_.get(), to_send_.data(), to_send_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  to_send_.erase(to_send_.begin(), to_send_.begin() + n);
  if (to_send_.empty()) loop_.Rewatch(watch_, EPOLLIN);
  return true;
}

bool FileDisk::ReceiveSome() {
  const std::size_t before = received_.size();
  received_.resize(before + kReceiveBytes);
  const ssize_t n = recv(socket_.get(), received_.data() + before, kReceiveBytes, MSG_DONTWAIT);
  received_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void FileDisk::TellReplies() {
  const auto alive = alive_;
  while (*alive && received_.size() >= kHelperReplyBytes) {
    ByteReader r(received_);
    const auto id = r.Get<std::uint64_t>();
    const auto kind = r.Get<std::uint32_t>();
    const std::size_t length = r.Get<std::uint32_t>();
    if (r.Left() < length) return;
    Bytes payload = r.GetBytes(length);
    received_.erase(received_.begin(),
                    received_.begin() + static_cast<std::ptrdiff_t>(kHelperReplyBytes + length));
    auto answered = pending_.extract(id);
    FENCEPOST_CHECK(!answered.empty());
    loop_.Cancel(answered.mapped().timer);
    if (kind == 0) {
      answered.mapped().done(std::move(payload));
    } else {
      answered.mapped().done(
          IoError{static_cast<IoKind>(kind - 1), std::string(payload.begin(), payload.end())});
    }
  }
}

void FileDisk::TimedOut(std::uint64_t id) {
  auto late = pending_.extract(id);
  const std::string text =
      Cat(path_, ": no answer by the deadline; the device may hang (see dmesg)");
  const auto alive = alive_;
  End({IoKind::kClosed, text});
  late.mapped().done(IoError{IoKind::kTimeout, text});
}

void FileDisk::End(IoError why) {
  ready_ = false;
  loop_.Unwatch(std::exchange(watch_, 0));
  socket_.Reset();  // the helper sees that and ends, as soon as it can
  helper_pid_ = -1;
  to_send_.clear();
  received_.clear();
  for (auto& [id, pending] : std::exchange(pending_, {})) {
    loop_.Cancel(pending.timer);
    loop_.Post([alive = alive_, done = std::move(pending.done), why] {
      if (*alive) done(why);
    });
  }
}

void FileDisk::Close() { End({IoKind::kClosed, Cat(path_, ": closed")}); }

}  // namespace fencepost
