// Unreliable messages between nodes: may be lost, repeated, delayed, reordered, forged.
//
// Promise: none but bounds: a datagram is at most kMaxDatagram bytes and arrives whole or not.
// Errors:  Send fails quietly (counted by the implementation); silence is an input to the cores.
#pragma once
#include <cstddef>
#include <functional>

#include "base/bytes.h"
#include "base/id.h"

namespace fencepost {

inline constexpr std::size_t kMaxDatagram = 8192;

class Datagram {
 public:
  virtual ~Datagram() = default;
  virtual void Send(NodeId to, ByteView bytes) = 0;
  // Who sent it is in the sealed message, not here: addresses prove nothing.
  virtual void OnReceive(std::function<void(ByteView)> receive) = 0;
};

}  // namespace fencepost
