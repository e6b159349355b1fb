#include "membership/executor/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"

namespace fencepost::executor {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr auto kStart = ResourceAction::kStart;
constexpr auto kStop = ResourceAction::kStop;
constexpr auto kProbe = ResourceAction::kProbe;
constexpr auto kMonitor = ResourceAction::kMonitor;
constexpr auto kMonitored = seconds(5);
constexpr auto kAgentTime = seconds(20);
const Term kTerm(7, NodeId(1));

MonoTime At(Duration since_start) { return MonoTime{} + since_start; }

Primitive Resource(std::string id, Duration interval) {
  Primitive p;
  p.id = std::move(id);
  p.provider = "heartbeat";
  p.type = "Dummy";
  p.parameters = {{"ip", "10.97.0.100"}};
  p.start_timeout = p.stop_timeout = p.monitor_timeout = p.probe_timeout = kAgentTime;
  p.monitor_interval = interval;
  return p;
}

Cib TwoInAGroup(Duration interval = {}) {
  Cib cib;
  cib.groups = {{"g", {Resource("ip", interval), Resource("app", interval)}}};
  return cib;
}

// The executor with a shell that writes down what it is asked to do: "7 start ip", "kill 7".
class Hands {
 public:
  explicit Hands(const Cib& cib) : executor(cib) {}

  std::vector<std::string> Step(const Event& event, Duration at) {
    std::vector<std::string> out;
    for (const Effect& effect : executor.Step(event, At(at))) {
      if (const auto* start = std::get_if<StartProcess>(&effect)) {
        last = *start;
        out.push_back(Cat(start->process, " ", ToText(start->action), " ", start->resource));
      } else if (const auto* kill = std::get_if<KillProcess>(&effect)) {
        out.push_back(Cat("kill ", kill->process));
      } else if (const auto* done = std::get_if<OrderDone>(&effect)) {
        out.push_back(Cat("order ", done->operation, ": ", ToText(done->outcome)));
      } else if (std::holds_alternative<Quiesced>(effect)) {
        out.emplace_back("quiesced");
      } else if (const auto* left = std::get_if<NotQuiesced>(&effect)) {
        for (const std::string& r : left->resources) out.push_back("not quiesced: " + r);
      }
    }
    return out;
  }
  std::vector<std::string> Exit(ProcessNumber process, int code, Duration at) {
    return Step(ProcessEnded{process, true, false, false, code}, at);
  }
  ResourceStatus Status(const std::string& resource) {
    for (const ResourceStatus& status : executor.Statuses()) {
      if (status.resource == resource) return status;
    }
    return {};
  }
  ResourceState State(const std::string& resource) { return Status(resource).state; }
  // Both probed as stopped, by processes 1 and 2.
  void BeginStopped() {
    Step(Begin{}, {});
    Exit(1, kOcfNotRunning, {});
    Exit(2, kOcfNotRunning, {});
  }
  // Both running, by processes 1 and 2.
  void BeginRunning() {
    Step(Begin{}, {});
    Exit(1, kOcfSuccess, {});
    Exit(2, kOcfSuccess, {});
  }

