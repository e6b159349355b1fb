// Identity, facts, watchdog and real-time scheduling: the small ports to the machine.
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>
#include <regex>

#include "env/linux/background.h"
#include "env/linux/facts.h"
#include "env/linux/identity.h"
#include "env/linux/loop_testing.h"
#include "env/linux/realtime.h"
#include "env/linux/watchdog_dev.h"

namespace fencepost {
namespace {

TEST(Identity, TheKernelsBootIdIsTheSameAtEveryCall) {
  LinuxIdentity identity;
  const auto first = identity.Boot();
  ASSERT_TRUE(first.ok()) << first.error().Text();
  EXPECT_FALSE(first->IsNone());
  EXPECT_EQ(*first, *identity.Boot());
  EXPECT_NE(identity.Random(), identity.Random());
}

TEST(Identity, AFileHoldsAUuidOrHexadecimalDigitsAndNothingElse) {
  const TemporaryDirectory directory;
  const std::string file = directory / "boot";
  const struct {
    const char* name;
    std::string text;
    bool good;
  } cases[] = {
      {"a uuid and a newline", "01234567-89ab-cdef-0123-456789abcdef\n", true},
      {"32 digits", "0123456789abcdef0123456789abcdef", true},
      {"nothing", "", false},
      {"31 digits", "0123456789abcdef0123456789abcde", false},
      {"a word", "node-1", false},
      {"all zero", "00000000-0000-0000-0000-000000000000", false},
      {"two of them", std::string(64, 'a'), false},
      {"a long file that begins well", "0123456789abcdef0123456789abcdef" + std::string(99, ' '),
       false},
  };
  for (const auto& c : cases) {
    std::ofstream(file) << c.text;
    const auto boot = LinuxIdentity(file).Boot();
    ASSERT_EQ(boot.ok(), c.good) << c.name;
    if (!c.good) {
      EXPECT_NE(boot.error().Text().find(file), std::string::npos);
    } else {
      EXPECT_EQ(Hex(boot->bytes), "0123456789abcdef0123456789abcdef") << c.name;
    }
  }
  const auto missing = LinuxIdentity(directory / "none").Boot();
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().Text().find("No such file"), std::string::npos);
  EXPECT_FALSE(LinuxIdentity(directory.path()).Boot().ok()) << "a directory";
}

std::string ReadSome(int fd) {
  std::string text(65536, '\0');
  const ssize_t size = read(fd, text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

TEST(Facts, OneFactIsOneLineWhateverItsValues) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  StreamFacts facts(writer.get());
  facts.Record(Fact{Severity::kWarning, "odd", {}}.With("text", "a\nforged line\x1b[0m"));
  EXPECT_TRUE(
      std::regex_match(ReadSome(reader.get()),
                       std::regex("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z warning "
                                  "odd text=\"a\\\\x0aforged line\\\\x1b\\[0m\"\n")));
  facts.Record(Fact{Severity::kInfo, "long", {}}.With("text", std::string(99999, 'x')));
  const std::string line = ReadSome(reader.get());
  EXPECT_LT(line.size(), 4096U);
  EXPECT_EQ(line.substr(line.size() - 4), "...\n");
}

TEST(Facts, AStuckReaderBlocksNobodyAndIsToldWhatItMissed) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);  // blocking, as an inherited stderr is
  const UniqueFd reader(ends[0]), writer(ends[1]);
  StreamFacts facts(writer.get());
  const Fact fact = Fact{Severity::kInfo, "tick", {}}.With("text", std::string(1000, 'x'));
  for (int i = 0; i < 200; ++i) facts.Record(fact);  // a pipe holds 64 KiB
  while (ReadSome(reader.get()).size() == 65536) {
  }
  facts.Record(Fact{Severity::kInfo, "after", {}});
  const std::string text = ReadSome(reader.get());
  EXPECT_TRUE(std::regex_search(text, std::regex("warning facts-dropped count=1\\d\\d\n"))) << text;
  EXPECT_NE(text.find("info after\n"), std::string::npos);
}

