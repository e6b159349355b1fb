// The logic of a SCSI quorum disk against a scripted unit: no network, no clock.
#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "env/linux/iscsi_disk_barrier.h"
#include "env/linux/iscsi_disk_unit.h"

namespace fencepost {
namespace {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] MonoTime Now() const override { return now_; }
  TimerId CallAt(MonoTime when, std::function<void()> call) override {
    timers_.emplace_back(when, std::move(call));
    return timers_.size();
  }
  void Cancel(TimerId) override {}
  bool RunOne() {
    if (timers_.empty()) return false;
    auto [when, call] = timers_.front();
    timers_.pop_front();
    now_ = std::max(now_, when);
    call();
    return true;
  }

 private:
  MonoTime now_{};
  std::deque<std::pair<MonoTime, std::function<void()>>> timers_;
};

ScsiReply Status(int status, int key = 0, int ascq = 0) { return {status, key, ascq, {}}; }

// A unit with persistent reservations; what it is told to answer first goes before its own answer.
class FakeUnit final : public ScsiPort {
 public:
  static constexpr std::uint32_t kSector = 512;
  Bytes medium = Bytes(64 * kSector, 0);
  std::vector<std::uint64_t> keys;
  int type = 0;  // 0: not reserved
  bool forgets_preempt = false, has_fua = true, has_pr = true;
  std::deque<Result<ScsiReply, IoError>> first;  // answers instead, once each, to any command
  std::vector<std::string> log;

  void Send(ScsiCommand c, MonoTime, Done done) override {
    log.push_back(Name(c));
    if (!first.empty()) {
      pending_.push_back([done, reply = first.front()] { done(reply); });
      first.pop_front();
      return;
    }
    pending_.push_back([this, c, done] { done(Answer(c)); });
  }
  void ResetUnit(MonoTime, Done done) override {
    log.push_back("reset");
    pending_.push_back([done] { done(ScsiReply{}); });
  }
  void RunAll(ManualClock* clock = nullptr) {
    for (int i = 0; i < 1000; ++i) {
      if (pending_.empty() && (!clock || !clock->RunOne())) return;
      if (pending_.empty()) continue;
      const auto call = pending_.front();
      pending_.pop_front();
      call();
    }
    FAIL() << "no end";
  }
  [[nodiscard]] std::string Log() const {
    std::string all;
    for (const auto& entry : log) all += Cat(all.empty() ? "" : " ", entry);
    return all;
  }

 private:
  static std::uint64_t Number(ByteView bytes) {
    std::uint64_t value = 0;
    for (const auto b : bytes) value = value << 8 | b;
    return value;
  }
  static std::string Name(const ScsiCommand& c) {
    switch (c.cdb[0]) {
      case 0x88:
        return "read";
      case 0x8A:
        return c.cdb[1] & 8 ? "write-fua" : "write";
      case 0x91:
        return "sync";
      case 0x5E:
        return c.cdb[1] == 0 ? "keys" : "reservation";
      case 0x5F:
        return c.cdb[1] == 6 ? "register" : c.cdb[1] == 1 ? "reserve" : "preempt";
      default:
        return c.cdb[0] == 0x12 ? "inquiry" : "capacity";
    }
  }
  ScsiReply Answer(const ScsiCommand& c) {
    const ByteView cdb(c.cdb);
    const std::uint64_t at = cdb.size() >= 16 ? Number(cdb.subspan(2, 8)) * kSector : 0;
    const std::string name = Name(c);
    if (name == "read") {
      return {0, 0, 0,
              Bytes(medium.begin() + static_cast<std::ptrdiff_t>(at),
                    medium.begin() + static_cast<std::ptrdiff_t>(at + c.data_in))};
    }
    if (name == "write-fua" && !has_fua) return Status(kCheckCondition, kIllegalRequest, 0x2400);
    if (name.rfind("write", 0) == 0) {
      std::copy(c.data_out.begin(), c.data_out.end(),
                medium.begin() + static_cast<std::ptrdiff_t>(at));
      return {};
    }
    if (name == "capacity") {
      return {0, 0, 0, Bytes{0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 2, 0, 0, 0, 0, 0}};
    }
    if (name == "inquiry") {  // T10 of the unit, then NAA of the port (ignored), then NAA
      return {0, 0, 0, Bytes{0,    0x83, 0, 18, 2, 1, 0, 2, 'A', 'B',  1,
                             0x13, 0,    2, 9,  9, 1, 3, 0, 2,   0x60, 0x01}};
    }
    return name == "sync" ? ScsiReply{} : Reservation(name, c);
  }
  ScsiReply Reservation(const std::string& name, const ScsiCommand& c) {
    if (!has_pr) return Status(kCheckCondition, kIllegalRequest, 0x2000);
    if (name == "keys") {
      Bytes data(8, 0);
      data[7] = static_cast<std::uint8_t>(8 * keys.size());
      for (const auto key : keys) {
        for (int i = 7; i >= 0; --i) data.push_back(static_cast<std::uint8_t>(key >> (8 * i)));
      }
      return {0, 0, 0, data};
    }
    if (name == "reservation") {
      Bytes data(8, 0);
      if (type != 0) {
        data[7] = 16;
        data.resize(24);
        data[21] = static_cast<std::uint8_t>(type);
      }
      return {0, 0, 0, data};
    }
    const std::uint64_t action_key = Number(ByteView(c.data_out).subspan(8, 8));
    if (name == "register") keys.push_back(action_key);
    if (name == "reserve") type = c.cdb[2];
    if (name == "preempt" && !forgets_preempt) std::erase(keys, action_key);
    return {};
  }
  std::deque<std::function<void()>> pending_;
};

