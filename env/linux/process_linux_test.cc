#include "env/linux/process_linux.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
extern "C" {  // glibc 2.36 declares these without C linkage
#include <sys/pidfd.h>
}

#include <fstream>

#include "env/linux/loop_testing.h"

namespace fencepost {
namespace {

class ProcessTest : public LoopTest {
 protected:
  static Command Shell(const std::string& script) {
    return {.path = "/bin/sh", .argv = {"sh", "-c", script}, .environment = {}, .stdin_text = ""};
  }
  ProcessEnd Run(const Command& command, Duration limit = kTestPatience / 2) {
    ProcessEnd end;
    int calls = 0;
    runner_.Start(command, loop_->Now() + limit, [&](ProcessEnd e) {
      end = std::move(e);
      ++calls;
      loop_->Stop();
    });
    EXPECT_EQ(calls, 0) << "never from inside Start";
    RunUntilStopped();
    EXPECT_EQ(calls, 1);
    return end;
  }
  // Waits until nothing holds the writing end of the pipe any more.
  void WaitForHangup(const UniqueFd& reader) {
    WatchId watch = 0;
    watch = loop_->WatchFd(reader.get(), EPOLLIN, [&](std::uint32_t) {
      char byte = 0;
      if (read(reader.get(), &byte, 1) > 0) return;
      loop_->Unwatch(watch);
      loop_->Stop();
    });
    RunUntilStopped();
  }
  // A fifo that a process tree holds open for as long as one of it lives.
  std::string Fifo(UniqueFd& reader) {
    const std::string path = directory_ / "alive";
    FENCEPOST_CHECK(mkfifo(path.c_str(), 0600) == 0);
    reader.Reset(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    return path;
  }
  // Grandchildren in sessions of their own, orphaned, that ignore what can be ignored; one of them
  // makes more. They hold descriptor 5.
  static constexpr const char* kOutOfReach =
      "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.01; done' &); "
      "(setsid setsid sleep 600 &); ";
  TemporaryDirectory directory_;
  LinuxProcessRunner runner_{*loop_};
};

TEST_F(ProcessTest, OutputErrorsExitCodeAndInputAreCarried) {
  Command command = Shell("cat; echo oops >&2; exit 7");
  command.stdin_text = "action=off\npasswd=secret\n";
  const ProcessEnd end = Run(command);
  EXPECT_TRUE(end.started);
  EXPECT_FALSE(end.killed);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.output, command.stdin_text);
  EXPECT_EQ(end.errors, "oops\n");
  EXPECT_GT(end.took.count(), 0);
}

TEST_F(ProcessTest, TheChildGetsACleanWorld) {
  // What the daemon has, and the child must not see:
  loop_->OnSignal(SIGUSR1, [] {});                   // blocked
  const UniqueFd leak(open("/dev/null", O_RDONLY));  // without CLOEXEC, as libraries do
  setenv("FENCEPOST_LEAK", "1", 1);
  Command command = Shell(
      "env | grep -v -e ^PWD= -e ^_= -e ^OLDPWD= -e ^SHLVL=; pwd;"
      "for fd in $(seq 3 99); do [ -e /proc/$$/fd/$fd ] && echo leak $fd; done;"
      "grep SigBlk /proc/self/status | tr -s '\\t\\n' ' ';"
      // 32 and 33 are the C library's own, which lets nobody change them; whoever started this test
      // with posix_spawn left them ignored.
      "echo ignored: $((0x$(grep SigIgn /proc/self/status | cut -f2) & ~0x180000000));"
      "[ $(cut -d' ' -f5 /proc/$$/stat) = $$ ] && echo own-group");
  command.environment = {{"PATH", "/usr/bin:/bin"}, {"OCF_ROOT", "/usr/lib/ocf"}};
  const ProcessEnd end = Run(command);
  unsetenv("FENCEPOST_LEAK");
  EXPECT_EQ(end.output,
            "PATH=/usr/bin:/bin\nOCF_ROOT=/usr/lib/ocf\n/\n"
            "SigBlk: 0000000000000000 ignored: 0\nown-group\n")
      << end.errors;
}

TEST_F(ProcessTest, DeathBySignalIsNotAnExitCode) {
  const ProcessEnd end = Run(Shell("kill -TERM $$"));
  EXPECT_EQ(end.exit_code, -1);
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_FALSE(end.killed) << "not by us";
}

TEST_F(ProcessTest, AtItsTimeTheWholeGroupIsKilled) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  // Grandchildren in the background and in a pipeline, ignoring what can be ignored.
  const ProcessEnd end = Run(Shell("exec 5>" + fifo +
                                   "; trap '' TERM HUP INT; (sleep 600 | sleep 600) & echo up; "
                                   "sleep 600"),
                             Millis(300));
  EXPECT_TRUE(end.started);
  EXPECT_TRUE(end.killed);
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(end.exit_code, -1);
  EXPECT_EQ(end.output, "up\n") << "what was said before counts";
  EXPECT_GE(end.took, Millis(300));
  WaitForHangup(reader);
}

TEST_F(ProcessTest, WhenItIsKilledNothingOfItsDescentIsLeft) {
  for (const bool spare : {false, true}) {
    UniqueFd reader;
    const std::string fifo = Fifo(reader);
    Command command = Shell("exec 5>" + fifo + "; " + kOutOfReach + "echo up; exec sleep 600");
    command.environment = {{"PATH", "/usr/bin:/bin"}};
    command.spare_leftovers = spare;
    const ProcessEnd end = Run(command, Millis(500));
    EXPECT_TRUE(end.killed);
    EXPECT_EQ(end.output, "up\n");
    char byte = 0;
    EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "it is over before done is called";
    std::filesystem::remove(fifo);
  }
}

TEST_F(ProcessTest, ALeaderThatEndsByItselfTakesADescentInOtherSessionsWithIt) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  Command command = Shell("exec 5>" + fifo + "; " + kOutOfReach + "exit 3");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  EXPECT_EQ(Run(command).exit_code, 3);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0);
}

