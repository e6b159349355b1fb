#include "qdiskd/disk_format.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/prng.h"
#include "base/text.h"
#include "qdiskd/golden_testing.h"

namespace fencepost::qdiskd {
namespace {

MacFunction TestMac(std::uint8_t key) {
  seal::ClusterKey::Secret secret;
  secret.fill(key);
  return DiskMac(seal::ClusterKey(secret));
}

const MacFunction kMac = TestMac(0xFE);
const DiskIdentity kIdentity = {{{0xC1, 1, 2, 3}}, {{0xD1, 4, 5, 6}}};
const Geometry kGeometry = *Geometry::Make(4, 2);

Place At(int node, int copy) {
  return PlaceOf(kGeometry, Region::kHeartbeat, NodeId(static_cast<std::uint8_t>(node)), copy);
}

Slot WrittenSlot(int node, std::uint64_t sequence) {
  Slot s;
  s.node = NodeId(static_cast<std::uint8_t>(node));
  s.boot = {{0xB0, 0x07, 9}};
  s.incarnation = Incarnation(3);
  s.sequence = sequence;
  s.promise = Term(18, NodeId(2));
  s.held = Term(17, NodeId(2));
  s.held_boot = {{0xB0, 0x06}};
  s.conceded = Term(11, NodeId(2));
  s.report = {0b11, -7, Votes(2), true, true, true};
  s.interval = Millis(250);
  s.latency = {180, 900, 4100};
  s.wall_ms = 1795239777123;
  s.version = "0.1.0";
  return s;
}

Superblock SomeSuperblock() {
  Superblock s;
  s.identity = kIdentity;
  s.label = "quorum";
  s.cluster_name = "alpha";
  s.creator_host = "node1.example.org";
  s.created_ms = 1795239000000;
  s.sector_bytes = 512;
  s.nodes = 4;
  s.cib_units = 2;
  return s;
}

void FixCrc(Bytes& unit) {
  for (std::size_t i = 0; i < 4; ++i) unit[20 + i] = 0;
  const std::uint32_t crc = Crc32c(unit);
  for (std::size_t i = 0; i < 4; ++i) unit[20 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

DecodedSlot Decode(ByteView unit, int node, int copy) {
  return DecodeSlot(unit, At(node, copy), kIdentity, kMac);
}

TEST(Geometry, EveryPlaceIsWithinTheDiskAndNoTwoShareAByte) {
  for (const auto& [nodes, cib] : {std::pair{1, 1U}, {2, 64U}, {64, 3U}}) {
    const Geometry g = *Geometry::Make(nodes, cib);
    std::uint64_t expected = 8 * kUnitBytes;  // what is not superblock or guard, without a gap
    for (const Region region : kNodeRegions) {
      EXPECT_EQ(g.RegionOffset(region), expected);
      for (int n = 1; n <= nodes; ++n) {
        for (int c = 0; c < Geometry::Copies(region); ++c) {
          EXPECT_EQ(g.Offset(region, NodeId(static_cast<std::uint8_t>(n)), c), expected);
          expected += g.CopyBytes(region);
        }
      }
    }
    EXPECT_EQ(g.total_bytes(), expected);
  }
}

TEST(Geometry, RefusesWhatHasNoPlace) {
  EXPECT_FALSE(Geometry::Make(0).ok());
  EXPECT_FALSE(Geometry::Make(kMaxNodes + 1).ok());
  EXPECT_FALSE(Geometry::Make(2, 0).ok());
  EXPECT_FALSE(Geometry::Make(2, kMaxCibUnits + 1).ok());
  EXPECT_EQ(Geometry::Make(64)->total_bytes(), (8U + 64 * (5 * 2 + 8 + 2 * 64)) * 4096);
}

TEST(Slot, IsReadBackAsItWasWritten) {
  const Bytes unit = EncodeSlot(WrittenSlot(2, 41), At(2, 1), kIdentity, kMac);
  ASSERT_EQ(unit.size(), kUnitBytes);
  const DecodedSlot decoded = Decode(unit, 2, 1);
  EXPECT_EQ(decoded.condition, Condition::kOk);
  EXPECT_EQ(decoded.slot, WrittenSlot(2, 41));
}

TEST(Slot, AsMkqdiskLeavesItIsBlankAndZerosAreNot) {
  const DecodedSlot blank = Decode(EncodeBlank(At(3, 0), kIdentity, kMac), 3, 0);
  EXPECT_EQ(blank.condition, Condition::kBlank);
  EXPECT_TRUE(blank.slot.IsBlank());
  EXPECT_EQ(blank.slot.node, NodeId(3));
  EXPECT_EQ(Decode(Bytes(kUnitBytes, 0), 3, 0).condition, Condition::kNotOurs);
  EXPECT_EQ(Decode(Bytes(100, 0), 3, 0).condition, Condition::kNotOurs) << "a short read";
}

TEST(Slot, WhatIsNotOursHasAName) {
  const Slot slot = WrittenSlot(2, 41);
  const auto decode = [](const Bytes& unit) { return Decode(unit, 2, 0).condition; };
  const Bytes good = EncodeSlot(slot, At(2, 0), kIdentity, kMac);
  EXPECT_EQ(decode(good), Condition::kOk);

  Bytes torn = good;
  torn[700] = 1;
  EXPECT_EQ(decode(torn), Condition::kBadChecksum);

  Bytes later = good;
  later[8] = 2;
  FixCrc(later);
  EXPECT_EQ(decode(later), Condition::kUnsupportedVersion);

  EXPECT_EQ(decode(EncodeSlot(slot, At(2, 0), {{{9}}, kIdentity.disk}, kMac)),
            Condition::kForeignCluster);
  EXPECT_EQ(decode(EncodeSlot(slot, At(2, 0), {kIdentity.cluster, {{9}}}, kMac)),
            Condition::kForeignDisk);
  EXPECT_EQ(decode(EncodeSlot(slot, At(2, 0), kIdentity, TestMac(0xFF))), Condition::kBadMac);
  Bytes forged = good;
  forged[96] = 99;  // a later sequence
  FixCrc(forged);
  EXPECT_EQ(decode(forged), Condition::kBadMac);

  EXPECT_EQ(decode(EncodeSlot(slot, At(2, 1), kIdentity, kMac)), Condition::kMisdirected);
  EXPECT_EQ(decode(EncodeSlot(WrittenSlot(1, 41), At(1, 0), kIdentity, kMac)),
            Condition::kMisdirected);
  EXPECT_EQ(
      decode(EncodeBlank(PlaceOf(kGeometry, Region::kDecision, NodeId(2), 0), kIdentity, kMac)),
      Condition::kMisdirected);
}

TEST(Slot, AuthenticButOutOfRangeIsMalformed) {
  Bytes unit = EncodeSlot(WrittenSlot(2, 41), At(2, 0), kIdentity, kMac);
  const auto reseal = [&] {
    std::fill_n(unit.begin() + 20, 20, std::uint8_t{0});
    const Mac16 code = kMac(unit);
    std::copy(code.begin(), code.end(), unit.begin() + 24);
    FixCrc(unit);
  };
  reseal();
  EXPECT_EQ(Decode(unit, 2, 0).condition, Condition::kOk) << "the test seals as the format does";
  Bytes kept = unit;
  unit[191] = 0xFF;  // highest byte of the interval
  reseal();
  EXPECT_EQ(Decode(unit, 2, 0).condition, Condition::kMalformed);
  unit = kept;
  unit[14] = 100;  // shorter than v1.0
  unit[15] = 0;
  reseal();
  EXPECT_EQ(Decode(unit, 2, 0).condition, Condition::kMalformed);
}

TEST(Slot, RandomAndChangedUnitsAreNeverReadable) {
  Prng random(2026);
  const Bytes good = EncodeSlot(WrittenSlot(2, 41), At(2, 0), kIdentity, kMac);
  for (int i = 0; i < 100'000; ++i) {
    Bytes unit = good;
    const std::uint64_t changes = 1 + random.Below(4);
    for (std::uint64_t c = 0; c < changes; ++c) {
      const bool in_fields = random.OneIn(2);
      unit[random.Below(in_fields ? 208 : kUnitBytes)] ^=
          static_cast<std::uint8_t>(1 + random.Below(255));
    }
    if (unit == good) continue;         // two changes that undid each other
    if (random.OneIn(2)) FixCrc(unit);  // an enemy without the key can do that
    if (random.OneIn(50)) unit.resize(random.Below(kUnitBytes));
    if (unit == good) continue;  // only the checksum had been changed
    ASSERT_FALSE(IsReadable(Decode(unit, 2, 0).condition)) << "change " << i;
  }
  for (int i = 0; i < 2'000; ++i) {
    Bytes unit(kUnitBytes);
    for (auto& b : unit) b = static_cast<std::uint8_t>(random.Next());
    if (random.OneIn(2)) std::copy_n(good.begin(), 8 + random.Below(64), unit.begin());
    if (random.OneIn(2)) FixCrc(unit);
    ASSERT_FALSE(IsReadable(Decode(unit, 2, 0).condition));
    ASSERT_NE(DecodeSuperblock(unit, 0, nullptr).condition, Condition::kOk);
  }
}

TEST(Pair, TheNewestReadableCopyWinsAndTheOtherIsWrittenNext) {
  const auto ok = [](std::uint64_t sequence) {
    return DecodedSlot{Condition::kOk, WrittenSlot(2, sequence)};
  };
  const auto bad = [](Condition condition) { return DecodedSlot{condition, {}}; };
  Slot blank_slot;
  blank_slot.node = NodeId(2);
  const DecodedSlot blank{Condition::kBlank, blank_slot};
  DecodedSlot restarted = ok(1);
  restarted.slot.incarnation = Incarnation(4);
  struct Case {
    const char* name;
    DecodedSlot a, b;
    Condition condition;
    std::uint64_t sequence;
    int write_next;
  };
  const Case cases[] = {
      {"B is newer", ok(41), ok(42), Condition::kOk, 42, 0},
      {"A is newer", ok(43), ok(42), Condition::kOk, 43, 1},
      {"a new incarnation beats a high sequence", restarted, ok(900), Condition::kOk, 1, 1},
      {"both blank", blank, blank, Condition::kBlank, 0, 1},
      {"first write", blank, ok(1), Condition::kOk, 1, 0},
      {"A is torn", bad(Condition::kBadChecksum), ok(42), Condition::kOk, 42, 0},
      {"B is torn", ok(41), bad(Condition::kBadChecksum), Condition::kOk, 41, 1},
      {"B is destroyed", ok(41), bad(Condition::kNotOurs), Condition::kOk, 41, 1},
      {"first write torn", blank, bad(Condition::kBadChecksum), Condition::kBlank, 0, 1},
  };
  for (const Case& c : cases) {
    const SlotPair pair = PickNewest(c.a, c.b);
    EXPECT_EQ(pair.condition, c.condition) << c.name;
    EXPECT_EQ(pair.slot.sequence, c.sequence) << c.name;
    EXPECT_EQ(pair.write_next, c.write_next) << c.name;
  }
}

TEST(Pair, WithoutAReadableCopyOrWithAnAlienOneIsUnreadable) {
  const DecodedSlot ok{Condition::kOk, WrittenSlot(2, 41)};
  for (const Condition alien :
       {Condition::kUnsupportedVersion, Condition::kForeignCluster, Condition::kForeignDisk,
        Condition::kBadMac, Condition::kMisdirected, Condition::kMalformed}) {
    EXPECT_EQ(PickNewest(ok, {alien, {}}).condition, alien);
    EXPECT_EQ(PickNewest({alien, {}}, ok).condition, alien);
    EXPECT_EQ(PickNewest({Condition::kBadChecksum, {}}, {alien, {}}).condition, alien);
  }
  EXPECT_EQ(PickNewest({Condition::kBadChecksum, {}}, {Condition::kNotOurs, {}}).condition,
            Condition::kBadChecksum);
  EXPECT_FALSE(IsReadable(PickNewest({}, {}).condition));
}

TEST(Heartbeats, OneReadGivesTheSlotsOfAllNodesItCovers) {
  Bytes region(kGeometry.RegionBytes(Region::kHeartbeat), 0);
  const std::uint64_t start = kGeometry.RegionOffset(Region::kHeartbeat);
  for (int node = 1; node <= 3; ++node) {
    for (int copy = 0; copy < 2; ++copy) {
      const Place place = At(node, copy);
      const Bytes unit = node == 2 && copy == 1
                             ? EncodeSlot(WrittenSlot(2, 42), place, kIdentity, kMac)
                             : EncodeBlank(place, kIdentity, kMac);
      std::copy(unit.begin(), unit.end(),
                region.begin() + static_cast<std::ptrdiff_t>(place.offset - start));
    }
  }
  const auto all = DecodeHeartbeats(region, kGeometry, kIdentity, kMac);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].condition, Condition::kBlank);
  EXPECT_EQ(all[1].slot, WrittenSlot(2, 42));
  EXPECT_EQ(all[1].write_next, 0);
  EXPECT_EQ(all[3].condition, Condition::kNotOurs) << "zeros are unreadable, not blank";
  const auto two =
      DecodeHeartbeats(ByteView(region).first(4 * kUnitBytes), kGeometry, kIdentity, kMac);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[1].slot.sequence, 42U);
}

TEST(Superblock, IsReadBackFromEitherCopy) {
  Bytes both = EncodeSuperblock(SomeSuperblock(), 0, kMac);
  const Bytes copy_b = EncodeSuperblock(SomeSuperblock(), 1, kMac);
  both.insert(both.end(), copy_b.begin(), copy_b.end());
  for (const std::size_t damaged : {std::size_t{9999}, std::size_t{100}, std::size_t{4196}}) {
    Bytes disk = both;
    if (damaged < disk.size()) disk[damaged] ^= 1;
    const DecodedSuperblock got = DecodeSuperblocks(disk, &kMac);
    EXPECT_EQ(got.condition, Condition::kOk) << damaged;
    EXPECT_EQ(got.superblock, SomeSuperblock());
    EXPECT_TRUE(got.authenticated);
  }
  const MacFunction other = TestMac(1);
  EXPECT_EQ(DecodeSuperblocks(both, &other).condition, Condition::kBadMac);
  const DecodedSuperblock listed = DecodeSuperblocks(both, nullptr);
  EXPECT_EQ(listed.condition, Condition::kOk);
  EXPECT_FALSE(listed.authenticated);
  EXPECT_EQ(DecodeSuperblocks(Bytes(2 * kUnitBytes, 0), nullptr).condition, Condition::kNotOurs);
  EXPECT_EQ(DecodeSuperblocks(Bytes(10, 0), nullptr).condition, Condition::kNotOurs);
}

TEST(Superblock, TwoValidCopiesThatDifferAndUnknownFeaturesAreRefused) {
  Bytes disk = EncodeSuperblock(SomeSuperblock(), 0, kMac);
  Superblock other = SomeSuperblock();
  other.label = "other";
  Bytes copy_b = EncodeSuperblock(other, 1, kMac);
  disk.insert(disk.end(), copy_b.begin(), copy_b.end());
  EXPECT_EQ(DecodeSuperblocks(disk, &kMac).condition, Condition::kMalformed);

  other.incompat = 1;
  EXPECT_EQ(DecodeSuperblock(EncodeSuperblock(other, 0, kMac), 0, &kMac).condition,
            Condition::kUnsupportedVersion);
  other.incompat = 0;
  other.compat = 1;
  EXPECT_EQ(DecodeSuperblock(EncodeSuperblock(other, 0, kMac), 0, &kMac).condition, Condition::kOk);
}

TEST(Explain, EveryConditionHasItsOwnSentence) {
  std::vector<std::string> seen;
  for (int i = 0; i <= static_cast<int>(Condition::kMalformed); ++i) {
    const std::string text = Explain(static_cast<Condition>(i));
    EXPECT_EQ(std::count(seen.begin(), seen.end(), text), 0) << text;
    EXPECT_NE(text, "is unknown");
    seen.push_back(text);
  }
}

TEST(Golden, DisksOfTheFirstVersionAreReadAndWrittenToTheByte) {
  const Bytes superblock = Golden("disk-v1-superblock.txt");
  EXPECT_EQ(DecodeSuperblock(superblock, 0, &kMac).superblock, SomeSuperblock());
  EXPECT_EQ(EncodeSuperblock(SomeSuperblock(), 0, kMac), superblock);

  const Bytes blank = Golden("disk-v1-blank.txt");
  EXPECT_EQ(Decode(blank, 1, 0).condition, Condition::kBlank);
  EXPECT_EQ(EncodeBlank(At(1, 0), kIdentity, kMac), blank);

  const Bytes slot = Golden("disk-v1-heartbeat.txt");
  EXPECT_EQ(Decode(slot, 2, 1).slot, WrittenSlot(2, 42));
  EXPECT_EQ(EncodeSlot(WrittenSlot(2, 42), At(2, 1), kIdentity, kMac), slot);
}

}  // namespace
}  // namespace fencepost::qdiskd
