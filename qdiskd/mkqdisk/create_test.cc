#include "qdiskd/mkqdisk/create.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

const DiskIdentity kIdentity = {{{0xC1}}, {{0xD1}}};

MacFunction TestMac() { return DiskMac(seal::ClusterKey(seal::ClusterKey::Secret{7})); }

Superblock SomeSuperblock() {
  Superblock s;
  s.identity = kIdentity;
  s.label = "quorum";
  s.cluster_name = "alpha";
  s.nodes = 3;
  s.cib_units = 2;
  return s;
}
const Geometry kGeometry = *Geometry::Make(3, 2);

// A disk in memory, on virtual time; it can break at a write, and somebody else may write to it.
class MemoryDisk final : public BlockDevice, public Clock {
 public:
  explicit MemoryDisk(std::uint64_t size) : medium(size, 0xAB) {}
  Bytes medium;
  int writes_left = 1'000'000;
  std::vector<std::uint64_t> written;  // offsets
  std::function<void(MemoryDisk&)> while_pausing;

  void Open(const Writer*, MonoTime, OpenDone done) override {
    Post([this, done] { done(DeviceInfo{512, medium.size(), "", ""}); });
  }
  void Read(std::uint64_t offset, std::uint32_t length, MonoTime, ReadDone done) override {
    const auto first = medium.begin() + static_cast<std::ptrdiff_t>(offset);
    Post([done, data = Bytes(first, first + length)] { done(data); });
  }
  void Write(std::uint64_t offset, Bytes data, MonoTime, WriteDone done) override {
    if (--writes_left < 0) {
      return Post([done] { done(IoError{IoKind::kUnreachable, "disk: gone"}); });
    }
    written.push_back(offset);
    std::copy(data.begin(), data.end(), medium.begin() + static_cast<std::ptrdiff_t>(offset));
    Post([done] { done(Ok{}); });
  }
  void Close() override {}
  [[nodiscard]] MonoTime Now() const override { return MonoTime{}; }
  TimerId CallAt(MonoTime, std::function<void()> call) override {
    if (while_pausing) while_pausing(*this);
    Post(std::move(call));
    return 1;
  }
  void Cancel(TimerId) override {}
  WaitingDisk Waiting() {
    return {*this, *this, {[this] { RunOne(); }, [] {}}, Millis(1)};
  }

 private:
  void Post(std::function<void()> call) { calls_.push_back(std::move(call)); }
  void RunOne() {
    const auto call = calls_.front();
    calls_.pop_front();
    call();
  }
  std::deque<std::function<void()>> calls_;
};

Result<Ok, IoError> Make(MemoryDisk& disk) {
  WaitingDisk waiting = disk.Waiting();
  return Create(waiting, SomeSuperblock(), TestMac(), [](NodeId) {});
}

Condition FoundOn(const MemoryDisk& disk) {
  const MacFunction mac = TestMac();
  return DecodeSuperblocks(ByteView(disk.medium).first(2 * kUnitBytes), &mac).condition;
}

TEST(Create, LeavesEveryRegionOfEveryNodeBlankAndNothingBehindTouched) {
  MemoryDisk disk(kGeometry.total_bytes() + kUnitBytes);
  std::vector<int> nodes;
  WaitingDisk waiting = disk.Waiting();
  ASSERT_TRUE(Create(waiting, SomeSuperblock(), TestMac(), [&](NodeId node) {
                nodes.push_back(node.value());
              }).ok());
  EXPECT_EQ(nodes, (std::vector{1, 2, 3}));
  EXPECT_EQ(FoundOn(disk), Condition::kOk);
  for (const Region region : kNodeRegions) {
    for (int n = 1; n <= 3; ++n) {
      for (int copy = 0; copy < Geometry::Copies(region); ++copy) {
        const Place place = PlaceOf(kGeometry, region, NodeId(static_cast<std::uint8_t>(n)), copy);
        const Bytes blank = EncodeBlank(place, kIdentity, TestMac());
        EXPECT_TRUE(std::equal(blank.begin(), blank.end(),
                               disk.medium.begin() + static_cast<std::ptrdiff_t>(place.offset)))
            << "region " << static_cast<int>(region) << " node " << n << " copy " << copy;
      }
    }
  }
  for (std::uint64_t i = 2 * kUnitBytes; i < 8 * kUnitBytes; ++i) ASSERT_EQ(disk.medium[i], 0);
  for (std::uint64_t i = kGeometry.total_bytes(); i < disk.medium.size(); ++i) {
    ASSERT_EQ(disk.medium[i], 0xAB);
  }
}

TEST(Create, InterruptedAnywhereItLeavesNoSuperblockOverSlotsThatAreMissing) {
  MemoryDisk whole(kGeometry.total_bytes());
  ASSERT_TRUE(Make(whole).ok());
  const int writes = static_cast<int>(whole.written.size());
  EXPECT_EQ(whole.written.front(), 0U);
  EXPECT_EQ(whole.written.back(), kUnitBytes) << "copy B is the last";
  ASSERT_GT(writes, 20);
  for (int n = 0; n < writes; ++n) {
    MemoryDisk disk(kGeometry.total_bytes());
    ASSERT_TRUE(Make(disk).ok());  // an older life of the same disk
    disk.writes_left = n;
    EXPECT_FALSE(Make(disk).ok());
    const bool superblock = FoundOn(disk) == Condition::kOk;
    EXPECT_EQ(superblock, n == 0 || n == writes - 1) << "after " << n << " writes";
  }
}

