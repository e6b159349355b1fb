#include "fence-agents/agent/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::agent {
namespace {

using testing::HasSubstr;

const Failure kNoAnswer{Phase::kConnect, Cause::kUnreachable, {"BMC", "no answer", ""}};
const Failure kUnsure{Phase::kAct, Cause::kDeviceError, {"BMC", "code FFh", ""}, true};

PlanSettings Settings(Action action) {
  PlanSettings s;
  s.action = action;
  s.io = Millis(1000);
  s.power_timeout = Millis(5000);
  s.status_sleep = Millis(500);
  return s;
}

// Walks a plan against a scripted device; time passes only by waiting and by `cost` a call.
struct World {
  std::function<PowerResult(const std::string&)> read;
  std::function<SwitchResult(const std::string&, PowerState)> change;
  Duration cost = Millis(1);
  MonoTime now{Millis(1'000'000)};
  std::vector<std::string> log;
  MonoTime last_asked{};

  Outcome Walk(PlanSettings settings) {
    Plan plan(std::move(settings));
    PlanEvent event = PlanStart{};
    for (int steps = 0; steps < 10'000; ++steps) {
      const PlanEffect effect = plan.Step(now, event);
      if (const auto* r = std::get_if<ReadPower>(&effect)) {
        last_asked = now;
        EXPECT_GT(r->deadline, now);
        now += cost;
        log.push_back("read " + r->plug);
        event = PowerRead{read(r->plug)};
      } else if (const auto* s = std::get_if<SwitchPower>(&effect)) {
        last_asked = now;
        now += cost;
        log.push_back(Cat(Name(s->wanted), " ", s->plug));
        event = SwitchDone{change(s->plug, s->wanted)};
      } else if (const auto* w = std::get_if<Wait>(&effect)) {
        EXPECT_GE(w->until, now);
        now = w->until;
        event = WaitOver{};
      } else {
        return std::get<Outcome>(effect);
      }
    }
    ADD_FAILURE() << "the plan does not end";
    return {};
  }
};

World Machine(PowerState* state) {
  World w;
  w.read = [state](const std::string&) -> PowerResult { return *state; };
  w.change = [state](const std::string&, PowerState wanted) -> SwitchResult {
    *state = wanted;
    return Ok{};
  };
  return w;
}

TEST(Plan, OffIsBelievedOnlyAfterTwoReadsInARow) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  const Outcome out = w.Walk(Settings(Action::kOff));
  EXPECT_EQ(out.exit_code, 0);
  EXPECT_EQ(out.success, "Success: Powered OFF");
  EXPECT_THAT(w.log, testing::ElementsAre("read ", "off ", "read ", "read "));
}

TEST(Plan, OffOfAMachineThatIsOffSwitchesNothingButStillReadsTwice) {
  PowerState state = PowerState::kOff;
  World w = Machine(&state);
  EXPECT_EQ(w.Walk(Settings(Action::kOff)).success, "Success: Already OFF");
  EXPECT_THAT(w.log, testing::ElementsAre("read ", "read "));
}

TEST(Plan, RebootIsOffProvedThenOnAndNeverOneCommand) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  EXPECT_EQ(w.Walk(Settings(Action::kReboot)).success, "Success: Rebooted");
  EXPECT_THAT(w.log,
              testing::ElementsAre("read ", "off ", "read ", "read ", "on ", "read ", "read "));
}

TEST(Plan, RebootHasSucceededOnceOffIsProvedEvenIfOnFails) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  w.change = [&](const std::string&, PowerState wanted) -> SwitchResult {
    if (wanted == PowerState::kOn) return kNoAnswer;
    state = wanted;
    return Ok{};
  };
  const Outcome out = w.Walk(Settings(Action::kReboot));
  EXPECT_EQ(out.exit_code, 0);
  ASSERT_EQ(out.warnings.size(), 1U);
  EXPECT_THAT(out.warnings[0], HasSubstr("could not be powered on"));
}

