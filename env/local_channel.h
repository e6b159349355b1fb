// Whole messages between daemons and tools of one node (a UNIX SOCK_SEQPACKET socket in env/linux).
//
// Promise: messages arrive in order, whole, or the peer is gone. The server knows the user id of
//          its peer from the kernel. Messages are at most kMaxLocalMessage bytes.
// Errors:  a peer that is gone is reported once; sends to it are dropped.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/bytes.h"

namespace fencepost {

inline constexpr std::size_t kMaxLocalMessage = 65536;
using PeerId = std::uint64_t;

class LocalServer {  // listens; peers come and go
 public:
  struct Handler {
    std::function<void(PeerId, std::uint32_t user_id)> connected;
    std::function<void(PeerId, ByteView)> message;
    std::function<void(PeerId)> gone;
  };
  virtual ~LocalServer() = default;
  virtual void Serve(Handler handler) = 0;
  virtual void Send(PeerId peer, ByteView message) = 0;
  virtual void Drop(PeerId peer) = 0;
};

class LocalClient {  // one connection, made again by itself while wanted
 public:
  struct Handler {
    std::function<void()> connected;
    std::function<void(ByteView)> message;
    std::function<void()> gone;
  };
  virtual ~LocalClient() = default;
  virtual void Connect(Handler handler) = 0;
  virtual void Send(ByteView message) = 0;
};

}  // namespace fencepost
