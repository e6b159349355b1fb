// One connection of whole messages (UNIX SOCK_SEQPACKET): what LocalServer and LocalClient share.
//
// Promise: messages come in order, all that the peer sent before it left included; then gone is
//          called once. Send never blocks: what the kernel does not take waits in a queue of at
//          most kMaxLocalQueue bytes; a peer that reads too slowly for that is dropped. A message
//          longer than kMaxLocalMessage, or an empty one, is a broken peer, dropped likewise.
//          Every call back comes from the loop.
// Ownership: shared, because a callback may give up the connection that called it. After the owner
//          let go (Abandon) nothing is called.
#pragma once
#include <deque>
#include <functional>
#include <memory>

#include "env/linux/loop.h"
#include "env/local_channel.h"

namespace fencepost {

inline constexpr std::size_t kMaxLocalQueue = 1 << 20;

class SeqPacket : public std::enable_shared_from_this<SeqPacket> {
 public:
  struct Handler {
    std::function<void(ByteView)> message;
    std::function<void()> gone;
  };
  static std::shared_ptr<SeqPacket> Start(Loop& loop, UniqueFd fd, Handler handler);
  ~SeqPacket() { Hangup(); }
  SeqPacket(const SeqPacket&) = delete;
  SeqPacket& operator=(const SeqPacket&) = delete;

  void Send(ByteView message);  // REQUIRES: 1 to kMaxLocalMessage bytes
  void Drop();                  // hangs up now; gone comes from the loop
  void Abandon();               // hangs up now; nothing is called any more

 private:
  SeqPacket(Loop& loop, UniqueFd fd, Handler handler)
      : loop_(loop), fd_(std::move(fd)), handler_(std::move(handler)) {}
  void Hangup();
  void OnEvents(std::uint32_t events);
  void Read();
  void Flush();

  Loop& loop_;
  UniqueFd fd_;
  WatchId watch_ = 0;
  Handler handler_;
  bool abandoned_ = false;
  std::deque<Bytes> queue_;
  std::size_t queued_ = 0;
};

}  // namespace fencepost
