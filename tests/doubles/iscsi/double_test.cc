// The double itself: what a test that uses it may rely on. And IscsiDisk through it.
#include <gtest/gtest.h>

#include "base/big_endian.h"
#include "base/text.h"
#include "env/linux/iscsi_disk.h"
#include "qdiskd/mkqdisk/waiting_disk.h"
#include "tests/doubles/iscsi/target.h"

namespace fencepost::doubles {
namespace {

using qdiskd::mkqdisk::WaitingDisk;

Bytes Range(std::uint8_t code, std::uint64_t block, std::uint8_t count, std::uint8_t flags = 0) {
  Bytes cdb(16, 0);
  cdb[0] = code;
  cdb[1] = flags;
  PutBigEndian(cdb, 2, 8, block);
  cdb[13] = count;
  return cdb;
}
constexpr std::uint8_t kRead = 0x88, kWrite = 0x8A, kCompare = 0x89, kSync = 0x91, kFua = 8;

struct Unit : ::testing::Test {
  ScsiUnit unit{{}, [this](const std::vector<Nexus>& of) { aborted = of; }};
  std::vector<Nexus> aborted;
  int Do(const Nexus& nexus, const Bytes& cdb, const Bytes& data = {}) {
    const ScsiAnswer answer = unit.Execute(nexus, cdb, data, {});
    got = answer.data;
    return answer.status == kCheck ? answer.key << 16 | answer.ascq : answer.status;
  }
  int Reserve(const Nexus& nexus, std::uint8_t action, std::uint64_t key, std::uint64_t other) {
    Bytes cdb(16, 0), data(24, 0);
    cdb[0] = 0x5F;
    cdb[1] = action;
    cdb[2] = 5;
    PutBigEndian(data, 0, 8, key);
    PutBigEndian(data, 8, 8, other);
    return Do(nexus, cdb, data);
  }
  Bytes got;
};

TEST_F(Unit, AReservationShutsOutWhoIsNotRegistered) {
  EXPECT_EQ(Reserve("a", 6, 0, 0xA), kGood);
  EXPECT_EQ(Reserve("b", 6, 0, 0xB), kGood);
  EXPECT_EQ(Reserve("a", 1, 0xA, 0), kGood);
  EXPECT_EQ(Reserve("b", 1, 0xB, 0), kConflictStatus);
  const Bytes block(512, 7);
  EXPECT_EQ(Do("a", Range(kWrite, 1, 1), block), kGood);
  EXPECT_EQ(Do("b", Range(kWrite, 2, 1), block), kGood) << "registrants only";
  EXPECT_EQ(Do("c", Range(kWrite, 3, 1), block), kConflictStatus);
  EXPECT_EQ(Do("c", Range(kRead, 2, 1)), kGood);
  EXPECT_EQ(got, block);
  EXPECT_EQ(Reserve("b", 4, 0xB, 0xA), kGood) << "PREEMPT takes the reservation over";
  EXPECT_EQ(unit.reservations().keys().count("a"), 0U);
  EXPECT_EQ(Do("a", Range(kWrite, 1, 1), block), kAttention << 16 | kRegistrationsPreempted);
  EXPECT_EQ(Do("a", Range(kWrite, 1, 1), block), kConflictStatus);
  EXPECT_TRUE(aborted.empty());
  EXPECT_EQ(Reserve("a", 6, 0, 0xA), kGood);
  EXPECT_EQ(Reserve("b", 5, 0xB, 0xA), kGood);
  EXPECT_EQ(aborted, std::vector<Nexus>{"a"}) << "PREEMPT AND ABORT ends its commands";
  EXPECT_EQ(Reserve("b", 5, 0xB, 0xDEAD), kConflictStatus) << "nobody has this key";
  unit.PowerCut();
  EXPECT_EQ(Do("c", Range(kWrite, 3, 1), block), kGood) << "it forgot its reservations";
}

TEST_F(Unit, CompareAndWriteIsBothOrNeither) {
  Bytes data(1024, 0);
  std::fill(data.begin() + 512, data.end(), 9);
  EXPECT_EQ(Do("a", Range(kCompare, 4, 1), data), kGood);
  EXPECT_EQ(Do("a", Range(kCompare, 4, 1), data), kMiscompare << 16 | kMiscompared);
  EXPECT_EQ(Do("a", Range(kRead, 4, 1)), kGood);
  EXPECT_EQ(got, Bytes(512, 9));
  unit.settings().compare_and_write = false;
  EXPECT_EQ(Do("a", Range(kCompare, 4, 1), data), kIllegal << 16 | kInvalidOpcode);
}

TEST_F(Unit, APowerCutKeepsWhatWasFuaOrSynchronisedAndNothingElse) {
  struct Case {
    ScsiUnit::Fua fua;
    std::uint8_t flags;
    bool sync, kept;
  };
  for (const Case& c : {Case{ScsiUnit::Fua::kHonoured, kFua, false, true},
                        Case{ScsiUnit::Fua::kHonoured, 0, false, false},
                        Case{ScsiUnit::Fua::kHonoured, 0, true, true},
                        Case{ScsiUnit::Fua::kIgnored, kFua, true, false}}) {
    unit.settings().fua = ScsiUnit::Fua::kHonoured;
    EXPECT_EQ(Do("a", Range(kWrite, 1, 1, kFua), Bytes(512, 0)), kGood);
    EXPECT_EQ(Do("a", Range(kSync, 0, 0)), kGood);
    unit.settings().fua = c.fua;
    EXPECT_EQ(Do("a", Range(kWrite, 1, 1, c.flags), Bytes(512, 5)), kGood);
    if (c.sync) {
      EXPECT_EQ(Do("a", Range(kSync, 0, 0)), kGood);
    }
    unit.PowerCut();
    EXPECT_EQ(Do("a", Range(kRead, 1, 1)), kGood);
    EXPECT_EQ(got[0] == 5, c.kept);
  }
  unit.settings().fua = ScsiUnit::Fua::kRefused;
  EXPECT_EQ(Do("a", Range(kWrite, 1, 1, kFua), Bytes(512, 5)), kIllegal << 16 | kInvalidField);
}

TEST_F(Unit, RangesBeyondTheEndAreRefused) {
  const std::uint64_t blocks = unit.settings().size_bytes / 512;
  EXPECT_EQ(Do("a", Range(kRead, blocks, 1)), kIllegal << 16 | kOutOfRange);
  EXPECT_EQ(Do("a", Range(kRead, ~std::uint64_t{0}, 1)), kIllegal << 16 | kOutOfRange);
  EXPECT_EQ(Do("a", Range(kWrite, blocks - 1, 2), Bytes(1024, 0)), kIllegal << 16 | kOutOfRange);
}

TEST(FaultLine, IsReadOrRefused) {
  const auto fault = ParseFault("write error 3 1100 count=2 skip=1 from=node-2 offset=4096-8191");
  ASSERT_TRUE(fault.ok());
  EXPECT_EQ(fault->on, Fault::On::kWrite);
  EXPECT_EQ(fault->number, 3);
  EXPECT_EQ(fault->ascq, 0x1100);
  EXPECT_EQ(fault->left, 2);
  EXPECT_EQ(fault->skip, 1);
  EXPECT_EQ(fault->from, "node-2");
  EXPECT_EQ(fault->low, 4096U);
  EXPECT_EQ(ParseFault("write shift -4096")->number, -4096);
  for (const char* bad :
       {"", "write", "write explode", "paint drop", "write delay", "write delay x",
        "write drop count=-1", "write drop size=3", "write drop offset=7"}) {
    EXPECT_FALSE(ParseFault(bad).ok()) << bad;
  }
}

struct Through : ::testing::Test {
  std::unique_ptr<Loop> loop = std::move(Loop::Create().value());
  std::unique_ptr<IscsiTarget> target;
  void Open(IscsiTarget::Settings settings = {}) {
    target = std::move(IscsiTarget::Open(*loop, std::move(settings)).value());
  }
  struct Client {
    Client(Loop& loop, const std::string& url)
        : disk(loop, *config::ParseDiskUrl(url), ""),
          waiting(disk, loop, {[&loop] { loop.Run(); }, [&loop] { loop.Stop(); }}, Millis(5000)) {}
    IscsiDisk disk;
    WaitingDisk waiting;
  };
  std::unique_ptr<Client> NewClient() { return std::make_unique<Client>(*loop, target->Url()); }
  static Writer Node(int node, std::uint64_t start) {
    return MakeWriter({{1, 2, 3, 4}}, NodeId(static_cast<std::uint8_t>(node)), Incarnation(start));
  }
};

TEST_F(Through, WhatIsWrittenIsReadBackOnBothSectorSizesInPiecesOfAnyLength) {
  for (const std::uint32_t sector : {512U, 4096U}) {
    IscsiTarget::Settings settings;
    settings.unit.sector_bytes = sector;
    Open(settings);
    const auto client = NewClient();
    const Writer writer = Node(1, 1);
    const auto info = client->waiting.Open(&writer);
    ASSERT_TRUE(info.ok()) << info.error().text;
    EXPECT_EQ(info->sector_bytes, sector);
    EXPECT_EQ(info->size_bytes, 4U << 20);
    EXPECT_EQ(info->designator, "naa.6001405000000001");
    EXPECT_EQ(info->barrier, "reservation");
    for (const std::size_t size : {std::size_t{4096}, std::size_t{1} << 20}) {
      Bytes data(size);
      for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + i / 4096);
      ASSERT_TRUE(client->waiting.Write(8192, data).ok());
      const auto back = client->waiting.Read(8192, static_cast<std::uint32_t>(size));
      ASSERT_TRUE(back.ok()) << back.error().text;
      EXPECT_EQ(*back, data);
    }
  }
}

TEST_F(Through, ALoginOfTheSamePortEndsTheSessionBeforeUnlessToldNotTo) {
  Open();
  for (const bool reinstates : {true, false}) {
    EXPECT_EQ(target->Control(Cat("feature reinstate=", reinstates ? "yes" : "no")), "ok");
    const Writer writer = Node(1, reinstates ? 1 : 3), later = Node(1, reinstates ? 2 : 4);
    const auto first = NewClient(), second = NewClient();
    ASSERT_TRUE(first->waiting.Open(&writer).ok());
    ASSERT_TRUE(second->waiting.Open(&later).ok());
    EXPECT_EQ(target->sessions(), reinstates ? 1U : 2U);
    // Registrations are the port's: without reinstatement nothing shuts the older session out.
    // Such a target is unfit; mkqdisk --probe is to find it.
    EXPECT_EQ(first->waiting.Write(0, Bytes(4096, 1)).ok(), !reinstates);
    EXPECT_TRUE(second->waiting.Write(0, Bytes(4096, 1)).ok());
  }
}

TEST_F(Through, WhatIsNotUnderstoodIsRefusedAndAWrongTargetToo) {
  Open();
  for (const char* bad : {"", "explode", "fault", "fault write", "show 0", "show 99999999 1",
                          "feature fua", "feature fua=maybe", "read-only perhaps"}) {
    EXPECT_EQ(target->Control(bad).rfind("error: ", 0), 0U) << bad;
  }
  EXPECT_EQ(target->Control("show 0 4"), "00000000");
  EXPECT_NE(target->Control("report").find("sessions 0"), std::string::npos);
  Client elsewhere(*loop, Cat("iscsi://", target->Portal(), "/iqn.2026-01.org.example:none/1"));
  EXPECT_FALSE(elsewhere.waiting.Open(nullptr).ok());
}

}  // namespace
}  // namespace fencepost::doubles