const Writer kWriter = MakeWriter({{0xAA, 0xBB, 0xCC, 0xDD}}, NodeId(2), Incarnation(7));
constexpr std::uint64_t kKey = 0xAABBCCDD02000700, kPeer = 0xAABBCCDD01000500;

std::string Establish(FakeUnit& unit) {
  std::string outcome = "no answer";
  EstablishBarrier(unit, kWriter, MonoTime{}, [&](const Result<std::uint64_t, IoError>& key) {
    outcome = key.ok() ? Cat("key ", key.value() - kWriter.old_key_base)
                       : Cat(static_cast<int>(key.error().kind), " ", key.error().text);
  });
  unit.RunAll();
  return outcome;
}

TEST(Barrier, TheFirstNodeRegistersReservesResetsAndReadsBack) {
  FakeUnit unit;
  EXPECT_EQ(kWriter.key, kKey);
  EXPECT_EQ(Establish(unit), "key 1792");
  EXPECT_EQ(unit.Log(), "keys reservation register reserve reset keys reservation");
  EXPECT_EQ(unit.keys, std::vector{kKey});
}

TEST(Barrier, OwnOldKeysArePreemptedBeforeTheResetAndPeersAreLeftAlone) {
  FakeUnit unit;
  unit.keys = {kPeer, kKey, kWriter.old_key_base | 0x100, kKey};
  unit.type = 5;
  EXPECT_EQ(Establish(unit), "key 1793") << "a key that was in use gets a successor";
  EXPECT_EQ(unit.Log(), "keys reservation register preempt preempt reset keys reservation");
  EXPECT_EQ(unit.keys, (std::vector{kPeer, kKey + 1}));
}

TEST(Barrier, IsNotClaimedWhenItCannotBeSeen) {
  const std::string conflict = Cat(static_cast<int>(IoKind::kConflict));
  FakeUnit forgetful;
  forgetful.keys = {kWriter.old_key_base | 0x100};
  forgetful.forgets_preempt = true;
  EXPECT_EQ(Establish(forgetful).substr(0, 1), conflict);
  FakeUnit exclusive;
  exclusive.type = 1;
  EXPECT_EQ(Establish(exclusive).substr(0, 1), conflict);
  FakeUnit without;
  without.has_pr = false;
  EXPECT_EQ(Establish(without).substr(0, 1), Cat(static_cast<int>(IoKind::kNoBarrier)));
}

TEST(Barrier, ListsThatLieAboutTheirLengthAreRefused) {
  for (const Bytes& list : {Bytes{}, Bytes{0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xF8},
                            Bytes{0, 0, 0, 0, 0, 0, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8},
                            Bytes{0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3}}) {
    FakeUnit unit;
    unit.first = {ScsiReply{0, 0, 0, list}};
    EXPECT_EQ(Establish(unit).substr(0, 1), Cat(static_cast<int>(IoKind::kNoBarrier)));
  }
}

TEST(Barrier, UnitAttentionsAreRepeatedButNotForEver) {
  FakeUnit unit;
  unit.first = {Status(kCheckCondition, kUnitAttention, 0x2900),
                Status(kCheckCondition, kUnitAttention, 0x2A03)};
  EXPECT_EQ(Establish(unit), "key 1792");
  FakeUnit endless;
  for (int i = 0; i < 100; ++i) endless.first.push_back(Status(kCheckCondition, kUnitAttention));
  EXPECT_EQ(Establish(endless).substr(0, 1), Cat(static_cast<int>(IoKind::kNoBarrier)));
}