TEST(Plan, ADeviceThatAnswersOnAfterOffFailsInBoundedTime) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  w.change = [](const std::string&, PowerState) -> SwitchResult { return Ok{}; };
  const MonoTime begun = w.now;
  const Outcome out = w.Walk(Settings(Action::kOff));
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_EQ(out.failure->phase, Phase::kVerify);
  EXPECT_EQ(out.failure->cause, Cause::kWrongState);
  EXPECT_LT(w.now - begun, Millis(7000));
}

TEST(Plan, AReadThatFailsIsNeverOff) {
  World w;
  w.read = [](const std::string&) -> PowerResult { return kNoAnswer; };
  w.change = [](const std::string&, PowerState) -> SwitchResult { return Ok{}; };
  for (const Action action : {Action::kOff, Action::kReboot, Action::kStatus, Action::kMonitor}) {
    const Outcome out = w.Walk(Settings(action));
    EXPECT_EQ(out.exit_code, 1);
    EXPECT_EQ(out.failure->phase, Phase::kConnect);
  }
}

TEST(Plan, AFailedReadBetweenTwoOffsStartsTheCountAnew) {
  std::deque<PowerResult> answers = {PowerState::kOn, PowerState::kOff, kNoAnswer, PowerState::kOff,
                                     PowerState::kOff};
  World w;
  w.read = [&](const std::string&) {
    const PowerResult answer = answers.front();
    answers.pop_front();
    return answer;
  };
  w.change = [](const std::string&, PowerState) -> SwitchResult { return Ok{}; };
  EXPECT_EQ(w.Walk(Settings(Action::kOff)).exit_code, 0);
  EXPECT_TRUE(answers.empty());
}

TEST(Plan, ACommandOfUnknownEffectIsFollowedByALook) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  w.change = [&](const std::string&, PowerState wanted) -> SwitchResult {
    state = wanted;
    return kUnsure;
  };
  EXPECT_EQ(w.Walk(Settings(Action::kOff)).exit_code, 0);
}

TEST(Plan, ARefusedCommandEndsAtOnce) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  w.change = [](const std::string&, PowerState) -> SwitchResult {
    return Failure{Phase::kPrivilege, Cause::kNotPermitted, {"BMC", "refuses", ""}};
  };
  const Outcome out = w.Walk(Settings(Action::kOff));
  EXPECT_EQ(out.failure->phase, Phase::kPrivilege);
  EXPECT_THAT(w.log, testing::ElementsAre("read ", "off "));
}

TEST(Plan, StatusSaysOffOnlyAfterTwoReadsThatAgree) {
  PowerState state = PowerState::kOff;
  World w = Machine(&state);
  EXPECT_EQ(w.Walk(Settings(Action::kStatus)).exit_code, 2);
  EXPECT_EQ(w.log.size(), 2U);
  std::deque<PowerState> answers = {PowerState::kOff, PowerState::kOn};
  w.read = [&](const std::string&) -> PowerResult {
    const PowerState answer = answers.front();
    answers.pop_front();
    return answer;
  };
  const Outcome out = w.Walk(Settings(Action::kStatus));
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_EQ(out.failure->cause, Cause::kUnclear);
}

TEST(Plan, TwoPowerSuppliesAreBothOffBeforeEitherIsSwitchedOn) {
  std::map<std::string, PowerState> plugs = {{"1", PowerState::kOn}, {"2", PowerState::kOn}};
  World w;
  w.read = [&](const std::string& plug) -> PowerResult { return plugs[plug]; };
  w.change = [&](const std::string& plug, PowerState wanted) -> SwitchResult {
    plugs[plug] = wanted;
    return Ok{};
  };
  PlanSettings s = Settings(Action::kReboot);
  s.plugs = {"1", "2"};
  EXPECT_EQ(w.Walk(s).exit_code, 0);
  EXPECT_THAT(w.log, testing::ElementsAre("read 1", "read 2", "off 1", "off 2", "read 1", "read 2",
                                          "read 1", "read 2", "on 1", "on 2", "read 1", "read 2",
                                          "read 1", "read 2"));
}

