#include "pingd/echo.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::ping {
namespace {

constexpr MonoTime kNow{std::chrono::seconds(100)};
const MonoTime kExpires = kNow + std::chrono::seconds(2);
const Echo kEcho{0x1234, 0xABCD, 77, 0xC0FFEE0123456789};

Bytes Reply(const Echo& echo, IpVersion version = IpVersion::kV4) {
  Bytes out{static_cast<std::uint8_t>(version == IpVersion::kV4 ? 0 : 129), 0, 0, 0};
  for (const std::uint16_t number : {echo.identifier, echo.sequence}) {
    out.push_back(static_cast<std::uint8_t>(number >> 8));
    out.push_back(static_cast<std::uint8_t>(number));
  }
  const Bytes payload = EchoPayload(echo.probe, echo.cookie);
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

OpenProbes OneOpen() {
  OpenProbes probes;
  probes.Open(3, kEcho, "10.0.0.254", kExpires);
  return probes;
}

TEST(ParseEchoReply, ReadsWhatWeSent) {
  for (const IpVersion version : {IpVersion::kV4, IpVersion::kV6}) {
    EXPECT_EQ(ParseEchoReply(Reply(kEcho, version), version).echo, kEcho);
    const IpVersion other = version == IpVersion::kV4 ? IpVersion::kV6 : IpVersion::kV4;
    EXPECT_FALSE(ParseEchoReply(Reply(kEcho, version), other).echo) << "of the other version";
  }
}

TEST(ParseEchoReply, EveryCutAndEveryExtensionIsRefused) {
  const Bytes whole = Reply(kEcho);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseEchoReply(ByteView(whole).first(size), IpVersion::kV4).echo) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(ParseEchoReply(longer, IpVersion::kV4).echo);
}

struct Case {
  const char* what;
  Echo echo;
  const char* from;
  MonoTime now;
  std::uint64_t ReplyCounters::*counter;
};

TEST(OpenProbes, BelievesOnlyTheAnswerToAnOpenProbe) {
  const auto with = [](auto change) {
    Echo echo = kEcho;
    change(echo);
    return echo;
  };
  const char* asked = "10.0.0.254";
  for (const Case& c : std::vector<Case>{
           {"the answer", kEcho, asked, kNow, &ReplyCounters::accepted},
           {"another address", kEcho, "10.0.0.253", kNow, &ReplyCounters::forged},
           {"another cookie", with([](Echo& e) { ++e.cookie; }), asked, kNow,
            &ReplyCounters::forged},
           {"another sequence", with([](Echo& e) { ++e.sequence; }), asked, kNow,
            &ReplyCounters::forged},
           {"another identifier", with([](Echo& e) { ++e.identifier; }), asked, kNow,
            &ReplyCounters::forged},
           {"another probe", with([](Echo& e) { ++e.probe; }), asked, kNow, &ReplyCounters::late},
           {"too late", kEcho, asked, kExpires, &ReplyCounters::late}}) {
    OpenProbes probes = OneOpen();
    const auto match = probes.Receive(c.now, c.from, Reply(c.echo), IpVersion::kV4);
    EXPECT_EQ(match.has_value(), c.counter == &ReplyCounters::accepted) << c.what;
    EXPECT_EQ(probes.counters().*c.counter, 1U) << c.what;
    if (match) {
      EXPECT_EQ(match->target, 3U);
      EXPECT_EQ(match->probe, 77U);
    }
  }
}

TEST(OpenProbes, AnswersOnce) {
  OpenProbes probes = OneOpen();
  EXPECT_TRUE(probes.Receive(kNow, "10.0.0.254", Reply(kEcho), IpVersion::kV4));
  EXPECT_FALSE(probes.Receive(kNow, "10.0.0.254", Reply(kEcho), IpVersion::kV4));
  EXPECT_EQ(probes.counters().late, 1U);
}

TEST(OpenProbes, AForgeryDoesNotUseUpTheProbe) {
  OpenProbes probes = OneOpen();
  Echo forged = kEcho;
  forged.cookie ^= 1;
  EXPECT_FALSE(probes.Receive(kNow, "10.0.0.254", Reply(forged), IpVersion::kV4));
  EXPECT_TRUE(probes.Receive(kNow, "10.0.0.254", Reply(kEcho), IpVersion::kV4));
}

TEST(OpenProbes, ForgetsWhatExpiredAndIsBounded) {
  OpenProbes probes = OneOpen();
  probes.Expire(kExpires - Millis(1));
  EXPECT_EQ(probes.size(), 1U);
  probes.Expire(kExpires);
  EXPECT_EQ(probes.size(), 0U);
  for (std::uint64_t i = 1; i <= kMaxOpen + 10; ++i) {
    probes.Open(0, {1, static_cast<std::uint16_t>(i), i, i}, "10.0.0.1", kExpires);
  }
  EXPECT_EQ(probes.size(), kMaxOpen);
}

// Random damage to an answer: it is believed only if the damage did not touch what matters.
TEST(OpenProbes, NoDamagedReplyIsBelieved) {
  Prng random(7);
  const Bytes whole = Reply(kEcho);
  int refused = 0;
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes = whole;
    for (std::uint64_t n = random.Below(4) + 1; n > 0; --n) {
      bytes[random.Below(bytes.size())] = static_cast<std::uint8_t>(random.Next());
    }
    if (random.OneIn(4)) bytes.resize(random.Below(bytes.size() + 8));
    OpenProbes probes = OneOpen();
    const bool believed = probes.Receive(kNow, "10.0.0.254", bytes, IpVersion::kV4).has_value();
    Bytes plain = bytes;  // the checksum is the kernel's matter
    if (plain.size() == whole.size()) plain[2] = whole[2], plain[3] = whole[3];
    ASSERT_EQ(believed, plain == whole) << Hex(bytes);
    refused += believed ? 0 : 1;
  }
  EXPECT_GT(refused, 100'000);
}

}  // namespace
}  // namespace fencepost::ping
