// The kit's main() over a fake host: secrets, exit codes, the last line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "fence-agents/agent/run.h"

namespace fencepost::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

class FakeHost : public Host {
 public:
  MonoTime Now() const override { return now; }
  void SleepUntil(MonoTime when) override { now = std::max(now, when); }
  Result<std::string, Failure> ReadStdin(std::size_t) override { return in; }
  Result<std::string, Failure> ReadSecretFile(const std::string&) override { return file; }
  Result<std::string, Failure> ReadCredential(const std::string& name) override {
    return "credential-" + name + "\n";
  }
  Result<std::string, Failure> RunSecretScript(const std::string&, MonoTime) override {
    return script;
  }
  void WipeArgument(std::size_t word, std::size_t offset) override {
    wiped += Cat(word, ":", offset, " ");
  }
  void Out(std::string_view text) override { out += text; }
  void Err(std::string_view text) override { err += text; }
  MonoTime now{Millis(50'000)};
  std::string in, file = "from-file\nrest", script = "from-script\n", out, err, wiped;
};

struct FakeDevice : SingleDevice {
  FakeDevice(PowerState* machine, FakeHost* clock, Duration time_to_connect)
      : state(machine), host(clock), connect(time_to_connect) {}
  PowerResult Status(const std::string&, MonoTime) override { return *state; }
  SwitchResult Switch(const std::string&, PowerState wanted, MonoTime,
                      const SwitchPermit& permit) override {
    host->now += connect;
    const auto may = permit.Check();
    if (!may) return may.error();
    *state = wanted;
    return Ok{};
  }
  PowerState* state;
  FakeHost* host;
  Duration connect;
};

struct Fixture : testing::Test {
  int Run(const std::vector<std::string>& words, const std::string& in) {
    Spec spec;
    spec.name = "fence_fake";
    host.in = in;
    host.out.clear();
    host.err.clear();
    return RunAgent(
        BuildSpec(spec), words,
        [this](const Values&, const Login& l) -> Result<std::unique_ptr<Device>, Failure> {
          login = l;
          return std::unique_ptr<Device>(std::make_unique<FakeDevice>(&state, &host, connect));
        },
        host);
  }
  FakeHost host;
  Login login;
  PowerState state = PowerState::kOn;
  Duration connect{};
};
using AgentKit = Fixture;

TEST_F(AgentKit, StatusIsZeroForOnAndTwoForOff) {
  EXPECT_EQ(Run({}, "action=status\npassword=p\n"), 0);
  EXPECT_EQ(host.out, "Status: ON\n");
  state = PowerState::kOff;
  EXPECT_EQ(Run({}, "action=status\npassword=p\n"), 2);
  EXPECT_EQ(host.out, "Status: OFF\n");
}

TEST_F(AgentKit, AMissingActionTouchesNothing) {
  EXPECT_EQ(Run({}, "password=p\n"), 1);
  EXPECT_EQ(state, PowerState::kOn);
  EXPECT_THAT(host.err, HasSubstr("phase=options"));
}

TEST_F(AgentKit, ThePasswordComesFromStdinFileOrScript) {
  Run({}, "action=status\npassword=direct\n");
  EXPECT_EQ(login.password, "direct");
  Run({}, "action=status\npassword_file=/x\n");
  EXPECT_EQ(login.password, "from-file");
  Run({}, "action=status\npasswd_script=/x\n");
  EXPECT_EQ(login.password, "from-script");
  Run({}, "action=status\npassword_credential=bmc\n");
  EXPECT_EQ(login.password, "credential-bmc");
  host.file = "\n";
  EXPECT_EQ(Run({}, "action=status\npassword_file=/x\n"), 1);
  EXPECT_THAT(host.err, HasSubstr("empty first line"));
}

TEST_F(AgentKit, APasswordInArgvIsWarnedAboutWipedAndNeverPrinted) {
  EXPECT_EQ(Run({"-o", "off", "-v", "-phunter2"}, ""), 0);
  EXPECT_EQ(host.wiped, "3:2 ");
  EXPECT_THAT(host.err, HasSubstr("warning: a password on the command line"));
  EXPECT_THAT(host.err + host.out, Not(HasSubstr("hunter2")));
  Run({"-phunter2", "--bad"}, "");
  EXPECT_EQ(host.wiped, "3:2 0:2 ") << "also when another option is wrong";
}

TEST_F(AgentKit, NotAfterStopsTheSwitchAndNamesItself) {
  EXPECT_EQ(Run({}, "action=off\npassword=p\nnot_after_ms=50000\n"), 1);
  EXPECT_EQ(state, PowerState::kOn);
  EXPECT_THAT(host.err, HasSubstr("phase=act cause=deadline"));
  EXPECT_EQ(Run({}, "action=off\npassword=p\nnot_after_ms=60000\n"), 0);
}

TEST_F(AgentKit, NotAfterThatPassesInsideTheDeviceStopsTheSwitchAtTheLastMoment) {
  connect = Millis(2000);
  EXPECT_EQ(Run({}, "action=off\npassword=p\nnot_after_ms=51000\n"), 1);
  EXPECT_EQ(state, PowerState::kOn);
  EXPECT_THAT(host.err, HasSubstr("cause=deadline"));
}

TEST_F(AgentKit, ValidateAllMakesNoSession) {
  EXPECT_EQ(Run({}, "action=validate-all\npassword_file=/x\n"), 0);
  EXPECT_EQ(login.password, "");
  EXPECT_EQ(Run({}, "action=validate-all\ndelay=x\npassword=p\n"), 1);
}

TEST_F(AgentKit, AnAgentOfOnePlugListsNotApplicable) {
  EXPECT_EQ(Run({}, "action=list\npassword=p\n"), 0);
  EXPECT_EQ(host.out, "N/A\n");
}

}  // namespace
}  // namespace fencepost::agent