  Executor executor;
  StartProcess last;
};

Order StartOrder(std::string resource, Duration not_after, std::uint64_t operation = 1) {
  return {operation, kTerm, std::move(resource), kStart, At(not_after)};
}
Order StopOrder(std::string resource, Duration not_after, std::uint64_t operation = 1) {
  return {operation, kTerm, std::move(resource), kStop, At(not_after)};
}

TEST(Begin, ProbesEverythingAndPublishesWhatItFinds) {
  Hands h(TwoInAGroup());
  EXPECT_EQ(h.State("ip"), ResourceState::kUnknown);
  EXPECT_THAT(h.Step(Begin{}, {}), ElementsAre("1 probe ip", "2 probe app"));
  EXPECT_TRUE(h.Status("ip").busy);
  h.Exit(1, kOcfSuccess, {});
  h.Exit(2, kOcfNotRunning, {});
  EXPECT_EQ(h.State("ip"), ResourceState::kRunning);
  EXPECT_EQ(h.State("app"), ResourceState::kStopped);
  EXPECT_FALSE(h.Status("ip").busy);
}

TEST(Probe, EachReturnCodeHasItsMeaning) {
  struct {
    int code;
    ResourceState state;
    bool unfit;
  } const cases[] = {
      {0, ResourceState::kRunning, false}, {1, ResourceState::kFailed, false},
      {2, ResourceState::kFailed, true},   {3, ResourceState::kFailed, true},
      {4, ResourceState::kFailed, true},   {5, ResourceState::kStopped, true},
      {6, ResourceState::kFailed, true},   {7, ResourceState::kStopped, false},
      {8, ResourceState::kFailed, false},  {9, ResourceState::kFailed, false},
      {77, ResourceState::kFailed, false},
  };
  for (const auto& c : cases) {
    Hands h(TwoInAGroup());
    h.Step(Begin{}, {});
    h.Exit(1, c.code, {});
    EXPECT_EQ(h.State("ip"), c.state) << c.code;
    EXPECT_EQ(h.Status("ip").unfit, c.unfit) << c.code;
  }
}

TEST(Probe, ThatCouldNotRunIsRepeatedAndAMissingAgentIsNotInstalled) {
  Hands h(TwoInAGroup());
  h.Step(Begin{}, {});
  EXPECT_THAT(h.Step(ProcessEnded{1, false, false, false, -1}, {}), IsEmpty());
  EXPECT_EQ(h.State("ip"), ResourceState::kUnknown);
  EXPECT_TRUE(h.Status("ip").busy) << "the coordinator need not ask";
  EXPECT_EQ(h.executor.NextDeadline(), At(seconds(1)));
  EXPECT_THAT(h.Step(Tick{}, seconds(1)), ElementsAre("3 probe ip"));
  h.Step(ProcessEnded{2, false, true, false, -1}, {});
  EXPECT_EQ(h.State("app"), ResourceState::kStopped);
  EXPECT_TRUE(h.Status("app").unfit);
}

TEST(StartProcess, IsACompleteCallOfTheAgent) {
  Hands h(TwoInAGroup(kMonitored));
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(3)), seconds(1));
  EXPECT_EQ(h.last.path, "/usr/lib/ocf/resource.d/heartbeat/Dummy");
  EXPECT_THAT(h.last.argv, ElementsAre("/usr/lib/ocf/resource.d/heartbeat/Dummy", "start"));
  EXPECT_EQ(h.last.kill_at, At(seconds(1) + kAgentTime));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_ROOT", "/usr/lib/ocf")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESKEY_ip", "10.97.0.100")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESOURCE_INSTANCE", "ip")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESOURCE_TYPE", "Dummy")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESOURCE_PROVIDER", "heartbeat")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RA_VERSION_MAJOR", "1")));
  EXPECT_THAT(h.last.environment, Contains(Pair("HA_RSCTMP", "/run/resource-agents")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESKEY_CRM_meta_timeout", "20000")));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESKEY_CRM_meta_interval", "0")));
  EXPECT_THAT(h.Exit(3, 0, seconds(2)), ElementsAre("order 1: success (0)", "4 monitor ip"))
      << "the first monitor follows at once";
  EXPECT_THAT(h.last.argv, ElementsAre(h.last.path, "monitor"));
  EXPECT_THAT(h.last.environment, Contains(Pair("OCF_RESKEY_CRM_meta_interval", "5000")));
}

TEST(Start, EachOutcomeHasItsMeaning) {
  const auto exit = [](int code) { return ProcessEnded{3, true, false, false, code}; };
  struct {
    const char* name;
    ProcessEnded end;
    ResourceState state;
    bool start_failed, unfit;
  } const cases[] = {
      {"success", exit(0), ResourceState::kRunning, false, false},
      {"error", exit(1), ResourceState::kFailed, true, false},
      {"bad arguments", exit(2), ResourceState::kFailed, true, true},
      {"not installed", exit(5), ResourceState::kStopped, true, true},
      {"not configured", exit(6), ResourceState::kFailed, true, true},
      {"not running", exit(7), ResourceState::kFailed, true, false},
      {"a crash", exit(-1), ResourceState::kFailed, true, false},
      {"a time-out", {3, true, false, true, -1}, ResourceState::kFailed, true, false},
      {"no fork", {3, false, false, false, -1}, ResourceState::kStopped, true, false},
      {"no agent", {3, false, true, false, -1}, ResourceState::kStopped, true, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Hands h(TwoInAGroup());
    h.BeginStopped();
    EXPECT_THAT(h.Step(StartOrder("ip", seconds(9)), seconds(1)), ElementsAre("3 start ip"));
    EXPECT_EQ(h.State("ip"), ResourceState::kStarting);
    h.Step(c.end, seconds(2));
    EXPECT_EQ(h.State("ip"), c.state);
    EXPECT_EQ(h.Status("ip").start_failed, c.start_failed);
    EXPECT_EQ(h.Status("ip").unfit, c.unfit);
    EXPECT_EQ(h.Status("ip").fail_count, c.start_failed ? 1U : 0U);
  }
}

TEST(Start, NeverBeginsAtOrAfterItsDeadline) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(2)), seconds(2)),
              ElementsAre("order 1: not begun: its authority had ended"));
  EXPECT_EQ(h.State("ip"), ResourceState::kStopped);
  EXPECT_EQ(h.Status("ip").fail_count, 0U);
}

