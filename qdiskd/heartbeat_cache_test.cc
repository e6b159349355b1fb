#include "qdiskd/heartbeat_cache.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::qdiskd {
namespace {

constexpr int kNodes = 4;
const DiskIdentity kOne = {{{1}}, {{2}}}, kOther = {{{1}}, {{3}}};

// A region that nodes, faults and mkqdisk change, and how often the cache asked for a MAC.
class World {
 public:
  World() : cache_(Counted()) { Reinitialise(kOne); }

  void Reinitialise(const DiskIdentity& identity) {
    identity_ = identity;
    region_.clear();
    for (int node = 1; node <= kNodes; ++node) {
      for (int copy = 0; copy < kCopies; ++copy) Put(EncodeBlank(At(node, copy), identity_, mac_));
    }
  }
  void Write(int node, int copy) {
    Slot slot;
    slot.node = At(node, copy).node;
    slot.incarnation = Incarnation(1);
    slot.sequence = ++sequence_;
    const Bytes unit = EncodeSlot(slot, At(node, copy), identity_, mac_);
    std::copy(unit.begin(), unit.end(), region_.begin() + OffsetOf(node, copy));
  }
  void Damage(Prng& prng) {
    region_[prng.Below(region_.size())] ^= static_cast<std::uint8_t>(1 + prng.Below(255));
  }
  void Shorten(int nodes) { region_.resize(static_cast<std::size_t>(nodes) * kPairBytes); }
  // How many MACs the cache computed; compares with what DecodeHeartbeats says.
  int Look() {
    asked_ = 0;
    const auto& got = cache_.Decode(region_, geometry_, identity_);
    const int asked = asked_;
    const auto want = DecodeHeartbeats(region_, geometry_, identity_, mac_);
    EXPECT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
      EXPECT_EQ(got[i].condition, want[i].condition) << "node " << i + 1;
      EXPECT_EQ(got[i].slot, want[i].slot) << "node " << i + 1;
      EXPECT_EQ(got[i].write_next, want[i].write_next) << "node " << i + 1;
    }
    return asked;
  }
  DiskIdentity identity_ = kOne;
  Geometry geometry_ = *Geometry::Make(kNodes, 2);

 private:
  MacFunction Counted() {
    return [this](ByteView bytes) {
      ++asked_;
      return mac_(bytes);
    };
  }
  [[nodiscard]] Place At(int node, int copy) const {
    return PlaceOf(geometry_, Region::kHeartbeat, NodeId(static_cast<std::uint8_t>(node)), copy);
  }
  static std::ptrdiff_t OffsetOf(int node, int copy) {
    return static_cast<std::ptrdiff_t>(((node - 1) * kCopies + copy) * int{kUnitBytes});
  }
  void Put(const Bytes& unit) { region_.insert(region_.end(), unit.begin(), unit.end()); }

  const MacFunction mac_ = DiskMac(seal::ClusterKey(seal::ClusterKey::Secret{9}));
  Bytes region_;
  std::uint64_t sequence_ = 0;
  int asked_ = 0;
  HeartbeatCache cache_;
};

TEST(HeartbeatCache, OnlyAPairThatChangedIsCheckedAgain) {
  World world;
  EXPECT_EQ(world.Look(), kNodes * kCopies);
  EXPECT_EQ(world.Look(), 0);
  world.Write(3, 1);
  EXPECT_EQ(world.Look(), kCopies);
  EXPECT_EQ(world.Look(), 0);
}

TEST(HeartbeatCache, AnotherIdentityOrGeometryMakesTheSameBytesNew) {
  World world;
  world.Write(1, 0);
  world.Look();
  world.identity_ = kOther;  // the bytes stay: they are foreign now
  world.Look();
  world.identity_ = kOne;
  world.Look();
  world.geometry_ = *Geometry::Make(kNodes + 1, 2);
  world.Look();
}

TEST(HeartbeatCache, SaysWhatDecodingSaysWhateverHappensToTheBytes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Prng prng(seed);
    World world;
    for (int step = 0; step < 60; ++step) {
      switch (prng.Below(8)) {
        case 0:
          world.Damage(prng);
          break;
        case 1:
          world.Reinitialise(prng.Below(2) == 0 ? kOne : kOther);
          break;
        case 2:
          world.Shorten(static_cast<int>(1 + prng.Below(2)));
          world.Look();
          world.Reinitialise(kOne);
          break;
        default:
          world.Write(static_cast<int>(1 + prng.Below(kNodes)), static_cast<int>(prng.Below(2)));
      }
      world.Look();
    }
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace fencepost::qdiskd
