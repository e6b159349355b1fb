// Two nodes and their disks in memory, by the rules of SPC-4 for WRITE EXCLUSIVE - REGISTRANTS
// ONLY.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <scsi/sg.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "base/text.h"
#include "fence-agents/scsi/scsi_device.h"
#include "fence-agents/scsi/units.h"

namespace fencepost::scsi {
namespace {

using agent::Cause;
using agent::Phase;
using agent::PowerState;
constexpr MonoTime kDeadline{Millis(1000)};
constexpr Key kA = 0xA, kB = 0xB;

struct FakeDisk {
  std::string designator = "disk";
  std::uint32_t generation = 0;
  std::map<int, Key> registered{};  // by session
  std::vector<Key> stale{};         // of sessions that are gone
  std::optional<std::uint8_t> type{};
  bool knows_abort = true;
  int attentions = 0;
  std::optional<std::size_t> cut{};  // READ KEYS is cut to this many bytes
};

Bytes Number(std::uint64_t value, std::size_t count) {
  Bytes out(count, 0);
  for (std::size_t i = count; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
  return out;
}
Key KeyAt(const Bytes& data, std::size_t at) {
  Key key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = key << 8 | data[at + i];
  return key;
}

class FakeUnit : public Unit {
 public:
  FakeUnit(FakeDisk* disk, int session, bool data, std::function<void()> before)
      : disk_(disk), session_(session), data_(data), before_(std::move(before)) {}
  bool CarriesData() const override { return data_; }
  std::string Name() const override { return "disk " + disk_->designator; }
  Result<Reply, agent::Failure> Send(Bytes cdb, Bytes out, std::uint32_t, MonoTime) override {
    if (before_) before_();
    if (disk_->attentions > 0) {
      --disk_->attentions;
      return Reply{2, 6, 0x2A03, {}};
    }
    if (cdb[0] == 0x12) return Inquiry();
    return cdb[0] == 0x5E ? In(cdb[1]) : Out(cdb[1], KeyAt(out, 0), KeyAt(out, 8));
  }

 private:
  Reply Inquiry() const {
    Bytes page = {0, 0x83, 0, 0, 1, 3, 0, static_cast<std::uint8_t>(disk_->designator.size())};
    page.insert(page.end(), disk_->designator.begin(), disk_->designator.end());
    return {0, 0, 0, page};
  }
  Reply In(int action) const {
    Bytes body;
    if (action == 0) {
      std::vector<Key> keys = disk_->stale;
      for (const auto& [session, key] : disk_->registered) keys.push_back(key);
      for (const Key key : keys) {
        const Bytes bytes = Number(key, 8);
        body.insert(body.end(), bytes.begin(), bytes.end());
      }
    } else if (disk_->type) {
      body = Bytes(16, 0);
      body[13] = *disk_->type;
    }
    Bytes all = Number(disk_->generation, 4);
    const Bytes length = Number(body.size(), 4);
    all.insert(all.end(), length.begin(), length.end());
    all.insert(all.end(), body.begin(), body.end());
    if (action == 0 && disk_->cut) all.resize(std::min(all.size(), *disk_->cut));
    return {0, 0, 0, all};
  }
  Reply Out(int action, Key key, Key other) {
    const Reply good{}, conflict{0x18, 0, 0, {}}, unknown{2, 5, 0x2400, {}};
    if (action == 6) {
      ++disk_->generation;
      if (other == 0) {
        disk_->registered.erase(session_);
      } else {
        disk_->registered[session_] = other;
      }
      return good;
    }
    if (action == 5 && !disk_->knows_abort) return unknown;
    const auto mine = disk_->registered.find(session_);
    if (mine == disk_->registered.end() || mine->second != key) return conflict;
    if (action == 1) {
      if (!disk_->type) disk_->type = 5;
      return good;
    }
    const auto erased =
        std::erase_if(disk_->registered, [&](const auto& r) { return r.second == other; }) +
        std::erase(disk_->stale, other);
    if (erased == 0) return conflict;
    ++disk_->generation;
    return good;
  }
  FakeDisk* disk_;
  int session_;
  bool data_;
  std::function<void()> before_;
};

struct Always : agent::SwitchPermit {
  agent::SwitchResult Check() const override { return Ok{}; }
  MonoTime NotAfter() const override { return kNever; }
};

struct Cluster {
  std::vector<FakeDisk> disks = std::vector<FakeDisk>(1);
  std::function<void()> before{};
  bool need_abort = false, data = false;

  // Disks in the given order, by a session of this number.
  std::unique_ptr<agent::Device> Device(Key own, Key target, int session, bool reversed = false,
                                        std::function<void()> hook = {}) {
    std::vector<std::unique_ptr<Unit>> units;
    for (FakeDisk& disk : disks) {
      units.push_back(std::make_unique<FakeUnit>(&disk, session, data, hook));
    }
    if (reversed) std::reverse(units.begin(), units.end());
    ScsiSettings s;
    s.this_node = own == kA ? "a" : "b";
    s.target_node = target == kA ? "a" : "b";
    s.own = own;
    s.target = target;
    s.need_abort = need_abort;
    return MakeScsiDevice(std::move(units), s);
  }
  void BothIn() {
    for (const Key key : {kA, kB}) {
      ASSERT_TRUE(Device(key, key, static_cast<int>(key))
                      ->Switch("", PowerState::kOn, kDeadline, Always{})
                      .ok());
    }
  }
  agent::SwitchResult Off(Key own, Key target, int session, bool reversed = false,
                          std::function<void()> hook = {}) {
    return Device(own, target, session, reversed, std::move(hook))
        ->Switch("", PowerState::kOff, kDeadline, Always{});
  }
  PowerState State(Key target) {
    return *Device(target == kA ? kB : kA, target, 99)->Status("", kDeadline);
  }
  std::size_t Count(Key key) const {
    std::size_t out = 0;
    for (const FakeDisk& disk : disks) {
      for (const auto& [session, held] : disk.registered) out += held == key ? 1 : 0;
      out += static_cast<std::size_t>(std::count(disk.stale.begin(), disk.stale.end(), key));
    }
    return out;
  }
};

TEST(Scsi, ANodeIsShutOutAndLetInAgain) {
  Cluster c;
  c.BothIn();
  EXPECT_EQ(c.State(kB), PowerState::kOn);
  ASSERT_TRUE(c.Off(kA, kB, kA).ok());
  EXPECT_EQ(c.State(kB), PowerState::kOff);
  EXPECT_EQ(c.Count(kA), 1U);
  ASSERT_TRUE(c.Off(kA, kB, kA).ok()) << "twice";
  ASSERT_TRUE(c.Device(kB, kB, kB)->Switch("", PowerState::kOn, kDeadline, Always{}).ok());
  EXPECT_EQ(c.State(kB), PowerState::kOn);
}

TEST(Scsi, WhoWasFencedFencesNobodyAndLetsNobodyElseIn) {
  Cluster c;
  c.BothIn();
  ASSERT_TRUE(c.Off(kA, kB, kA).ok());
  const auto refused = c.Off(kB, kA, kB);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().cause, Cause::kNotPermitted);
  EXPECT_EQ(c.State(kA), PowerState::kOn);
  EXPECT_EQ(c.Count(kB), 0U) << "it registered itself again";
  EXPECT_FALSE(c.Device(kA, kB, kA)->Switch("", PowerState::kOn, kDeadline, Always{}).ok());
  EXPECT_FALSE(c.Device(kA, kA, kA)->Switch("", PowerState::kOff, kDeadline, Always{}).ok());
}

TEST(Scsi, AKeyOfAnOlderSessionIsTakenUpAgain) {
  Cluster c;
  c.BothIn();
  c.disks[0].registered.erase(static_cast<int>(kA));
  c.disks[0].stale = {kA};
  ASSERT_TRUE(c.Off(kA, kB, 77).ok());
  EXPECT_EQ(c.State(kB), PowerState::kOff);
}

TEST(Scsi, OffNeverRegistersASessionThatCarriesThisMachinesWrites) {
  Cluster c;
  c.data = true;
  c.BothIn();
  ASSERT_TRUE(c.Off(kA, kB, kA).ok()) << "its session is registered: nothing to register";
  c.disks[0].registered.clear();
  c.disks[0].stale = {kA, kB};
  EXPECT_EQ(c.Off(kA, kB, 77).error().cause, Cause::kNotPermitted);
  EXPECT_TRUE(c.disks[0].registered.empty());
  EXPECT_EQ(c.State(kB), PowerState::kOn);
}

TEST(Scsi, WithoutAReservationThatExcludesEverybodyCanWrite) {
  Cluster c;
  c.BothIn();
  for (const int type : {0, 1, 3}) {
    c.disks[0].registered.erase(static_cast<int>(kB));
    c.disks[0].type = static_cast<std::uint8_t>(type);
    EXPECT_EQ(c.State(kB), PowerState::kOn) << type;
  }
  c.disks[0].type.reset();
  EXPECT_EQ(c.State(kB), PowerState::kOn);
  ASSERT_TRUE(c.Off(kA, kB, kA).ok());
  EXPECT_EQ(c.State(kB), PowerState::kOff);
}

TEST(Scsi, AListOfKeysThatIsCutShortIsNeverRead) {
  Cluster c;
  c.BothIn();
  for (const std::size_t cut : {0U, 7U, 8U, 15U, 16U, 23U}) {
    c.disks[0].cut = cut;
    EXPECT_FALSE(c.Device(kA, kB, kA)->Status("", kDeadline).ok()) << cut;
    EXPECT_FALSE(c.Off(kA, kB, kA).ok()) << cut;
  }
  EXPECT_EQ(c.Count(kB), 1U);
}

TEST(Scsi, OneDiskOfSeveralThatIsOpenMeansOn) {
  Cluster c;
  c.disks = std::vector<FakeDisk>(2);
  c.disks[0].designator = "d1";
  c.disks[1].designator = "d2";
  c.BothIn();
  c.disks[0].registered.erase(static_cast<int>(kB));
  EXPECT_EQ(c.State(kB), PowerState::kOn);
  c.disks[1].designator = "d1";
  EXPECT_EQ(c.Off(kA, kB, kA).error().phase, Phase::kSelect) << "one disk named twice";
}

TEST(Scsi, PreemptWithoutAbortOnlyWhenThatIsAllowed) {
  Cluster c;
  c.BothIn();
  c.disks[0].knows_abort = false;
  c.need_abort = true;
  EXPECT_EQ(c.Off(kA, kB, kA).error().cause, Cause::kDeviceError);
  EXPECT_EQ(c.State(kB), PowerState::kOn);
  c.need_abort = false;
  EXPECT_TRUE(c.Off(kA, kB, kA).ok());
}

TEST(Scsi, AUnitAttentionTakesThePlaceOfACommandThatIsThenSentAgain) {
  Cluster c;
  c.BothIn();
  c.disks[0].attentions = 3;
  EXPECT_TRUE(c.Off(kA, kB, kA).ok());
  EXPECT_EQ(c.State(kB), PowerState::kOff);
}

// B's whole `off` happens before A's n-th command, for every n, with live and with older sessions,
// and with the disks named in either order: never do both believe that they won, and whoever is
// told "off" is still registered everywhere while the other is nowhere.
TEST(Scsi, OfTwoThatShootAtEachOtherAtMostOneWins) {
  int a_won = 0, b_won = 0, cases = 0;
  for (int n = 0; n < 60; ++n) {
    for (const bool old_sessions : {false, true}) {
      for (const std::size_t count : {1U, 3U}) {
        Cluster c;
        c.disks = std::vector<FakeDisk>(count);
        for (std::size_t i = 0; i < count; ++i) c.disks[i].designator = Cat("d", i);
        c.BothIn();
        for (FakeDisk& disk : c.disks) {
          if (old_sessions) disk.stale = {kA, kB};
          if (old_sessions) disk.registered.clear();
        }
        const int session_a = old_sessions ? 71 : static_cast<int>(kA);
        const int session_b = old_sessions ? 72 : static_cast<int>(kB);
        int commands = 0;
        bool b_told = false;
        const auto hook = [&] {
          if (commands++ == n) b_told = c.Off(kB, kA, session_b, true).ok();
        };
        const bool a_told = c.Off(kA, kB, session_a, false, hook).ok();
        if (commands <= n) continue;
        ++cases;
        EXPECT_FALSE(a_told && b_told) << n << old_sessions << count;
        if (a_told) {
          EXPECT_EQ(c.Count(kB), 0U) << n;
          EXPECT_GE(c.Count(kA), count) << n;
        }
        if (b_told) {
          EXPECT_EQ(c.Count(kA), 0U) << n << old_sessions << count;
        }
        a_won += a_told ? 1 : 0;
        b_won += b_told ? 1 : 0;
      }
    }
  }
  EXPECT_GT(cases, 30);
  EXPECT_GT(a_won, 0);
  EXPECT_GT(b_won, 0);
}

TEST(Keys, OfNodesAndInHexadecimal) {
  EXPECT_NE(KeyOf("alpha"), KeyOf("beta"));
  EXPECT_EQ(KeyOf("alpha") >> 48, 0x4650U);
  EXPECT_EQ(ParseKey("0xAb"), 0xABU);
  for (const char* bad : {"", "0", "0x", "0x0", "g", "-1", "11112222333344445", " 1"}) {
    EXPECT_FALSE(ParseKey(bad).has_value()) << bad;
  }
}

// What the kernel answers to SG_IO, in its place.
sg_io_hdr g_answer;     // NOLINT: the double of a system call has no other way
Bytes g_sense, g_data;  // NOLINT
int g_errno = 0;        // NOLINT
int Kernel(int, sg_io_hdr* header) {
  if (g_errno != 0) return g_errno;
  std::copy(g_sense.begin(), g_sense.end(), header->sbp);
  std::copy(g_data.begin(), g_data.end(), static_cast<std::uint8_t*>(header->dxferp));
  header->status = g_answer.status;
  header->host_status = g_answer.host_status;
  header->driver_status = g_answer.driver_status;
  header->resid = static_cast<int>(header->dxfer_len - g_data.size());
  header->sb_len_wr = static_cast<unsigned char>(g_sense.size());
  return 0;
}

TEST(BlockUnit, ReadsBothFormatsOfSenseAndWhatTheDiskLeftOut) {
  const auto send = [] {
    const auto unit = MakeBlockUnit("/dev/null", Millis(1000), Kernel);
    return unit->Send(Bytes(10, 0), {}, 64, kNever);
  };
  g_data = {1, 2, 3};
  EXPECT_EQ(send()->data, (Bytes{1, 2, 3}));
  g_answer.status = 2;
  g_sense = {0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2A, 0x03};
  EXPECT_EQ(send()->sense_key, 6);
  EXPECT_EQ(send()->ascq, 0x2A03);
  g_sense = {0x72, 5, 0x24, 0x00, 0, 0, 0, 0};
  EXPECT_EQ(send()->sense_key, 5);
  EXPECT_EQ(send()->ascq, 0x2400);
  g_sense.clear();
  g_answer.host_status = 1;
  EXPECT_EQ(send().error().cause, Cause::kUnreachable);
  EXPECT_TRUE(send().error().effect_unknown);
  g_errno = ENOTTY;
  EXPECT_THAT(send().error().error.cause, testing::HasSubstr("takes no SCSI command"));
}

}  // namespace
}  // namespace fencepost::scsi
