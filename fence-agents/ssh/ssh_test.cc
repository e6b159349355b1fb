#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"
#include "fence-agents/ssh/devices.h"
#include "fence-agents/ssh/screen.h"

namespace fencepost::ssh {
namespace {

using agent::Cause;
using agent::Phase;
using agent::PowerState;

const std::string kFixed =
    "switchName:     fab1\nswitchState:    Online\n"
    "Index Port Address  Media Speed   State       Proto\n"
    "==================================================\n"
    "   0   0   010000   id    N8\t  Online      FC  F-Port  10:00:00:00:c9:aa:bb:cc\n"
    "   1   1   010100   id    N8\t  No_Light    FC  Disabled (Persistent)\n"
    "   2   2   010200   --    N8\t  No_Module   FC\n"
    "  Disabled\n   x   3   junk\n";
const std::string kDirector =
    "Index Slot Port Address  Media Speed  State       Proto\n"
    "=======================================================\n"
    "   0    1    0   010000   id    N8    Online      FC  F-Port 10:00:00:00:c9:aa:bb:cc\n"
    "  17    2    1   011100   id    N8    No_Light    FC  Disabled (Persistent)\n"
    "  18    2    2   011200   id    N8    In_Sync     FC  Disabled\n";

TEST(SwitchShow, FindsColumnsByTheHeader) {
  const auto fixed = *ReadSwitchShow(kFixed);
  ASSERT_EQ(fixed.size(), 3U);
  EXPECT_EQ(fixed[1].Name(), "1");
  EXPECT_FALSE(fixed[0].disabled);
  EXPECT_TRUE(fixed[1].disabled);
  EXPECT_FALSE(fixed[2].disabled);
  EXPECT_EQ(fixed[0].comment, "F-Port 10:00:00:00:c9:aa:bb:cc");
  const auto director = *ReadSwitchShow(kDirector);
  ASSERT_EQ(director.size(), 3U);
  EXPECT_EQ(director[1].Name(), "2/1");
  EXPECT_EQ(director[1].index, "17");
  EXPECT_FALSE(director[0].disabled);
  EXPECT_TRUE(director[1].disabled);
  EXPECT_TRUE(director[2].disabled);
}

TEST(SwitchShow, OtherTextIsNoTable) {
  for (const char* text : {"", "rbash: switchshow: command not found", "=====\n0 0 Disabled",
                           "Index Port\n=====\n0 0\n"}) {
    EXPECT_FALSE(ReadSwitchShow(text).has_value()) << text;
  }
}

TEST(SwitchShow, AHeaderInAnotherOrderIsReadByItsNamesAndShortLinesAreLeftOut) {
  const auto ports =
      ReadSwitchShow("State Proto Index Slot Port\n=====\nOnline FC 3 1 7\n3\n3 FC 3\n");
  ASSERT_TRUE(ports);
  ASSERT_EQ(ports->size(), 1U);
  EXPECT_EQ(ports->at(0).Name(), "1/7");
}

// Whatever arrives of a screen: it never crashes, and a port that is not there entirely is not off.
TEST(SwitchShow, AScreenThatBreaksOffNeverShowsAnEnabledPortAsDisabled) {
  for (std::size_t cut = 0; cut <= kFixed.size(); ++cut) {
    const auto ports = ReadSwitchShow(kFixed.substr(0, cut));
    if (!ports) continue;
    for (const FabricPort& port : *ports) {
      EXPECT_FALSE(port.disabled && port.Name() != "1") << cut;
    }
  }
  Prng prng(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string screen = kDirector;
    for (int k = 0; k < 8; ++k) {
      screen[prng.Below(screen.size())] = static_cast<char>(prng.Below(256));
    }
    static_cast<void>(ReadSwitchShow(screen));
    static_cast<void>(ReadDomainList(screen));
  }
}

TEST(Domain, OnlyShutOffIsOff) {
  EXPECT_EQ(ReadDomainState("shut off\n\n"), DomainState::kOff);
  for (const char* on : {"running", "paused", "idle", "crashed", "in shutdown", "pmsuspended"}) {
    EXPECT_EQ(ReadDomainState(on), DomainState::kOn) << on;
  }
  for (const char* odd : {"", "shut", "off", "ausgeschaltet", "shut off running", "error: x"}) {
    EXPECT_FALSE(ReadDomainState(odd).has_value()) << odd;
  }
  const auto rows = ReadDomainList(
      " Id   Name    State\n------------------\n 1    alpha   running\n -    beta    shut off\n"
      " -    gamma   odd\n");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].name, "beta");
  EXPECT_EQ(rows[1].state, DomainState::kOff);
  EXPECT_FALSE(rows[2].state.has_value());
}