TEST(Plan, OneLivePowerSupplyMeansOn) {
  World w;
  w.read = [&](const std::string& plug) -> PowerResult {
    return plug == "2" ? PowerState::kOn : PowerState::kOff;
  };
  w.change = [](const std::string&, PowerState) -> SwitchResult { return Ok{}; };
  PlanSettings s = Settings(Action::kOff);
  s.plugs = {"1", "2"};
  EXPECT_EQ(w.Walk(s).failure->cause, Cause::kWrongState);
}

TEST(Plan, OnIsRepeatedAsOftenAsRetryOnSays) {
  PowerState state = PowerState::kOff;
  World w = Machine(&state);
  int commands = 0;
  w.change = [&](const std::string&, PowerState) -> SwitchResult {
    if (++commands == 3) state = PowerState::kOn;
    return Ok{};
  };
  PlanSettings s = Settings(Action::kOn);
  s.retry_on = 2;
  EXPECT_EQ(w.Walk(s).exit_code, 0);
  commands = 0;
  state = PowerState::kOff;
  s.retry_on = 1;
  EXPECT_EQ(w.Walk(s).exit_code, 1);
  EXPECT_EQ(commands, 2);
}

TEST(Plan, NothingIsSwitchedAtOrAfterNotAfter) {
  PowerState state = PowerState::kOn;
  World w = Machine(&state);
  PlanSettings s = Settings(Action::kOff);
  s.not_after = w.now;
  Outcome out = w.Walk(s);
  EXPECT_EQ(out.failure->cause, Cause::kDeadline);
  EXPECT_TRUE(w.log.empty());
  s.not_after = w.now + Millis(100);
  s.delay = Millis(200);
  out = w.Walk(s);
  EXPECT_EQ(out.failure->cause, Cause::kDeadline);
  EXPECT_EQ(out.failure->phase, Phase::kAct);
  EXPECT_TRUE(w.log.empty());
}

// Whatever a device answers: success of off means that the last command was off and every plug
// was read off twice since; nothing is asked for at or after not_after.
TEST(Plan, RandomDevicesNeverGetAnUnprovedOffBelieved) {
  Prng prng(7);
  int proved = 0, late = 0;
  for (int i = 0; i < 20'000; ++i) {
    World w;
    w.cost = Millis(static_cast<std::int64_t>(prng.Below(900)));
    int off_reads = 0;
    bool switched_off = false;
    w.read = [&](const std::string&) -> PowerResult {
      const auto dice = prng.Below(10);
      if (dice == 0) return (off_reads = 0, kNoAnswer);
      if (dice < 4) return (off_reads = 0, PowerState::kOn);
      ++off_reads;
      return PowerState::kOff;
    };
    w.change = [&](const std::string&, PowerState wanted) -> SwitchResult {
      off_reads = 0;
      switched_off = wanted == PowerState::kOff;
      if (prng.OneIn(5)) return kUnsure;
      return prng.OneIn(9) ? SwitchResult(kNoAnswer) : SwitchResult(Ok{});
    };
    PlanSettings s = Settings(Action::kOff);
    s.power_wait = Millis(static_cast<std::int64_t>(prng.Below(1000)));
    if (prng.OneIn(2)) s.not_after = w.now + Millis(static_cast<std::int64_t>(prng.Below(6000)));
    const Outcome out = w.Walk(s);
    if (s.not_after != kNever && !w.log.empty()) {
      ASSERT_LT(w.last_asked, s.not_after);
    }
    late += out.failure && out.failure->cause == Cause::kDeadline ? 1 : 0;
    if (out.exit_code != 0) {
      ASSERT_TRUE(out.failure.has_value());
      continue;
    }
    ++proved;
    ASSERT_GE(off_reads, kConsistentReads);
    ASSERT_TRUE(switched_off || out.success == "Success: Already OFF");
  }
  EXPECT_GT(proved, 1000);
  EXPECT_GT(late, 1000);
}

}  // namespace
}  // namespace fencepost::agent
