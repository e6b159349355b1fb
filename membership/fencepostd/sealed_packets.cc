#include "membership/fencepostd/sealed_packets.h"

#include <algorithm>

namespace fencepost::daemon {
namespace {
constexpr std::uint8_t kEnvelopeVersion = 1;
constexpr std::size_t kOpenBytes = 1 + seal::kNonceBytes;  // what travels unsealed
}  // namespace

SealedPackets::SealedPackets(seal::ClusterKey key, ClusterId cluster) : key_(std::move(key)) {
  ByteWriter w;
  w.Put(kEnvelopeVersion);
  w.PutBytes(cluster.bytes);
  header_ = w.Take();
}

Bytes SealedPackets::Seal(const seal::Nonce24& nonce, ByteView packet) const {
  ByteWriter w;
  w.Put(kEnvelopeVersion);
  w.PutBytes(nonce);
  w.PutBytes(seal::Seal(key_, nonce, header_, packet));
  return w.Take();
}

std::optional<Bytes> SealedPackets::Open(ByteView datagram) const {
  if (datagram.size() < kOpenBytes || datagram[0] != kEnvelopeVersion) return std::nullopt;
  seal::Nonce24 nonce{};
  std::copy_n(datagram.begin() + 1, nonce.size(), nonce.begin());
  auto opened = seal::Open(key_, nonce, header_, datagram.subspan(kOpenBytes));
  if (!opened) return std::nullopt;
  return std::move(opened).value();
}

}  // namespace fencepost::daemon
