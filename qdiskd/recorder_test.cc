// The flight recorder: its bytes, and which of them survive what.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/crc32c.h"
#include "base/prng.h"
#include "base/text.h"
#include "qdiskd/flight_recorder.h"
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

Place At(int node, int copy) {
  return PlaceOf(kGeometry, Region::kRecorder, NodeId(static_cast<std::uint8_t>(node)), copy);
}

RecorderPage SomePage() {
  RecorderPage page{kBoot, Incarnation(3), 7, 1795239777123, {}};
  page.records = {
      {41, 1795239770000, {DecisionKind::kHolds, NodeId(), Term(18, NodeId(2)), ""}},
      {42,
       1795239771000,
       {DecisionKind::kFenceDecided, NodeId(1), Term(18, NodeId(2)), "lost, without evidence"}},
      {45,
       1795239777000,
       {DecisionKind::kFenced, NodeId(1), Term(18, NodeId(2)), "proved off by bmc-1"}}};
  return page;
}

DecodedPage Decode(ByteView unit, int node = 2, int copy = 5) {
  return DecodePage(unit, At(node, copy), kIdentity, kMac);
}

TEST(RecorderPage, IsReadBackAsItWasWritten) {
  const DecodedPage read = Decode(EncodePage(SomePage(), At(2, 5), kIdentity, kMac));
  EXPECT_EQ(read.condition, Condition::kOk);
  EXPECT_EQ(read.page, SomePage());
  EXPECT_EQ(Decode(EncodeBlank(At(2, 5), kIdentity, kMac)).condition, Condition::kBlank);
}

TEST(RecorderPage, AsManyRecordsAsThereIsRoomFor) {
  RecorderPage page = SomePage();
  page.records.clear();
  std::size_t used = 0;
  for (std::uint64_t n = 1;; ++n) {
    const Record record{n, 5, {DecisionKind::kOrders, NodeId(2), Term(), std::string(100, 'x')}};
    if (used + RecordBytes(record) > kPageRoom) break;
    used += RecordBytes(record);
    page.records.push_back(record);
  }
  EXPECT_GE(page.records.size(), 30U);
  EXPECT_EQ(Decode(EncodePage(page, At(2, 5), kIdentity, kMac)).page, page);
}

TEST(RecorderPage, WhatIsNotOursHasAName) {
  const Bytes good = EncodePage(SomePage(), At(2, 5), kIdentity, kMac);
  Bytes torn = good;
  torn[300] ^= 1;
  EXPECT_EQ(Decode(torn).condition, Condition::kBadChecksum);
  EXPECT_EQ(Decode(good, 2, 4).condition, Condition::kMisdirected);
  EXPECT_EQ(Decode(good, 3, 5).condition, Condition::kMisdirected);
  EXPECT_EQ(DecodePage(good, At(2, 5), {kIdentity.cluster, {{0xEE}}}, kMac).condition,
            Condition::kForeignDisk);
  const MacFunction other = [](ByteView) { return Mac16{9}; };
  EXPECT_EQ(DecodePage(good, At(2, 5), kIdentity, other).condition, Condition::kBadMac);
  EXPECT_EQ(Decode(Bytes(kUnitBytes, 0)).condition, Condition::kNotOurs);
  EXPECT_EQ(Decode(ByteView(good).first(100)).condition, Condition::kNotOurs);
}

// Sealed with the key, and wrong all the same: a writer's fault must not become ours.
TEST(RecorderPage, AuthenticNonsenseIsMalformed) {
  Prng rng(3);
  int malformed = 0;
  // A MAC that signs everything, so that the fields behind it are reached.
  const MacFunction any = [](ByteView) { return Mac16{}; };
  for (int i = 0; i < 20'000; ++i) {
    Bytes unit = EncodePage(SomePage(), At(2, 5), kIdentity, any);
    const int changes = 1 + static_cast<int>(rng.Below(4));
    for (int c = 0; c < changes; ++c) {
      const std::size_t at = c == 0 && rng.OneIn(8) ? 14 + rng.Below(2) : 72 + rng.Below(260);
      unit[at] = static_cast<std::uint8_t>(rng.Next());
    }
    Bytes sealed = unit;
    std::fill_n(sealed.begin() + 20, 4, std::uint8_t{0});
    const std::uint32_t crc = Crc32c(sealed);
    for (std::size_t b = 0; b < 4; ++b) {
      sealed[20 + b] = static_cast<std::uint8_t>(crc >> (8 * b));
    }
    const DecodedPage read = DecodePage(sealed, At(2, 5), kIdentity, any);
    if (read.condition == Condition::kMalformed) ++malformed;
    EXPECT_TRUE(read.condition == Condition::kOk || read.page.records.empty());
    std::uint64_t before = 0;
    for (const Record& record : read.page.records) {
      EXPECT_GT(record.number, before);
      EXPECT_LE(record.decision.text.size(), kMaxDecisionText);
      EXPECT_LE(record.decision.about.value(), kMaxNodes);
      before = record.number;
    }
  }
  EXPECT_GT(malformed, 1000);
}

