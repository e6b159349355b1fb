// Packets as they travel: sealed under the cluster key. Byte table: docs/format/wire.md.
//
// Promise: Open gives back only what Seal made under the same key for the same cluster; whatever
//          else arrives is no packet. REQUIRES: a nonce is used for one packet only.
// Errors:  an empty result: why it does not open is never known.
#pragma once
#include <optional>

#include "base/bytes.h"
#include "base/id.h"
#include "base/seal/seal.h"

namespace fencepost::daemon {

class SealedPackets {
 public:
  SealedPackets(seal::ClusterKey key, ClusterId cluster);
  [[nodiscard]] Bytes Seal(const seal::Nonce24& nonce, ByteView packet) const;
  [[nodiscard]] std::optional<Bytes> Open(ByteView datagram) const;

 private:
  seal::ClusterKey key_;
  Bytes header_;
};

}  // namespace fencepost::daemon
