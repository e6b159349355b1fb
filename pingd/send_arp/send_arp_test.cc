#include <gtest/gtest.h>

#include "env/linux/link_packets.h"
#include "pingd/send_arp/campaign.h"
#include "pingd/shell_world_testing.h"

namespace fencepost::announce {
namespace {

using Kind = Announcer::Kind;

Arguments Parse(const std::string& program, const std::string& line) {
  const auto parsed = ParseArguments(program, Split(line, ' '));
  EXPECT_TRUE(parsed.ok()) << parsed.error().Text();
  return parsed.ok() ? *parsed : Arguments{};
}

// Word for word as IPaddr2 of resource-agents 4.12 calls it.
TEST(Arguments, AsIPaddr2CallsSendArp) {
  const Arguments a =
      Parse("send_arp",
            "-i 200 -r 5 -p /run/resource-agents/send_arp-10.0.0.5 eth0 10.0.0.5 auto "
            "not_used not_used");
  EXPECT_EQ(a.device, "eth0");
  EXPECT_EQ(a.address, "10.0.0.5");
  EXPECT_EQ(a.hardware, "");
  EXPECT_EQ(a.pid_file, "/run/resource-agents/send_arp-10.0.0.5");
  EXPECT_EQ(a.rounds, 5);
  EXPECT_EQ(a.gap, Millis(100)) << "half of the interval, which is that of a pair";
  EXPECT_EQ(a.packets, (std::vector<Kind>{Kind::kArpRequest, Kind::kArpReply}));
  EXPECT_EQ(Parse("send_arp", "-i200 -r5 eth0 10.0.0.5 020000000001").hardware, "020000000001");
}

TEST(Arguments, AsIPaddr2CallsArping) {
  const Arguments a = Parse("send_arp", "-U -c 5 -I eth0 10.0.0.5");
  EXPECT_EQ(a.device, "eth0");
  EXPECT_EQ(a.rounds, 5);
  EXPECT_EQ(a.gap, Millis(1000));
  EXPECT_EQ(a.packets, std::vector<Kind>{Kind::kArpRequest});
  EXPECT_EQ(Parse("send_arp", "-A -q -c5 -Ieth0 10.0.0.5").packets,
            std::vector<Kind>{Kind::kArpReply});
}

TEST(Arguments, AsIPaddr2CallsSendUa) {
  const Arguments a = Parse("send_ua", "-i 200 -c 5 fd00::5 64 eth0");
  EXPECT_EQ(a.device, "eth0");
  EXPECT_EQ(a.address, "fd00::5");
  EXPECT_EQ(a.gap, Millis(200));
  EXPECT_EQ(a.packets, std::vector<Kind>{Kind::kAdvertisement});
}

TEST(Arguments, AnIpv6AddressIsAdvertisedInEveryForm) {
  EXPECT_EQ(Parse("send_arp", "eth0 fd00::5 auto").packets,
            std::vector<Kind>{Kind::kAdvertisement});
  EXPECT_EQ(Parse("send_arp", "-U -I eth0 fd00::5").packets,
            std::vector<Kind>{Kind::kAdvertisement});
}

TEST(Arguments, NamesTheFault) {
  struct Case {
    const char* program;
    const char* line;
    const char* fault;
  };
  for (const Case& c : std::vector<Case>{
           {"send_arp", "eth0", "wants DEVICE ADDRESS"},
           {"send_arp", "a b c d e f", "wants DEVICE ADDRESS"},
           {"send_arp", "eth0 router auto", "\"router\": is no numeric"},
           {"send_arp", "-r 0 eth0 10.0.0.5 auto", "-r \"0\": is no number that fits; write 1"},
           {"send_arp", "-i -1 eth0 10.0.0.5 auto", "-i \"-1\""},
           {"send_arp", "-r", "wants a value"},
           {"send_arp", "-z eth0 10.0.0.5 auto", "\"-z\": is not known"},
           {"send_arp", "-U 10.0.0.5", "want -I DEVICE"},
           {"send_arp", "-U -I eth0", "wants one ADDRESS"},
           {"send_ua", "10.0.0.5 24 eth0", "is no IPv6 address"},
           {"send_ua", "fd00::5", "wants ADDRESS PREFIX DEVICE"}}) {
    const auto parsed = ParseArguments(c.program, Split(c.line, ' '));
    ASSERT_FALSE(parsed.ok()) << c.line;
    EXPECT_NE(parsed.error().Text().find(c.fault), std::string::npos)
        << c.line << ": " << parsed.error().Text();
  }
}

class FakeAnnouncer final : public Announcer {
 public:
  explicit FakeAnnouncer(Clock& clock) : clock_(clock) {}
  Status Announce(Kind kind) override {
    sent.emplace_back(clock_.Now(), kind);
    if (sent.size() == fails_at) return Error{"eth0", "is down", ""};
    return Ok{};
  }
  std::vector<std::pair<MonoTime, Kind>> sent;
  std::size_t fails_at = 0;

 private:
  Clock& clock_;
};

TEST(Campaign, SendsPairsAtTheirInterval) {
  ping::FakeClock clock;
  FakeAnnouncer announcer(clock);
  const MonoTime begun = clock.Now();
  Campaign campaign(Parse("send_arp", "-i 200 -r 3 eth0 10.0.0.5 auto"), clock, announcer);
  int done = 0;
  campaign.Start([&](const Status& status) { done += status.ok() ? 1 : 100; });
  clock.Run(Millis(0));
  EXPECT_EQ(announcer.sent.size(), 1U) << "the first one at once";
  clock.Run(Millis(5000));
  EXPECT_EQ(done, 1);
  ASSERT_EQ(announcer.sent.size(), 6U);
  for (int i = 0; i < 6; ++i) {
    const auto& [when, kind] = announcer.sent[static_cast<std::size_t>(i)];
    EXPECT_EQ(when, begun + i * Millis(100));
    EXPECT_EQ(kind, i % 2 == 0 ? Kind::kArpRequest : Kind::kArpReply);
  }
}

TEST(Campaign, StopsAtTheFirstFailure) {
  ping::FakeClock clock;
  FakeAnnouncer announcer(clock);
  announcer.fails_at = 2;
  Campaign campaign(Parse("send_arp", "eth0 10.0.0.5 auto"), clock, announcer);
  std::string error;
  campaign.Start([&](const Status& status) { error = status.ok() ? "" : status.error().Text(); });
  clock.Run(Millis(5000));
  EXPECT_EQ(error, "eth0: is down");
  EXPECT_EQ(announcer.sent.size(), 2U);
}

TEST(ParseHardwareAddress, TakesBothFormsOfOneStation) {
  const HardwareAddress expected{2, 0, 0, 0, 0, 0xAB};
  EXPECT_EQ(ParseHardwareAddress("02:00:00:00:00:ab"), expected);
  EXPECT_EQ(ParseHardwareAddress("02-00-00-00-00-AB"), expected);
  EXPECT_EQ(ParseHardwareAddress("0200000000ab"), expected);
  for (const char* wrong : {"", "auto", "02:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
                            "01:00:00:00:00:01", "02:00:00:00:00:0g", "02x00:00:00:00:01"}) {
    EXPECT_FALSE(ParseHardwareAddress(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace fencepost::announce