TEST(Create, WhatIsNotThereWhenReadBackIsAnError) {
  MemoryDisk disk(kGeometry.total_bytes());
  WaitingDisk waiting = disk.Waiting();
  const auto made = Create(waiting, SomeSuperblock(), TestMac(), [&](NodeId node) {
    // Somebody else writes into the slot of the node before, after it was initialised.
    if (node == NodeId(2)) {
      disk.medium[kGeometry.Offset(Region::kHeartbeat, NodeId(1), 0) + 99] ^= 1;
      disk.medium[kGeometry.Offset(Region::kHeartbeat, NodeId(1), 1) + 99] ^= 1;
    }
  });
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, IoKind::kMedium);
}

Findings Look(MemoryDisk& disk) {
  WaitingDisk waiting = disk.Waiting();
  const auto found = Examine(waiting, {512, disk.medium.size(), "", ""}, kWatch);
  EXPECT_TRUE(found.ok());
  return found.ok() ? found.value() : Findings{};
}

TEST(Examine, ADiskThatChangesWhileItIsWatchedIsAlive) {
  MemoryDisk disk(4 << 20);
  ASSERT_TRUE(Make(disk).ok());
  EXPECT_FALSE(Look(disk).living);
  disk.while_pausing = [](MemoryDisk& d) {
    Slot slot;
    slot.node = NodeId(2);
    slot.incarnation = Incarnation(1);
    slot.sequence = 1;
    const Place place = PlaceOf(kGeometry, Region::kHeartbeat, NodeId(2), 1);
    const Bytes unit = EncodeSlot(slot, place, kIdentity, TestMac());
    std::copy(unit.begin(), unit.end(),
              d.medium.begin() + static_cast<std::ptrdiff_t>(place.offset));
  };
  const Findings found = Look(disk);
  EXPECT_TRUE(found.living);
  const auto reasons = WhyNot(found, {0, kIdentity.cluster, ""});
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_NE(reasons[0].find("heartbeats"), std::string::npos);
}

TEST(Examine, ADiskThatWasNeverOursIsNotWatched) {
  MemoryDisk disk(4 << 20);
  bool paused = false;
  disk.while_pausing = [&](MemoryDisk&) { paused = true; };
  EXPECT_FALSE(Look(disk).living);
  EXPECT_FALSE(paused);
}

TEST(WhyNot, NamesEveryReason) {
  MemoryDisk disk(4 << 20);
  ASSERT_TRUE(Make(disk).ok());
  Findings found = Look(disk);
  EXPECT_TRUE(WhyNot(found, {1 << 20, kIdentity.cluster, ""}).empty());
  found.other_quorum_disk = "SBD";
  const auto reasons = WhyNot(found, {8 << 20, {{0xEE}}, "ext4 file system"});
  ASSERT_EQ(reasons.size(), 4U);
  EXPECT_EQ(reasons[0].find("it has 4194304 bytes and 8388608 are needed"), 0U) << reasons[0];
  EXPECT_EQ(reasons[1], "it is the quorum disk 'quorum' of another cluster, 'alpha'");
  EXPECT_EQ(reasons[2], "it is a quorum disk of SBD");
  EXPECT_EQ(reasons[3], "it holds ext4 file system");
}

TEST(Listing, TimesAreAsOfCtime) {
  EXPECT_EQ(TimeText(0), "Thu Jan  1 00:00:00 1970");
  EXPECT_EQ(TimeText(951782399000), "Mon Feb 28 23:59:59 2000");
  EXPECT_EQ(TimeText(951782400000), "Tue Feb 29 00:00:00 2000");
  EXPECT_EQ(TimeText(1795239777123), "Sat Nov 21 05:42:57 2026");
  EXPECT_EQ(TimeText(4107542400000), "Mon Mar  1 00:00:00 2100");
}

TEST(Listing, TextOfTheDiskCannotControlATerminal) {
  ListedDisk disk;
  disk.device = "/dev/sdq";
  disk.superblock = SomeSuperblock();
  disk.superblock.label = "q\x1b[2J\n";
  const std::string text = DiskText(disk);
  EXPECT_NE(text.find("\tLabel:                q?[2J?\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("\x1b"), std::string::npos);
}

TEST(Listing, ASlotIsToldOnlyWhenItWasWritten) {
  EXPECT_EQ(SlotText(NodeId(1), {Condition::kBlank, {}, 0}, false), "");
  Slot slot;
  slot.sequence = 9;
  slot.report.quorate = true;
  const std::string text = SlotText(NodeId(2), {Condition::kOk, slot, 0}, true);
  EXPECT_EQ(text.find("Status block for node 2\n"), 0U);
  EXPECT_NE(text.find("\tState:                Quorate\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\tLiving:               yes\n"), std::string::npos) << text;
  EXPECT_NE(SlotText(NodeId(2), {Condition::kBadMac, {}, 0}, false).find("another cluster key"),
            std::string::npos);
}

}  // namespace
}  // namespace fencepost::qdiskd::mkqdisk
