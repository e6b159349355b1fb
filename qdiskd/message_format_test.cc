// Out-boxes and acknowledgements, byte for byte.
#include "qdiskd/message_format.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/prng.h"
#include "base/text.h"
#include "qdiskd/golden_testing.h"

namespace fencepost::qdiskd {
namespace {

const MacFunction kMac = [] {
  seal::ClusterKey::Secret secret;
  secret.fill(0xFE);
  return DiskMac(seal::ClusterKey(secret));
}();
const DiskIdentity kIdentity = {{{0xC1, 1, 2, 3}}, {{0xD1, 4, 5, 6}}};
const Geometry kGeometry = *Geometry::Make(4, 2);
const BootId kBoot{{0xB0, 7}};

Place At(Region region, int node, int copy) {
  return PlaceOf(kGeometry, region, NodeId(static_cast<std::uint8_t>(node)), copy);
}

Outbox SomeBox(std::uint64_t sequence = 7) {
  Outbox box{NodeId(2), kBoot, Incarnation(3), sequence, 1795239777123, {}};
  box.messages = {
      {NodeId(1), MessageKind::kReset, 12, Term(18, NodeId(2)), {{0xB1}}, Incarnation(5)},
      {NodeId(4), MessageKind::kTest, 13, Term(), {{0xB4}}, Incarnation(1)}};
  return box;
}

AckBox SomeAcks(std::uint64_t sequence = 9) {
  AckBox box{NodeId(3), kBoot, Incarnation(4), sequence, 1795239777123, {}};
  box.entries = {
      {NodeId(1), Incarnation(8), 2, MessageKind::kTest, MessagePhase::kDone, Duration()},
      {NodeId(2), Incarnation(3), 12, MessageKind::kReset, MessagePhase::kResetting,
       Millis(10'000)}};
  return box;
}

DecodedBox<Outbox> Decode(ByteView unit, int node = 2, int copy = 1) {
  return DecodeOutbox(unit, At(Region::kOutbox, node, copy), kIdentity, kMac);
}
Bytes Encode(const Outbox& box, int copy = 1) {
  return EncodeOutbox(box, At(Region::kOutbox, 2, copy), kIdentity, kMac);
}

TEST(Messages, AreReadBackAsTheyWereWritten) {
  EXPECT_EQ(Decode(Encode(SomeBox())).box, SomeBox());
  const Place place = At(Region::kAck, 3, 0);
  const auto acks =
      DecodeAckBox(EncodeAckBox(SomeAcks(), place, kIdentity, kMac), place, kIdentity, kMac);
  EXPECT_EQ(acks.condition, Condition::kOk);
  EXPECT_EQ(acks.box, SomeAcks());
  EXPECT_EQ(Decode(EncodeBlank(At(Region::kOutbox, 2, 1), kIdentity, kMac)).condition,
            Condition::kBlank);
}

TEST(Messages, OfAllNodesFitAUnit) {
  Outbox box = SomeBox();
  box.messages.clear();
  for (int n = 1; n <= kMaxNodes; ++n) {
    box.messages.push_back({NodeId(static_cast<std::uint8_t>(n)),
                            MessageKind::kOff,
                            1,
                            Term(),
                            {{1}},
                            Incarnation(1)});
  }
  EXPECT_EQ(Decode(Encode(box)).box, box);
}

TEST(Messages, WhatIsNotOursHasAName) {
  const Bytes good = Encode(SomeBox());
  Bytes torn = good;
  torn[150] ^= 1;
  EXPECT_EQ(Decode(torn).condition, Condition::kBadChecksum);
  EXPECT_EQ(Decode(good, 2, 0).condition, Condition::kMisdirected);
  EXPECT_EQ(Decode(good, 3, 1).condition, Condition::kMisdirected);
  EXPECT_EQ(DecodeAckBox(good, At(Region::kAck, 2, 1), kIdentity, kMac).condition,
            Condition::kMisdirected);
  const MacFunction other = [](ByteView) { return Mac16{9}; };
  EXPECT_EQ(DecodeOutbox(good, At(Region::kOutbox, 2, 1), kIdentity, other).condition,
            Condition::kBadMac)
      << "without the cluster key nobody shoots";
  EXPECT_EQ(Decode(Bytes(kUnitBytes, 0)).condition, Condition::kNotOurs);
}

// As if a writer with the key had written it.
Bytes Resealed(Bytes unit) {
  std::fill_n(unit.begin() + 20, 20, std::uint8_t{0});
  const Mac16 mac = kMac(unit);
  std::copy(mac.begin(), mac.end(), unit.begin() + 24);
  const std::uint32_t crc = Crc32c(unit);
  for (std::size_t i = 0; i < 4; ++i) unit[20 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  return unit;
}

TEST(Messages, HalfOfABoxIsObeyedByNobody) {
  constexpr std::size_t kFirst = 114, kSecond = kFirst + 48;
  const struct {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  } kCases[] = {
      {"a target that is named twice", kSecond, 1},
      {"out of order", kFirst, 4},
      {"no node", kFirst, 0},
      {"a node beyond the last", kSecond, 65},
      {"an unknown kind", kFirst + 1, 6},
      {"no kind", kSecond + 1, 0},
      {"no number", kSecond + 8, 0},
      {"no boot", kSecond + 24, 0},
      {"more than there are", 112, 3},
      {"far too many", 113, 1},
  };
  for (const auto& each : kCases) {
    Bytes unit = Encode(SomeBox());
    unit[each.at] = each.value;
    EXPECT_EQ(Decode(Resealed(unit)).condition, Condition::kMalformed) << each.what;
  }
}

TEST(Messages, OfATornPairTheOldBoxIsRead) {
  Bytes pair = Encode(SomeBox(6), 0);
  const Bytes b = Encode(SomeBox(7), 1);
  pair.insert(pair.end(), b.begin(), b.end());
  const auto decode = [&](const Bytes& units) {
    return DecodeOutboxPair(units, NodeId(2), kGeometry, kIdentity, kMac);
  };
  EXPECT_EQ(decode(pair).box.sequence, 7U);
  EXPECT_EQ(decode(pair).write_next, 0);
  Bytes torn = pair;
  torn[kUnitBytes + 160] ^= 0xFF;
  EXPECT_EQ(decode(torn).box.sequence, 6U);
  EXPECT_EQ(decode(torn).write_next, 1) << "the good copy is kept";
  torn[160] ^= 0xFF;
  EXPECT_FALSE(IsReadable(decode(torn).condition));
  const MacFunction other = [](ByteView) { return Mac16{9}; };
  const Bytes alien = EncodeOutbox(SomeBox(9), At(Region::kOutbox, 2, 0), kIdentity, other);
  std::copy(alien.begin(), alien.end(), pair.begin());
  EXPECT_EQ(decode(pair).condition, Condition::kBadMac) << "that one was not torn";
}

TEST(Messages, OfARegionEachNodeHasItsOwn) {
  Bytes region;
  for (int node = 1; node <= 3; ++node) {
    for (int copy = 0; copy < kCopies; ++copy) {
      AckBox box = SomeAcks(static_cast<std::uint64_t>(10 * node + copy));
      box.node = NodeId(static_cast<std::uint8_t>(node));
      const Bytes unit = EncodeAckBox(box, At(Region::kAck, node, copy), kIdentity, kMac);
      region.insert(region.end(), unit.begin(), unit.end());
    }
  }
  const auto boxes = DecodeAckBoxes(region, kGeometry, kIdentity, kMac);
  ASSERT_EQ(boxes.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(boxes[i].box.sequence, 10 * (i + 1) + 1);
}

TEST(Messages, NoBytesAreTakenForMore) {
  Prng dice(5);
  for (int round = 0; round < 3000; ++round) {
    Bytes unit = Encode(SomeBox());
    for (int i = 0; i < 4; ++i) {
      unit[dice.Below(240)] = static_cast<std::uint8_t>(dice.Below(256));
    }
    const auto decoded = Decode(Resealed(unit));
    if (decoded.condition == Condition::kOk) {
      EXPECT_EQ(Decode(Encode(decoded.box)).box, decoded.box);
    }
  }
}

TEST(Messages, AreReadAndWrittenToTheByte) {
  const Bytes box = Golden("disk-v1-outbox.txt");
  EXPECT_EQ(Decode(box).box, SomeBox());
  EXPECT_EQ(Encode(SomeBox()), box);
  const Bytes acks = Golden("disk-v1-acknowledgement.txt");
  const Place place = At(Region::kAck, 3, 0);
  EXPECT_EQ(DecodeAckBox(acks, place, kIdentity, kMac).box, SomeAcks());
  EXPECT_EQ(EncodeAckBox(SomeAcks(), place, kIdentity, kMac), acks);
}

}  // namespace
}  // namespace fencepost::qdiskd