TEST_F(ProcessTest, LeftoversOfALeaderThatEndedAreKilledToo) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  const ProcessEnd end = Run(Shell("exec 5>" + fifo + "; sleep 600 & echo done"));
  EXPECT_EQ(end.exit_code, 0) << "though a leftover held the pipe open";
  EXPECT_EQ(end.output, "done\n");
  EXPECT_FALSE(end.killed);
  WaitForHangup(reader);
}

TEST_F(ProcessTest, AServiceThatAnAgentLeavesRunningIsSpared) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  // It says a word after the leader is gone: when the file appears.
  const std::string go = directory_ / "go";
  Command command = Shell("exec 5>" + fifo + "; (while [ ! -e " + go +
                          " ]; do sleep 0.02; done; echo x >&5) >/dev/null 2>&1 & exit 0");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  command.spare_leftovers = true;
  EXPECT_EQ(Run(command).exit_code, 0);
  bool spoke = false;
  const WatchId watch = loop_->WatchFd(reader.get(), EPOLLIN, [&](std::uint32_t) {
    char byte = 0;
    spoke = read(reader.get(), &byte, 1) == 1;
    loop_->Stop();
  });
  UniqueFd(open(go.c_str(), O_CREAT | O_WRONLY, 0600)).Reset();
  RunUntilStopped();
  loop_->Unwatch(watch);
  EXPECT_TRUE(spoke);
  WaitForHangup(reader);
}

TEST_F(ProcessTest, KillEndsItAtOnceAndDoneStillComes) {
  ProcessEnd end;
  const ProcessId id = runner_.Start(Shell("exec sleep 600"), kNever, [&](ProcessEnd e) {
    end = std::move(e);
    loop_->Stop();
  });
  loop_->Post([&] { runner_.Kill(id); });
  RunUntilStopped();
  EXPECT_TRUE(end.killed);
  EXPECT_EQ(end.signal, SIGKILL);
  runner_.Kill(id);  // over: ignored
  runner_.Kill(0);
}

TEST_F(ProcessTest, AChildThatNeverReadsItsInputBlocksNobody) {
  Command command = Shell("exec sleep 600");
  command.stdin_text.assign(1 << 20, 'x');  // more than any pipe holds
  bool turned = false;
  loop_->CallAt(loop_->Now() + Millis(20), [&] { turned = true; });
  const ProcessEnd end = Run(command, Millis(100));
  EXPECT_TRUE(end.killed);
  EXPECT_TRUE(turned);
}

TEST_F(ProcessTest, HugeOutputIsCutAndCountedWhileTheProgramRunsOn) {
  const ProcessEnd end = Run(Shell("head -c 3000000 /dev/zero; echo late >&2"));
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.output.size(), kMaxProcessOutput);
  EXPECT_EQ(end.errors, Cat("late\n\n[", 3000000 - kMaxProcessOutput, " bytes of output dropped]"));
}

TEST_F(ProcessTest, WhatCannotBeStartedSaysWhy) {
  const std::string plain = directory_ / "plain";
  UniqueFd(open(plain.c_str(), O_CREAT | O_WRONLY, 0600)).Reset();
  const std::string script = directory_ / "script";
  std::ofstream(script) << "#!/no/such/interpreter\n";
  chmod(script.c_str(), 0700);
  const struct {
    const char* name;
    Command command;
    const char* says;
    bool missing = false;
  } cases[] = {
      {"a missing program", {"/no/such/agent", {"agent"}, {}, ""}, "No such file", true},
      {"a script whose interpreter is missing", {script, {"script"}, {}, ""}, "No such file"},
      {"a file that is no program", {plain, {"plain"}, {}, ""}, "Permission denied"},
      {"a relative path", {"sh", {"sh"}, {}, ""}, "not an absolute path"},
      {"no arguments", {"/bin/sh", {}, {}, ""}, "not an absolute path with arguments"},
  };
  for (const auto& c : cases) {
    const ProcessEnd end = Run(c.command);
    EXPECT_FALSE(end.started) << c.name;
    EXPECT_EQ(end.missing, c.missing) << c.name;
    EXPECT_NE(end.errors.find(c.says), std::string::npos) << c.name << ": " << end.errors;
  }
  EXPECT_FALSE(Run(Shell("echo no"), Duration(0)).started) << "its time was over";
}