TEST(RecorderPage, TheFirstVersionIsReadAndWrittenToTheByte) {
  const Bytes golden = Golden("disk-v1-recorder.txt");
  EXPECT_EQ(Decode(golden).page, SomePage());
  const Bytes now = EncodePage(SomePage(), At(2, 5), kIdentity, kMac);
  EXPECT_EQ(now, golden) << Hex(ByteView(now).first(352));
}

// A ring in memory, and what a reader of it is told.
struct Ring {
  std::vector<Bytes> units;
  Ring() {
    for (int c = 0; c < kRecorderUnits; ++c) {
      units.push_back(EncodeBlank(At(2, c), kIdentity, kMac));
    }
  }
  [[nodiscard]] std::vector<DecodedPage> Read() const {
    Bytes all;
    for (const Bytes& unit : units) all.insert(all.end(), unit.begin(), unit.end());
    return DecodeRing(all, NodeId(2), kGeometry, kIdentity, kMac);
  }
  [[nodiscard]] std::set<std::string> Texts() const {
    std::set<std::string> out;
    for (const DecodedPage& page : Read()) {
      for (const Record& record : page.page.records) out.emplace(record.decision.text);
    }
    return out;
  }
  void Put(const FlightRecorder::Write& write) {
    units[static_cast<std::size_t>(write.copy)] =
        EncodePage(write.page, At(2, write.copy), kIdentity, kMac);
  }
  void Tear(const FlightRecorder::Write& write) {
    const Bytes whole = EncodePage(write.page, At(2, write.copy), kIdentity, kMac);
    Bytes& unit = units[static_cast<std::size_t>(write.copy)];
    std::copy_n(whole.begin(), 512, unit.begin());
    unit[2000] ^= 1;  // also where old and new do not differ
  }
};

Decision Said(int number) {
  return {DecisionKind::kFenceFailed, NodeId(1), Term(), Cat("event ", number, " ", number)};
}

TEST(FlightRecorder, WithoutNewsThereIsNothingToWrite) {
  FlightRecorder recorder(kBoot, Incarnation(1));
  recorder.Load(Ring().Read());
  EXPECT_FALSE(recorder.HasNews());
  EXPECT_FALSE(recorder.Next(0));
}

TEST(FlightRecorder, TheNewestSome190StayAndTheOldestGo) {
  Ring ring;
  FlightRecorder recorder(kBoot, Incarnation(1));
  recorder.Load(ring.Read());
  for (int i = 0; i < 1000; ++i) {
    recorder.Add({DecisionKind::kOrders, NodeId(1), Term(), Cat(i, std::string(90, ' '))}, 5);
    const auto write = recorder.Next(6);
    ASSERT_TRUE(write);
    ring.Put(*write);
    recorder.Written();
  }
  EXPECT_FALSE(recorder.HasNews());
  const auto texts = ring.Texts();
  EXPECT_GE(texts.size(), 190U);
  for (int i = 999; i > 999 - 190; --i) {
    EXPECT_EQ(texts.count(Cat(i, std::string(90, ' '))), 1U) << i;
  }
}