TEST(Start, ThatWaitsForAProbeExpiresThere) {
  Hands h(TwoInAGroup());
  h.Step(Begin{}, {});
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(2)), seconds(1)), IsEmpty());
  EXPECT_EQ(h.executor.NextDeadline(), At(seconds(2)));
  EXPECT_THAT(h.Step(Tick{}, seconds(2)),
              ElementsAre("order 1: not begun: its authority had ended"));
  EXPECT_THAT(h.Exit(1, kOcfNotRunning, seconds(3)), IsEmpty());
}

TEST(Start, IsKilledWhenItsAuthorityEndsAndItsLateResultIsNotBelieved) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(2)), seconds(1));
  EXPECT_EQ(h.executor.NextDeadline(), At(seconds(2)));
  EXPECT_THAT(h.Step(Tick{}, seconds(2)), ElementsAre("kill 3"));
  EXPECT_THAT(h.Step(Tick{}, seconds(3)), IsEmpty()) << "once";
  EXPECT_THAT(h.Exit(3, kOcfSuccess, seconds(3)),
              ElementsAre("order 1: killed when its authority ended"));
  EXPECT_EQ(h.State("ip"), ResourceState::kFailed) << "it may be active";
  EXPECT_FALSE(h.Status("ip").start_failed) << "that was not its fault";
  EXPECT_EQ(h.Status("ip").fail_count, 0U);
}

TEST(Start, LivesOnWhileTheGrantOfItsTermIsRenewed) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(2)), seconds(1));
  EXPECT_THAT(h.Step(Authority{kTerm, At(seconds(4))}, Millis(1900)), IsEmpty());
  EXPECT_THAT(h.Step(Tick{}, seconds(2)), IsEmpty());
  EXPECT_THAT(h.Step(Authority{Term(8, NodeId(2)), At(seconds(9))}, seconds(3)), IsEmpty());
  EXPECT_THAT(h.Step(Tick{}, seconds(4)), ElementsAre("kill 3")) << "another term is no renewal";
}

TEST(Start, IsNotRevivedByARenewalThatComesTooLate) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(2)), seconds(1));
  EXPECT_THAT(h.Step(Authority{kTerm, At(seconds(9))}, seconds(2)), ElementsAre("kill 3"));
}

TEST(Start, IsKilledAtOnceWhenAuthorityIsRevoked) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(9)), seconds(1));
  EXPECT_THAT(h.Step(Revoke{}, seconds(2)), ElementsAre("kill 3"));
}

TEST(Orders, ThatDoNotFitAreRefused) {
  Hands h(TwoInAGroup());
  const auto refused =
      ElementsAre("order 1: refused: the resource is busy, in another state, or not configured");
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(9)), {}), refused) << "its state is unknown";
  h.BeginRunning();
  EXPECT_THAT(h.Step(StartOrder("nobody", seconds(9)), {}), refused);
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(9)), {}), refused) << "it runs";
  EXPECT_THAT(h.Step(Order{1, kTerm, "ip", kProbe, At(seconds(9))}, {}), refused);
  EXPECT_THAT(h.Step(Order{1, kTerm, "ip", kMonitor, At(seconds(9))}, {}), refused);
  h.Step(StopOrder("ip", seconds(9), 2), {});
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(9)), {}), refused) << "a stop is running";
  h.Exit(3, kOcfGenericError, {});
  EXPECT_EQ(h.State("ip"), ResourceState::kStopFailed);
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(9)), {}), refused) << "a stop failed";
}

TEST(Stop, IsNeitherPreventedNorEndedByTheLossOfAuthority) {
  Hands h(TwoInAGroup());
  h.BeginRunning();
  EXPECT_THAT(h.Step(StopOrder("ip", seconds(1)), seconds(2)), ElementsAre("3 stop ip"));
  EXPECT_THAT(h.Step(Revoke{}, seconds(3)), IsEmpty());
  EXPECT_EQ(h.State("ip"), ResourceState::kStopping);
  EXPECT_THAT(h.Exit(3, 0, seconds(4)), ElementsAre("order 1: success (0)"));
  EXPECT_EQ(h.State("ip"), ResourceState::kStopped);
}

