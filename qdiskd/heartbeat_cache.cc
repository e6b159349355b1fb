#include "qdiskd/heartbeat_cache.h"

#include <algorithm>

namespace fencepost::qdiskd {

const std::vector<SlotPair>& HeartbeatCache::Decode(ByteView region, const Geometry& geometry,
                                                    const DiskIdentity& identity) {
  if (region.size() != region_.size() || geometry_ != geometry || identity_ != identity) {
    pairs_ = DecodeHeartbeats(region, geometry, identity, mac_);
    region_.assign(region.begin(), region.end());
    geometry_ = geometry;
    identity_ = identity;
    return pairs_;
  }
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const ByteView now = region.subspan(i * kPairBytes, kPairBytes);
    const auto before = region_.begin() + static_cast<std::ptrdiff_t>(i * kPairBytes);
    if (std::equal(now.begin(), now.end(), before)) continue;
    pairs_[i] =
        DecodeHeartbeat(now, geometry, NodeId(static_cast<std::uint8_t>(i + 1)), identity, mac_);
    std::copy(now.begin(), now.end(), before);
  }
  return pairs_;
}

}  // namespace fencepost::qdiskd