// Writes that are torn, lost, or land though they were given up; restarts with and without them.
TEST(FlightRecorder, WhatWasWrittenOnceIsNeverLostToATornWriteOrARestart) {
  int torn = 0, restarts = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Prng rng(seed);
    Ring ring;
    std::uint64_t incarnation = 1;
    auto recorder = std::make_unique<FlightRecorder>(kBoot, Incarnation(incarnation));
    recorder->Load(ring.Read());
    std::vector<std::string> kept;  // known to be on the disk
    std::vector<std::string> waiting;
    for (int step = 0; step < 150; ++step) {
      const Decision said = Said(step);
      recorder->Add(said, static_cast<std::uint64_t>(step));
      waiting.emplace_back(said.text);
      if (rng.OneIn(3)) continue;
      const auto write = recorder->Next(1);
      ASSERT_TRUE(write);
      if (rng.OneIn(6)) {  // the session is over
        if (rng.OneIn(2)) {
          ring.Tear(*write);
          ++torn;
        } else if (rng.OneIn(2)) {
          ring.Put(*write);
        }
        recorder->Unload();
        if (rng.OneIn(3)) {
          recorder = std::make_unique<FlightRecorder>(kBoot, Incarnation(++incarnation));
          waiting.clear();
          ++restarts;
        }
        recorder->Load(ring.Read());
      } else {
        ring.Put(*write);
        recorder->Written();
        for (const Record& record : write->page.records) {
          const auto it =
              std::find(waiting.begin(), waiting.end(), std::string(record.decision.text));
          if (it == waiting.end()) continue;
          kept.push_back(*it);
          waiting.erase(it);
        }
      }
      const auto texts = ring.Texts();
      const std::size_t newest = std::min<std::size_t>(kept.size(), 40);
      for (std::size_t i = kept.size() - newest; i < kept.size(); ++i) {
        ASSERT_EQ(texts.count(kept[i]), 1U)
            << "seed " << seed << " step " << step << ": " << kept[i];
      }
    }
  }
  EXPECT_GT(torn, 300);
  EXPECT_GT(restarts, 300);
}

TEST(FlightRecorder, ANumberIsGivenOnceAlsoWhenNobodyKnowsWhetherAWriteLanded) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Prng rng(seed);
    Ring ring;
    std::map<std::uint64_t, std::string> given;
    std::map<std::string, int> times;
    FlightRecorder recorder(kBoot, Incarnation(1));
    recorder.Load(ring.Read());
    for (int i = 0; i < 100; ++i) {
      recorder.Add(Said(i), 1);
      auto write = recorder.Next(1);
      const bool lands = rng.OneIn(2), answered = lands && rng.OneIn(2);
      if (lands) ring.Put(*write);
      if (answered) {
        recorder.Written();
      } else {
        recorder.Unload();
        recorder.Load(ring.Read());
      }
      for (const DecodedPage& page : ring.Read()) {
        for (const Record& record : page.page.records) {
          const auto [known, is_new] =
              given.emplace(record.number, std::string(record.decision.text));
          ASSERT_EQ(known->second, std::string(record.decision.text)) << "seed " << seed;
          if (is_new) ++times[std::string(record.decision.text)];
        }
      }
    }
    EXPECT_GE(times.size(), 90U);
    for (const auto& [text, count] : times) EXPECT_EQ(count, 1) << text;
  }
}

TEST(FlightRecorder, StartsAlonePushNothingOut) {
  Ring ring;
  for (std::uint64_t incarnation = 1; incarnation <= 60; ++incarnation) {
    FlightRecorder recorder(kBoot, Incarnation(incarnation));
    recorder.Load(ring.Read());
    recorder.Add(Said(static_cast<int>(incarnation)), 1);
    ring.Put(*recorder.Next(1));
  }
  EXPECT_EQ(ring.Texts().size(), 60U);
}

TEST(FlightRecorder, ADiskThatIsAwayForLongCostsTheOldestAndThatIsSaid) {
  Ring ring;
  FlightRecorder recorder(kBoot, Incarnation(1));
  for (int i = 0; i < 200; ++i) recorder.Add(Said(i), 1);
  recorder.Load(ring.Read());
  while (const auto write = recorder.Next(1)) {
    ring.Put(*write);
    recorder.Written();
  }
  const auto texts = ring.Texts();
  EXPECT_EQ(texts.size(), kMaxPendingRecords);
  EXPECT_EQ(texts.count("137 records, while the disk could not be written"), 1U);
  EXPECT_EQ(texts.count("event 199 199"), 1U);
}

TEST(FlightRecorder, WhatCannotBeWrittenToTheDiskIsCutAtTheDoor) {
  Ring ring;
  FlightRecorder recorder(kBoot, Incarnation(1));
  recorder.Load(ring.Read());
  recorder.Add({DecisionKind::kFenced, NodeId(200), Term(), std::string(5000, 'x')}, 1);
  const auto write = recorder.Next(1);
  ASSERT_TRUE(write);
  ring.Put(*write);
  EXPECT_EQ(ring.Texts().count(std::string(kMaxDecisionText, 'x')), 1U);
}

}  // namespace
}  // namespace fencepost::qdiskd