TEST(Stop, ThatFailsHangsOrCannotRunIsNeverTakenForStopped) {
  for (const ProcessEnded end :
       {ProcessEnded{3, true, false, false, 1}, ProcessEnded{3, true, false, false, kOcfNotRunning},
        ProcessEnded{3, true, false, false, kOcfNotInstalled},
        ProcessEnded{3, true, false, true, -1}, ProcessEnded{3, true, false, false, -1},
        ProcessEnded{3, false, true, false, -1}}) {
    Hands h(TwoInAGroup());
    h.BeginRunning();
    h.Step(StopOrder("ip", seconds(9)), seconds(1));
    h.Step(end, seconds(2));
    EXPECT_EQ(h.State("ip"), ResourceState::kStopFailed) << end.exit_code;
  }
}

TEST(Stop, TakesThePlaceOfAMonitorThatHangsAndOfAStart) {
  Hands h(TwoInAGroup(kMonitored));
  h.BeginRunning();  // their first monitors are 3 and 4
  EXPECT_THAT(h.Step(StopOrder("ip", seconds(9)), seconds(1)), ElementsAre("kill 3"));
  EXPECT_EQ(h.State("ip"), ResourceState::kRunning);
  EXPECT_THAT(h.Step(ProcessEnded{3, true, false, true, -1}, seconds(2)), ElementsAre("5 stop ip"));
  EXPECT_EQ(h.Status("ip").fail_count, 0U) << "the monitor did not fail, it was killed";
  h.Exit(5, 0, seconds(3));
  h.Step(StartOrder("ip", seconds(9), 2), seconds(4));
  EXPECT_THAT(h.Step(StopOrder("ip", seconds(9), 3), seconds(5)), ElementsAre("kill 6"));
  EXPECT_THAT(h.Exit(6, 0, seconds(5)), ElementsAre("order 2: superseded by a stop", "7 stop ip"));
}

TEST(Monitor, RecursAfterItsIntervalAndFindsFailures) {
  Hands h(TwoInAGroup(kMonitored));
  h.Step(Begin{}, {});
  EXPECT_THAT(h.Exit(1, 0, seconds(1)), ElementsAre("3 monitor ip"));
  EXPECT_FALSE(h.Status("ip").busy) << "a monitor keeps no order away";
  h.Exit(2, kOcfNotRunning, seconds(1));
  h.Exit(3, 0, seconds(2));
  EXPECT_EQ(h.executor.NextDeadline(), At(seconds(7)));
  EXPECT_THAT(h.Step(Tick{}, Millis(6999)), IsEmpty());
  EXPECT_THAT(h.Step(Tick{}, seconds(7)), ElementsAre("4 monitor ip"));
  h.Exit(4, kOcfNotRunning, seconds(8));
  const ResourceStatus status = h.Status("ip");
  EXPECT_EQ(status.state, ResourceState::kFailed);
  EXPECT_EQ(status.failed_action, kMonitor);
  EXPECT_EQ(status.fail_count, 1U);
  EXPECT_EQ(h.executor.NextDeadline(), kNever) << "no monitor of what is not running";
}

TEST(Monitor, ThatHangsIsAFailure) {
  Hands h(TwoInAGroup(kMonitored));
  h.BeginRunning();
  h.Step(ProcessEnded{3, true, false, true, -1}, kAgentTime);
  EXPECT_EQ(h.State("ip"), ResourceState::kFailed);
  EXPECT_EQ(h.Status("ip").failure.kind, Outcome::Kind::kTimedOut);
}

TEST(StopAll, StopsInReverseOrderAndSaysWhenAllIsQuiet) {
  Hands h(TwoInAGroup(kMonitored));
  h.BeginRunning();
  h.Exit(3, 0, {});
  h.Exit(4, 0, {});
  EXPECT_FALSE(h.executor.IsQuiesced());
  EXPECT_THAT(h.Step(StopAll{}, seconds(1)), ElementsAre("5 stop app"));
  EXPECT_THAT(h.Exit(5, 0, seconds(2)), ElementsAre("6 stop ip"));
  EXPECT_FALSE(h.executor.IsQuiesced());
  EXPECT_THAT(h.Exit(6, 0, seconds(3)), ElementsAre("quiesced"));
  EXPECT_TRUE(h.executor.IsQuiesced());
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(99)), seconds(4)),
              ElementsAre("order 1: not begun: its authority had ended"));
  EXPECT_TRUE(h.executor.IsQuiesced());
  h.Step(Resume{}, seconds(5));
  EXPECT_FALSE(h.executor.IsQuiesced()) << "it may start something from now on";
  EXPECT_THAT(h.Step(StartOrder("ip", seconds(99)), seconds(6)), ElementsAre("7 start ip"));
}