class UnitTest : public ::testing::Test {
 protected:
  UnitTest() {
    unit_.Identify(MonoTime{}, [this](const Result<DeviceInfo, IoError>& info) {
      info_ = info.ok() ? info.value() : DeviceInfo{0, 0, info.error().text, ""};
    });
    port_.RunAll();
    port_.keys = {kPeer, kKey};
    port_.type = 5;
    unit_.BecomeWriter(kWriter, kKey);
    port_.log.clear();
  }
  std::string Write(std::uint8_t fill) {
    std::string outcome = "no answer";
    unit_.Write(1024, Bytes(512, fill), MonoTime{Millis(100)},
                [&](const Result<Ok, IoError>& done) {
                  outcome = done.ok() ? "ok" : Cat(static_cast<int>(done.error().kind));
                });
    port_.RunAll(&clock_);
    return outcome;
  }
  ManualClock clock_;
  FakeUnit port_;
  ScsiUnit unit_{clock_, port_, "disk"};
  DeviceInfo info_;
};

TEST_F(UnitTest, IsIdentifiedBySizeSectorsAndItsOwnStrongestDesignator) {
  EXPECT_EQ(info_.size_bytes, 64U * 512);
  EXPECT_EQ(info_.sector_bytes, 512U);
  EXPECT_EQ(info_.designator, "naa.6001");
}

TEST_F(UnitTest, WritesAreForcedToTheMedium) {
  EXPECT_EQ(Write(7), "ok");
  EXPECT_EQ(port_.Log(), "write-fua");
  EXPECT_EQ(port_.medium[1024], 7);
}

TEST_F(UnitTest, WithoutFuaTheCacheIsFlushedAndTheRefusalRemembered) {
  port_.has_fua = false;
  EXPECT_EQ(Write(7), "ok");
  EXPECT_EQ(port_.Log(), "write-fua write sync");
  port_.log.clear();
  EXPECT_EQ(Write(8), "ok");
  EXPECT_EQ(port_.Log(), "write sync");
}

TEST_F(UnitTest, AfterAResetTheKeysAreReadBeforeTheWriteIsRepeated) {
  for (const ScsiReply& reason :
       {Status(kCheckCondition, kUnitAttention, 0x2900),
        Status(kCheckCondition, kUnitAttention, 0x2A03), Status(kTaskAborted)}) {
    port_.log.clear();
    port_.first = {reason};
    EXPECT_EQ(Write(9), "ok");
    EXPECT_EQ(port_.Log(), "write-fua keys reservation write-fua");
  }
}

TEST_F(UnitTest, AWriteIsNotRepeatedWithoutTheBarrier) {
  const std::string conflict = Cat(static_cast<int>(IoKind::kConflict));
  port_.keys = {kPeer};
  port_.first = {Status(kCheckCondition, kUnitAttention, 0x2A03)};
  EXPECT_EQ(Write(9), conflict);
  EXPECT_EQ(port_.Log(), "write-fua keys reservation");
  EXPECT_EQ(port_.medium[1024], 0);
  port_.keys = {kPeer, kKey, kKey + 1};  // a second machine with our id
  port_.first = {Status(kCheckCondition, kUnitAttention, 0x2A03)};
  EXPECT_EQ(Write(9), conflict);
  port_.keys = {kPeer, kKey};
  port_.type = 0;
  port_.first = {Status(kCheckCondition, kUnitAttention, 0x2900)};
  EXPECT_EQ(Write(9), conflict);
}

TEST_F(UnitTest, WhatTheUnitSaysGetsItsName) {
  const auto outcome = [&](const ScsiReply& reply) {
    port_.first = {reply};
    return Write(1);
  };
  const auto kind = [](IoKind k) { return Cat(static_cast<int>(k)); };
  EXPECT_EQ(outcome(Status(kReservationConflict)), kind(IoKind::kConflict));
  EXPECT_EQ(outcome(Status(kCheckCondition, kDataProtect, 0x2700)), kind(IoKind::kReadOnly));
  EXPECT_EQ(outcome(Status(kCheckCondition, 3, 0x0C00)), kind(IoKind::kMedium));
  EXPECT_EQ(outcome(Status(kBusy)), "ok");
  for (int i = 0; i < 20; ++i) port_.first.push_back(Status(kBusy));
  EXPECT_EQ(Write(1), kind(IoKind::kTimeout)) << "busy beyond the deadline";
}

TEST_F(UnitTest, AShortReadIsAnError) {
  port_.first = {ScsiReply{0, 0, 0, Bytes(100, 0)}};
  bool failed = false;
  unit_.Read(0, 512, MonoTime{}, [&](const Result<Bytes, IoError>& r) { failed = !r.ok(); });
  port_.RunAll();
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace fencepost