TEST_F(ProcessTest, TheFirstPlaceThatHasTheProgramIsTaken) {
  Command command{"/no/such/agent", {"agent", "-c", "echo $0"}, {}, ""};
  command.otherwise = {"/no/such/either", "/bin/sh", "/bin/false"};
  const ProcessEnd found = Run(command);
  EXPECT_TRUE(found.started) << found.errors;
  EXPECT_EQ(found.output, "agent\n");
  command.path = "/bin/true";
  EXPECT_EQ(Run(command).output, "") << "what is at path goes first";
  command.path = directory_ / "plain";
  UniqueFd(open(command.path.c_str(), O_CREAT | O_WRONLY, 0600)).Reset();
  EXPECT_NE(Run(command).errors.find("Permission denied"), std::string::npos)
      << "what is there but cannot run is not passed over";
  command.path = "/no/such/agent";
  command.otherwise = {"/no/such/either", "sh"};
  const ProcessEnd nowhere = Run(command);
  EXPECT_TRUE(nowhere.missing);
  EXPECT_NE(nowhere.errors.find("/no/such/agent"), std::string::npos) << nowhere.errors;
}

TEST_F(ProcessTest, ManyAtOnceEachGetTheirOwnEnd) {
  int ends = 0;
  for (int i = 0; i < 20; ++i) {
    runner_.Start(Shell(Cat("exit ", i)), kNever, [&, i](ProcessEnd end) {
      EXPECT_EQ(end.exit_code, i);
      if (++ends == 20) loop_->Stop();
    });
  }
  RunUntilStopped();
}

// True when the descriptor has something to say before the test's patience ends.
bool Waits(const UniqueFd& fd) {
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kTestPatience);
  pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return poll(&ready, 1, static_cast<int>(patience.count())) == 1;
}

// One line from a fifo, empty when none comes in time.
std::string LineFrom(const UniqueFd& reader) {
  std::string line;
  char byte = 0;
  while (Waits(reader) && read(reader.get(), &byte, 1) == 1 && byte != '\n') line += byte;
  return line;
}

// A daemon of its own process that has started the command; it never ends by itself.
pid_t DaemonThatStarts(const Command& command, const std::string& lock) {
  const pid_t test = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is stopped leaves nothing behind
  if (getppid() != test) _exit(1);
  const std::unique_ptr<Loop> loop = std::move(Loop::Create().value());
  LinuxProcessRunner runner(*loop);
  runner.SetLock(std::move(LockOfPrograms(lock, Duration()).value()));
  runner.Start(command, kNever, [](ProcessEnd) { _exit(1); });
  loop->Run();
  _exit(1);
}

TEST_F(ProcessTest, AProgramDiesWithItsDaemonAndAllOfItsDescent) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  Command command = Shell("exec 5>" + fifo + "; " + kOutOfReach + "echo $$ >&5; exec sleep 600");
  command.environment = {{"PATH", "/usr/bin:/bin"}};
  command.spare_leftovers = true;
  const std::string lock = directory_ / "lock";
  const pid_t daemon = DaemonThatStarts(command, lock);
  ASSERT_GT(daemon, 0);
  const std::string number = LineFrom(reader);
  EXPECT_NE(number, "") << "the program did not start";
  const UniqueFd program(number.empty() ? -1 : pidfd_open(std::stoi(number), 0));

  siginfo_t end{};
  EXPECT_EQ(kill(daemon, SIGKILL), 0);
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(daemon), &end, WEXITED), 0);
  EXPECT_EQ(end.si_code, CLD_KILLED) << "the program ended before its daemon was killed";
  EXPECT_TRUE(program && Waits(program)) << "the program outlived its daemon";
  if (program) pidfd_send_signal(program.get(), SIGKILL, nullptr, 0);  // whatever was found

  EXPECT_TRUE(LockOfPrograms(lock, kTestPatience).ok());
  // The lock is free, so the hang-up need not be waited for.
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "something of its descent lives";
}

TEST_F(ProcessTest, ARunnerThatGoesTakesItsProcessesWithIt) {
  UniqueFd reader;
  const std::string fifo = Fifo(reader);
  {
    LinuxProcessRunner runner(*loop_);
    runner.Start(Shell("exec 5>" + fifo + "; echo x >&5; sleep 600 & sleep 600"), kNever,
                 [](ProcessEnd) { ADD_FAILURE() << "nobody is there to be told"; });
    const WatchId watch = loop_->WatchFd(reader.get(), EPOLLIN, [&](std::uint32_t) {
      loop_->Stop();  // it is up
    });
    RunUntilStopped();
    loop_->Unwatch(watch);
  }
  WaitForHangup(reader);
}

}  // namespace
}  // namespace fencepost