UniqueFd LogDaemon(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  FENCEPOST_CHECK(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

TEST(Facts, SyslogGetsPriorityProgramAndTextAndMayBeRestartedOrStuck) {
  const TemporaryDirectory directory;
  const std::string path = directory / "log";
  SyslogFacts facts("qdiskd", path);
  const Fact fact = Fact{Severity::kError, "disk-lost", {}}.With("disk", 1);
  facts.Record(fact);  // nobody is there
  UniqueFd daemon = LogDaemon(path);
  facts.Record(fact);
  EXPECT_EQ(ReadSome(daemon.get()), Cat("<28>qdiskd[", getpid(), "]: facts-dropped count=1"));
  EXPECT_EQ(ReadSome(daemon.get()), Cat("<27>qdiskd[", getpid(), "]: disk-lost disk=1"));
  daemon.Reset();
  unlink(path.c_str());
  daemon = LogDaemon(path);
  facts.Record(fact);
  EXPECT_NE(ReadSome(daemon.get()), "") << "connects again by itself";
  for (int i = 0; i < 5000; ++i) facts.Record(fact);  // never read: must return
  while (!ReadSome(daemon.get()).empty()) {
  }
  facts.Record(fact);
  EXPECT_NE(ReadSome(daemon.get()).find("facts-dropped count="), std::string::npos);
}

// A driver in memory; what it is told goes into `story`.
struct FakeWatchdog final : WatchdogCalls {
  int Open(const std::string&) override {
    story += "open ";
    return open_error != 0 ? (errno = open_error, -1) : 42;
  }
  int Ioctl(int, unsigned long request, void* argument) override {
    if (request == WDIOC_GETSUPPORT) {
      watchdog_info info{};
      info.options = options;
      std::memcpy(info.identity, identity.data(), std::min(identity.size(), sizeof info.identity));
      std::memcpy(argument, &info, sizeof info);
    } else if (request == WDIOC_SETTIMEOUT) {
      story += Cat("set:", *static_cast<int*>(argument), " ");
      if (set_error != 0) return (errno = set_error, -1);
    } else if (request == WDIOC_GETTIMEOUT) {
      *static_cast<int*>(argument) = timeout;
    } else if (request == WDIOC_KEEPALIVE) {
      story += "feed ";
    } else if (request == WDIOC_SETOPTIONS) {
      story += "off ";
      if (off_error != 0) return (errno = off_error, -1);
    }
    return 0;
  }
  ssize_t Write(int, char byte) override { return (story += Cat(std::string(1, byte), " "), 1); }
  int Close(int) override { return (story += "close ", 0); }
  std::string identity = "iTCO_wdt", story;
  std::uint32_t options = WDIOF_SETTIMEOUT | WDIOF_MAGICCLOSE;
  int open_error = 0, set_error = 0, off_error = 0, timeout = 12;
};

TEST(WatchdogDevice, IsArmedFedAndDisarmedAndTellsWhatTheDriverReallySet) {
  FakeWatchdog fake;
  {
    WatchdogDevice watchdog("/dev/watchdog", fake);
    ASSERT_TRUE(watchdog.Arm(Millis(10900)).ok());
    EXPECT_EQ(watchdog.Timeout(), std::chrono::seconds(12));
    EXPECT_TRUE(watchdog.IsHardware());
    watchdog.Feed();
    ASSERT_TRUE(watchdog.Disarm().ok());
    watchdog.Feed();
    EXPECT_TRUE(watchdog.Disarm().ok()) << "it is off already";
  }
  EXPECT_EQ(fake.story, "open set:10 feed off V close ");
}

TEST(WatchdogDevice, SoftdogIsNoHardwareAndAnArmedOneIsLeftRunning) {
  FakeWatchdog fake;
  fake.identity = "Software Watchdog";
  {
    WatchdogDevice watchdog("/dev/watchdog", fake);
    ASSERT_TRUE(watchdog.Arm(Millis(5000)).ok());
    EXPECT_FALSE(watchdog.IsHardware());
  }
  EXPECT_EQ(fake.story, "open set:5 close ") << "no magic letter: the crash of a daemon resets";
}

TEST(WatchdogDevice, NowayoutIsSaidAndItStaysArmed) {
  FakeWatchdog fake;
  fake.off_error = EBUSY;
  WatchdogDevice watchdog("/dev/watchdog", fake);
  ASSERT_TRUE(watchdog.Arm(Millis(5000)).ok());
  const Status disarmed = watchdog.Disarm();
  ASSERT_FALSE(disarmed.ok());
  EXPECT_NE(disarmed.error().Text().find("nowayout"), std::string::npos);
  watchdog.Feed();
  EXPECT_EQ(fake.story, "open set:5 off feed ");
}

TEST(WatchdogDevice, WhatCannotProtectIsRefusedAndLeftStopped) {
  const struct {
    const char* name;
    std::function<void(FakeWatchdog&)> spoil;
    Duration timeout;
    const char* says;
    const char* story;
  } cases[] = {
      {"missing", [](auto& f) { f.open_error = ENOENT; }, Millis(5000), "load its driver", "open "},
      {"in use", [](auto& f) { f.open_error = EBUSY; }, Millis(5000), "stop the other program",
       "open "},
      {"stops at close", [](auto& f) { f.options = 0; }, Millis(5000), "stops when its file",
       "open V close "},
      {"refuses the time-out", [](auto& f) { f.set_error = EINVAL; }, Millis(5000),
       "set a time-out of 5 s", "open set:5 V close "},
      {"tells no time-out", [](auto& f) { f.timeout = 0; }, Millis(5000), "read back",
       "open set:5 V close "},
      {"below a second", [](auto&) {}, Millis(900), "cannot be set", ""},
  };
  for (const auto& c : cases) {
    FakeWatchdog fake;
    c.spoil(fake);
    WatchdogDevice watchdog("/dev/watchdog", fake);
    const Status armed = watchdog.Arm(c.timeout);
    ASSERT_FALSE(armed.ok()) << c.name;
    EXPECT_NE(armed.error().Text().find(c.says), std::string::npos) << armed.error().Text();
    EXPECT_EQ(fake.story, c.story) << c.name;
  }
}

TEST(WatchdogDevice, AFileThatIsNoWatchdogIsRefused) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "plain") << "";
  WatchdogDevice watchdog(directory / "plain");
  const Status armed = watchdog.Arm(Millis(5000));
  ASSERT_FALSE(armed.ok());
  EXPECT_NE(armed.error().Text().find("is it a watchdog device?"), std::string::npos);
}

TEST(Realtime, TheFactSaysWhatTheKernelSays) {
  const pid_t pid = fork();  // so that this test program stays ordinary
  if (pid == 0) {
    const Fact fact = GoRealtime();
    const bool claims = fact.Text().find("scheduling=rr:10") != std::string::npos;
    const bool is = (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_RR;
    const bool all = claims && fact.Text().find("memory=locked") != std::string::npos;
    _exit(claims == is && all == (fact.severity == Severity::kInfo) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(Background, TheStarterWaitsUntilTheDaemonIsReadyOrHasEnded) {
  for (const bool ready : {true, false}) {
    const pid_t starter = fork();
    if (starter == 0) {
      auto background = Background::Enter();
      if (!background.ok() || getsid(0) != getpid()) _exit(9);
      if (ready) background->Ready();
      _exit(7);  // the daemon's own code, which nobody waits for
    }
    int status = 0;
    ASSERT_EQ(waitpid(starter, &status, 0), starter);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), ready ? 0 : 1);
  }
}

}  // namespace
}  // namespace fencepost
