// How a node brings itself down, without doing it.
#include <gtest/gtest.h>
#include <linux/reboot.h>
#include <sys/reboot.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "env/linux/guest.h"
#include "env/linux/node_death_linux.h"

namespace fencepost {
namespace {

struct FakeCalls final : DeathCalls {
  bool InFirstPidNamespace() override { return first; }
  int Sysrq(char key) override {
    did += key;
    return sysrq;
  }
  int Reboot(int command) override {
    did += command == RB_POWER_OFF ? " off" : command == RB_AUTOBOOT ? " boot" : " ?";
    return reboot;
  }
  bool first = true;
  int sysrq = 0, reboot = 0;
  std::string did;
};

struct NodeDeathLinux : testing::Test {
  NodeDeathLinux() : dir(testing::TempDir() + "node_death_test") {
    std::filesystem::create_directories(dir);
  }
  ~NodeDeathLinux() override { std::filesystem::remove_all(dir); }
  std::string Did(Death death) {
    calls.did.clear();
    outcome = LinuxNodeDeath(dir, calls).Act(death);
    return calls.did;
  }
  std::string dir;
  FakeCalls calls;
  Status outcome = Ok{};
};

TEST_F(NodeDeathLinux, OnAMachineSysrqComesFirst) {
  EXPECT_EQ(Did(Death::kReset), "b boot");
  EXPECT_EQ(Did(Death::kOff), "o off");
  EXPECT_EQ(Did(Death::kCrashdump), "c boot");
}

TEST_F(NodeDeathLinux, InAContainerTheMachineIsNotTouched) {
  calls.first = false;
  EXPECT_EQ(Did(Death::kReset), " boot");
  EXPECT_EQ(Did(Death::kOff), " off");
  EXPECT_EQ(Did(Death::kCrashdump), " boot");
}

TEST_F(NodeDeathLinux, SaysWhatRefused) {
  calls.sysrq = EACCES;
  calls.reboot = EPERM;
  Did(Death::kReset);
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().Text().find("reboot"), std::string::npos);
  EXPECT_NE(outcome.error().Text().find("sysrq"), std::string::npos);
}

TEST_F(NodeDeathLinux, AMarkIsOfOneBoot) {
  LinuxNodeDeath death(dir, calls);
  const BootId boot{{1, 2}}, next{{1, 3}};
  EXPECT_FALSE(death.Marked(boot));
  ASSERT_TRUE(death.Mark(boot, Death::kOff).ok());
  EXPECT_EQ(death.Marked(boot), Death::kOff);
  EXPECT_EQ(LinuxNodeDeath(dir, calls).Marked(boot), Death::kOff) << "also for the next daemon";
  EXPECT_FALSE(death.Marked(next));
  std::ofstream(dir + "/condemned") << UuidText(boot.bytes) << " what";
  EXPECT_EQ(death.Marked(boot), Death::kReset);
}

TEST(Guest, IsOneWhenTheMachineSaysSo) {
  const std::string root = testing::TempDir() + "guest_test";
  EXPECT_FALSE(IsGuest(root)) << "nothing can be read";
  std::filesystem::create_directories(root + "/proc");
  std::ofstream(root + "/proc/cpuinfo") << "processor : 0\nflags\t\t: fpu vme sse2\n";
  EXPECT_FALSE(IsGuest(root));
  std::ofstream(root + "/proc/cpuinfo") << "processor : 0\nflags\t\t: fpu hypervisor sse2\n";
  EXPECT_TRUE(IsGuest(root));
  std::filesystem::remove_all(root);
}

TEST_F(NodeDeathLinux, AMarkThatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(LinuxNodeDeath(dir + "/none", calls).Mark(BootId{{1}}, Death::kReset).ok());
}

}  // namespace
}  // namespace fencepost
