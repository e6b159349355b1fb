#include "pingd/options.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace fencepost::ping {
namespace {

class File {  // a configuration in a place of its own
 public:
  explicit File(const std::string& ping)
      : path_(Cat(::testing::TempDir(), "pingd-options-XXXXXX")) {
    const int fd = mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    close(fd);
    std::ofstream(path_) << "[cluster]\nname = \"c\"\n[[node]]\nname = \"a\"\nid = 1\n"
                            "address = \"10.0.0.1\"\n"
                         << ping;
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Settings Load(const std::vector<std::string>& arguments) {
  const auto options = ParseOptions(arguments);
  EXPECT_TRUE(options.ok()) << options.error().Text();
  auto settings = LoadSettings(*options);
  EXPECT_TRUE(settings.ok()) << settings.error();
  return std::move(*settings);
}

std::string Fault(const std::vector<std::string>& arguments) {
  const auto options = ParseOptions(arguments);
  if (!options.ok()) return options.error().Text();
  const auto settings = LoadSettings(*options);
  return settings.ok() ? "" : settings.error();
}

// As the pingd resource agent of Pacemaker 1.1 called it.
TEST(Options, TakesTheClassicCommandLine) {
  const auto options = ParseOptions({"-D",     "-p",         "/run/pingd.pid",
                                     "-a",     "net",        "-d",
                                     "5s",     "-m",         "1000",
                                     "-S",     "status",     "-s",
                                     "set",    "-V",         "-V",
                                     "-i",     "2",          "-n",
                                     "3",      "-t",         "1.5",
                                     "-h",     "10.0.0.254", "-h",
                                     "fd00::1"});
  ASSERT_TRUE(options.ok()) << options.error().Text();
  EXPECT_TRUE(options->daemonize);
  EXPECT_TRUE(options->section_given);
  EXPECT_EQ(options->pid_file, "/run/pingd.pid");
  const auto settings = LoadSettings(*options);
  ASSERT_TRUE(settings.ok()) << settings.error();
  const config::PingConfig& ping = settings->ping;
  EXPECT_EQ(ping.attribute, "net");
  EXPECT_EQ(ping.multiplier, 1000U);
  EXPECT_EQ(ping.dampen, Millis(5000));
  EXPECT_EQ(ping.hold, Millis(15'000));
  EXPECT_EQ(ping.interval, Millis(2000));
  EXPECT_EQ(ping.attempts, 3U);
  EXPECT_EQ(ping.timeout, Millis(1500));
  ASSERT_EQ(ping.targets.size(), 2U);
  EXPECT_EQ(ping.targets[1].host, "fd00::1");
  EXPECT_EQ(ping.sink, config::PingSink::kFencepost);
}

TEST(Options, HostsMayStandInOneWord) {
  const Settings settings = Load({"-N", "10.0.0.1, 10.0.0.2 fe80::1%eth0", "-m1000", "--device",
                                  "eth1", "--attrd", "-d", "0"});
  ASSERT_EQ(settings.ping.targets.size(), 3U);
  EXPECT_EQ(settings.ping.targets[0].device, "eth1");
  EXPECT_EQ(settings.ping.targets[2].device, "eth0");
  EXPECT_EQ(settings.ping.sink, config::PingSink::kPacemaker);
  EXPECT_EQ(settings.ping.dampen, Duration{});
}

TEST(Options, TheCommandLineReplacesValuesOfTheFile) {
  const File file(
      "[paths]\nrun_dir = \"/run/x\"\n[ping]\nmultiplier = 5\ninterval = \"3s\"\n"
      "[[ping.target]]\nhost = \"10.0.0.9\"\n");
  const Settings plain = Load({"--config", file.path()});
  EXPECT_EQ(plain.ping.multiplier, 5U);
  EXPECT_EQ(plain.run_dir, "/run/x");
  const Settings other =
      Load({"--config", file.path(), "-m", "7", "-N", "10.0.0.8", "-U", "--run-dir", "/run/y"});
  EXPECT_EQ(other.ping.multiplier, 7U);
  EXPECT_EQ(other.ping.interval, Millis(3000));
  ASSERT_EQ(other.ping.targets.size(), 1U);
  EXPECT_EQ(other.ping.targets[0].host, "10.0.0.8");
  EXPECT_EQ(other.ping.sink, config::PingSink::kNone);
  EXPECT_EQ(other.run_dir, "/run/y");
}

TEST(Options, NamesTheFaultAndTheRemedy) {
  const File none("");
  const File wrong("[ping]\nintervall = \"1s\"\n");
  struct Case {
    std::vector<std::string> arguments;
    std::string fault;
  };
  for (const Case& c : std::vector<Case>{
           {{"--pings"}, "pingd --help shows all options"},
           {{"host"}, "pingd --help"},
           {{"-N", "10.0.0.1", "-m", "0"}, "--ping-multiplier 0: is out of range"},
           {{"-N", "10.0.0.1", "-m", "2000000"}, "is out of range"},
           {{"-N", "10.0.0.1,10.0.0.2", "-m", "1000000"}, "the highest score is 2000000"},
           {{"-N", "10.0.0.1", "-t", "soon"}, "--ping-timeout \"soon\": is no duration"},
           {{"-N", "10.0.0.1", "-i", "10ms"}, "interval or timeout is too short"},
           {{"-N", "10.0.0.1", "-d", "5", "--hold", "1"}, "hold is below dampen"},
           {{"-N", "a b;c"}, "\"b;c\": is no host"},
           {{"-N", "10.0.0.1 10.0.0.1"}, "is given twice"},
           {{"-N", "10.0.0.1", "-a", "a b"}, "is no name"},
           {{"-N", "10.0.0.1", "--source", "fd00::1", "--device", "x/y"}, "is no interface name"},
           {{"--once", "--status"}, "neither a daemon nor asks one"},
           {{"-D", "-f"}, "contradicts --foreground"},
           {{"--json"}, "add one of them"},
           {{"--config", "/no/such/file"}, "/no/such/file: cannot open"},
           {{"--config", none.path()}, "has no [ping]"},
           {{"--config", wrong.path()}, ":8:1: ping.intervall: unknown key; did you mean"}}) {
    EXPECT_NE(Fault(c.arguments).find(c.fault), std::string::npos)
        << c.fault << "\nis not in: " << Fault(c.arguments);
  }
}

}  // namespace
}  // namespace fencepost::ping