TEST(Names, NothingThatAShellWouldTakeForMore) {
  for (const char* bad : {"", "-x", "a b", "a;b", "$(x)", "`x`", "a'b", "a\"b", "a|b", "a\nb",
                          "a&b", "../x y", "a>b", "\xc3\xa4"}) {
    EXPECT_FALSE(IsDomainName(bad)) << bad;
    EXPECT_FALSE(IsPortName(bad)) << bad;
  }
  EXPECT_TRUE(IsDomainName("vm-1.example_2"));
  for (const char* bad : {"/", "1/", "/1", "1/2/3", "a", "12345", "1.2"}) {
    EXPECT_FALSE(IsPortName(bad)) << bad;
  }
  EXPECT_TRUE(IsPortName("12/47"));
}

struct FakeRemote : Remote {
  FakeRemote(std::string text, int code, std::vector<std::string>* log)
      : output(std::move(text)), status(code), commands(log) {}
  std::string Name() const override { return "switch h:22"; }
  Result<Ok, agent::Failure> Connect(MonoTime) override { return Ok{}; }
  Result<Answer, agent::Failure> Run(const std::string& command, MonoTime) override {
    commands->push_back(command);
    return Answer{output, status};
  }
  std::string output;
  int status;
  std::vector<std::string>* commands;
};
struct Permit : agent::SwitchPermit {
  explicit Permit(bool may) : allowed(may) {}
  agent::SwitchResult Check() const override {
    if (allowed) return Ok{};
    return agent::Failed(Phase::kAct, Cause::kDeadline, "not_after_ms", "had passed");
  }
  MonoTime NotAfter() const override { return kNever; }
  bool allowed;
};
constexpr MonoTime kDeadline{Millis(1000)};

TEST(Brocade, CommandsThePortByTheNameTheSwitchGivesIt) {
  std::vector<std::string> log;
  const auto device = MakeBrocadeDevice(std::make_unique<FakeRemote>(kDirector, 0, &log), true);
  EXPECT_EQ(*device->Status("2/1", kDeadline), PowerState::kOff);
  EXPECT_EQ(*device->Status("17", kDeadline), PowerState::kOff) << "an index of a director";
  EXPECT_EQ(*device->Status("1/0", kDeadline), PowerState::kOn);
  for (const char* bad : {"1", "3/1", "2/1;reboot", "", "2/"}) {
    EXPECT_EQ(device->Status(bad, kDeadline).error().cause, Cause::kNoSuchPlug) << bad;
  }
  log.clear();
  static_cast<void>(device->Switch("0", PowerState::kOff, kDeadline, Permit(true)));
  EXPECT_THAT(log, testing::ElementsAre("switchshow", "portcfgpersistentdisable 1/0"));
  log.clear();
  EXPECT_FALSE(device->Switch("0", PowerState::kOff, kDeadline, Permit(false)).ok());
  EXPECT_THAT(log, testing::ElementsAre("switchshow"));
}

TEST(Virsh, AGuestThatIsMissingIsOffOnlyWhenThatWasSaid) {
  std::vector<std::string> log;
  const std::string missing = "error: failed to get domain 'x'\n";
  const auto make = [&](bool as_off, const std::string& text, int status) {
    return MakeVirshDevice(std::make_unique<FakeRemote>(text, status, &log), {"", as_off});
  };
  EXPECT_EQ(make(false, missing, 1)->Status("x", kDeadline).error().cause, Cause::kNoSuchPlug);
  EXPECT_EQ(*make(true, missing, 1)->Status("x", kDeadline), PowerState::kOff);
  EXPECT_FALSE(
      make(true, "error: failed to connect to the hypervisor", 1)->Status("x", kDeadline).ok());
  EXPECT_FALSE(make(true, "", 0)->Status("x", kDeadline).ok());
  log.clear();
  EXPECT_FALSE(make(true, "", 0)->Status("x;y", kDeadline).ok());
  EXPECT_TRUE(log.empty()) << "a name that a shell would split reached the host";
}

}  // namespace
}  // namespace fencepost::ssh