TEST(StopAll, KillsAStartInFlightAndStopsWhatItLeft) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(99)), seconds(1));
  EXPECT_THAT(h.Step(StopAll{}, seconds(2)), ElementsAre("kill 3"));
  EXPECT_FALSE(h.executor.IsQuiesced());
  EXPECT_THAT(h.Exit(3, 0, seconds(3)), ElementsAre("order 1: superseded by a stop", "4 stop ip"));
  EXPECT_THAT(h.Exit(4, 0, seconds(4)), ElementsAre("quiesced"));
}

TEST(StopAll, TakesTheUnknownForActive) {
  Hands h(TwoInAGroup());
  EXPECT_THAT(h.Step(StopAll{}, {}), ElementsAre("1 stop app"));
  EXPECT_THAT(h.Step(ProcessEnded{1, false, true, false, -1}, {}), ElementsAre("2 stop ip"))
      << "its agent is not there: nothing can have started it";
  EXPECT_THAT(h.Exit(2, 0, {}), ElementsAre("quiesced"));
}

TEST(StopAll, NamesWhatItCouldNotStopGoesOnWithTheRestAndTriesAgainWhenTold) {
  Hands h(TwoInAGroup());
  h.BeginRunning();
  h.Step(StopAll{}, seconds(1));
  EXPECT_THAT(h.Exit(3, 1, seconds(2)), ElementsAre("4 stop ip"));
  EXPECT_THAT(h.Exit(4, 0, seconds(3)), ElementsAre("not quiesced: app"));
  EXPECT_FALSE(h.executor.IsQuiesced());
  EXPECT_THAT(h.Step(Tick{}, seconds(4)), IsEmpty()) << "said once";
  EXPECT_THAT(h.Step(StopAll{}, seconds(5)), ElementsAre("5 stop app"));
  EXPECT_THAT(h.Exit(5, 0, seconds(6)), ElementsAre("quiesced"));
}

TEST(StopAll, ThatIsTakenBackBeforeAStopCameLeavesTheResourceMonitored) {
  Hands h(TwoInAGroup(kMonitored));
  h.BeginRunning();
  EXPECT_THAT(h.Step(StopAll{}, seconds(1)), ElementsAre("kill 3", "kill 4"));
  h.Exit(3, -1, seconds(1));
  EXPECT_THAT(h.Exit(4, -1, seconds(1)), ElementsAre("5 stop app"));
  EXPECT_THAT(h.Step(Resume{}, seconds(2)), ElementsAre("6 monitor ip"));
  EXPECT_EQ(h.State("ip"), ResourceState::kRunning);
}

TEST(Forget, ClearsFailuresAndLooksAgain) {
  Hands h(TwoInAGroup());
  h.BeginStopped();
  h.Step(StartOrder("ip", seconds(99)), seconds(1));
  h.Exit(3, kOcfNotInstalled, seconds(2));
  EXPECT_TRUE(h.Status("ip").unfit);
  EXPECT_THAT(h.Step(Forget{"ip"}, seconds(3)), ElementsAre("4 probe ip"));
  h.Exit(4, kOcfNotRunning, seconds(4));
  EXPECT_EQ(h.Status("ip").fail_count, 0U);
  EXPECT_FALSE(h.Status("ip").unfit);
  EXPECT_FALSE(h.Status("ip").start_failed);
  EXPECT_EQ(h.State("ip"), ResourceState::kStopped);
}

TEST(ProcessEnded, OfAStrangerChangesNothing) {
  Hands h(TwoInAGroup());
  h.Step(Begin{}, {});
  EXPECT_THAT(h.Exit(99, 0, {}), IsEmpty());
  h.Exit(1, kOcfNotRunning, {});
  EXPECT_THAT(h.Exit(1, 0, {}), IsEmpty()) << "it has ended before";
  EXPECT_EQ(h.State("ip"), ResourceState::kStopped);
}

}  // namespace
}  // namespace fencepost::executor
