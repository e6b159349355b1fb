#include "env/linux/seqpacket.h"

#include <sys/socket.h>

#include "base/check.h"

namespace fencepost {
namespace {

constexpr int kMaxMessagesPerTurn = 16;  // one busy peer must not hold up the others

}  // namespace

std::shared_ptr<SeqPacket> SeqPacket::Start(Loop& loop, UniqueFd fd, Handler handler) {
  std::shared_ptr<SeqPacket> self(new SeqPacket(loop, std::move(fd), std::move(handler)));
  self->watch_ = loop.WatchFd(self->fd_.get(), EPOLLIN,
                              [raw = self.get()](std::uint32_t events) { raw->OnEvents(events); });
  return self;
}

void SeqPacket::Hangup() {
  if (!fd_) return;
  loop_.Unwatch(watch_);
  fd_.Reset();
  queue_.clear();
}

void SeqPacket::Abandon() {
  abandoned_ = true;
  Hangup();
}

void SeqPacket::Drop() {
  if (!fd_) return;
  Hangup();
  loop_.Post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->abandoned_) self->handler_.gone();
  });
}

void SeqPacket::Send(ByteView message) {
  FENCEPOST_CHECK(!message.empty() && message.size() <= kMaxLocalMessage);
  if (!fd_) return;
  if (queue_.empty()) {
    const ssize_t sent =
        send(fd_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // Any other error: the peer is gone, and reading tells so after its last messages.
    if (sent >= 0 || errno != EAGAIN) return;
    loop_.Rewatch(watch_, EPOLLIN | EPOLLOUT);
  }
  queued_ += message.size();
  if (queued_ > kMaxLocalQueue) return Drop();
  queue_.emplace_back(message.begin(), message.end());
}

void SeqPacket::OnEvents(std::uint32_t events) {
  const auto self = shared_from_this();  // a handler may let go of the last other reference
  if ((events & EPOLLOUT) != 0) Flush();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) Read();
}

void SeqPacket::Flush() {
  while (fd_ && !queue_.empty()) {
    const Bytes& first = queue_.front();
    const ssize_t sent = send(fd_.get(), first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    queued_ -= first.size();
    queue_.pop_front();
  }
  if (fd_) loop_.Rewatch(watch_, EPOLLIN);
}

void SeqPacket::Read() {
  Bytes buffer(kMaxLocalMessage);
  for (int i = 0; i < kMaxMessagesPerTurn && fd_; ++i) {
    const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && errno == EAGAIN) return;
    // A reset is told before the messages that precede it: ask again.
    if (size < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    if (size <= 0 || static_cast<std::size_t>(size) > buffer.size()) return Drop();
    handler_.message(ByteView(buffer).first(static_cast<std::size_t>(size)));
  }
}

}  // namespace fencepost
