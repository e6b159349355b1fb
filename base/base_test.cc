#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/fact.h"
#include "base/lease.h"
#include "base/prng.h"
#include "base/result.h"
#include "base/text.h"

namespace fencepost {
namespace {

TEST(Term, OrdersByCounterThenNodeAndNamesItsHolder) {
  EXPECT_LT(Term(1, NodeId(9)), Term(2, NodeId(1)));
  EXPECT_LT(Term(2, NodeId(1)), Term(2, NodeId(2)));
  EXPECT_EQ(Term(7, NodeId(3)).node(), NodeId(3));
  EXPECT_EQ(Term(7, NodeId(3)).counter(), 7U);
  EXPECT_TRUE(Term().IsNone());
  EXPECT_EQ(ToText(Term(17, NodeId(2))), "17.2");
}

TEST(LeaseTimes, TheHolderGivesUpBeforeTheVoterEvenWithTheWorstClocks) {
  const LeaseTimes t{Millis(4100), Millis(4100), 1000, Millis(50)};
  const MonoTime asked{}, answered{};  // the worst case: the answer took no time at all
  // The holder's clock is slow: its D lasts (1+drift)*D on the voter's clock.
  const auto holder_on_voters_clock = Inflate(HolderDeadline(asked, t) - asked, t.drift);
  EXPECT_LT(holder_on_voters_clock, VoterDeadline(answered, t) - answered);
  EXPECT_GE(RestartDeadline(answered, t), VoterDeadline(answered, t));
}

TEST(Inflate, RoundsUpAndNeverLosesTheDrift) {
  EXPECT_GE(Inflate(Millis(1000), 1000), Millis(1001));
  EXPECT_LT(Inflate(Millis(1000), 1000), Millis(1002));
  EXPECT_EQ(Inflate(Millis(5), 0), Millis(5));
}

TEST(Bytes, RoundTripAndShortReadsAreSticky) {
  ByteWriter w;
  w.Put(std::uint16_t{0x1234});
  w.PutText("qdisk");
  w.PutFixedText("label", 8);
  const Bytes bytes = w.Take();
  EXPECT_EQ(bytes[0], 0x34) << "little-endian";
  ByteReader r(bytes);
  EXPECT_EQ(r.Get<std::uint16_t>(), 0x1234);
  EXPECT_EQ(r.GetText(), "qdisk");
  EXPECT_EQ(r.GetFixedText(8), "label");
  EXPECT_TRUE(r.Done());
  EXPECT_EQ(r.Get<std::uint32_t>(), 0U);
  EXPECT_FALSE(r.Ok());
  EXPECT_FALSE(r.Done());
  ByteReader lying(ByteView(bytes).subspan(2, 3));  // says 5 letters, has 1
  EXPECT_EQ(lying.GetText(), "");
  EXPECT_FALSE(lying.Ok());
}

TEST(Crc32c, KnownAnswers) {  // RFC 3720 B.4
  const Bytes zeros(32, 0), ones(32, 0xFF);
  EXPECT_EQ(Crc32c(zeros), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(ones), 0x62A8AB43U);
}

TEST(Crc32c, AnyLengthAsBitByBit) {
  Prng prng(7);
  for (std::size_t length = 0; length < 70; ++length) {
    Bytes bytes(length);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(prng.Below(256));
    std::uint32_t slow = 0xFFFFFFFF;
    for (const std::uint8_t byte : bytes) {
      slow ^= byte;
      for (int bit = 0; bit < 8; ++bit) slow = (slow >> 1) ^ ((slow & 1) ? 0x82F63B78U : 0U);
    }
    EXPECT_EQ(Crc32c(bytes), ~slow) << length;
  }
}

TEST(Text, NumbersAreWholeAndInRange) {
  EXPECT_EQ(ParseInt("42", 1, 64), 42);
  for (const char* bad : {"", "4 2", "42x", "0", "65", "+4", "99999999999999999999"}) {
    EXPECT_FALSE(ParseInt(bad, 1, 64)) << bad;
  }
}

TEST(Text, UuidsRoundTripAndOddOnesAreRefused) {
  const std::string text = "01234567-89ab-cdef-0123-456789abcdef";
  const auto uuid = ParseUuid(text);
  ASSERT_TRUE(uuid);
  EXPECT_EQ(UuidText(*uuid), text);
  for (const char* bad :
       {"", "01234567", "0123456789abcdef0123456789abcdef", "0123456-789ab-cdef-0123-456789abcdef",
        "g1234567-89ab-cdef-0123-456789abcdef"}) {
    EXPECT_FALSE(ParseUuid(bad)) << bad;
  }
}

TEST(Text, DurationsReadWell) {
  EXPECT_EQ(ToText(Duration(Millis(37))), "37ms");
  EXPECT_EQ(ToText(Duration(Millis(1250))), "1.250s");
  EXPECT_EQ(ToText(Duration(Millis(4007))), "4.007s");
}

TEST(Fact, QuotesWhatNeedsIt) {
  Fact fact{Severity::kWarning, "lease-lost", {}};
  fact.With("term", Term(3, NodeId(1))).With("why", "disk is silent");
  EXPECT_EQ(fact.Text(), "lease-lost term=3.1 why=\"disk is silent\"");
}

TEST(ResultDeathTest, ReadingTheWrongHalfStops) {
  const Result<int> failed(Error{"disk 0", "is silent", "check the target"});
  EXPECT_EQ(failed.error().Text(), "disk 0: is silent; check the target");
  EXPECT_DEATH((void)failed.value(), "CHECK failed");
}

}  // namespace
}  // namespace fencepost
