#include "stonith/fencer_testing.h"

namespace fencepost::stonith {
namespace {

using testing::HasSubstr;

FencerConfig TwoDevices() {
  Device bmc, pdu;
  bmc.config = {"bmc-2", "fence_ipmilan", {{kTwo, ""}}, {{"ip", "10.0.0.2"}}};
  pdu.config = {"pdu", "fence_apc_snmp", {{kTwo, "7"}, {kThree, "8"}}, {{"ip", "10.0.0.9"}}};
  pdu.understands_not_after = false;
  return {{bmc, pdu}, {{kTwo, "beta"}, {kThree, "gamma"}}};
}

// What the coordinator before did counts for the one that takes over.
TEST(FencerHandOver, TheMajorityGuardGoesOnWithTheCountOfTheOneBefore) {
  FencerConfig config = TwoSupplies();
  config.guard_nodes = 3;
  for (const bool told : {true, false}) {
    Fencer before(config), after(config);
    const auto off = Only(before.Step(At(0), Ask(1)));
    EXPECT_EQ(off.device, "bmc");
    if (told) {
      for (const FencedBefore& fenced : before.Fenced(At(1'000))) {
        (void)after.Step(At(5'000), fenced);
        (void)after.Step(At(6'000), fenced);  // it is told in each heartbeat
      }
    }
    FenceAsked next = Ask(2);
    next.node = kThree;
    const auto effects = after.Step(At(7'000), next);
    EXPECT_EQ(Of<StartAgent>(effects).empty(), told);
    if (!told) continue;
    EXPECT_THAT(Of<FenceAnswer>(effects).at(0).result.error().cause,
                testing::HasSubstr("majority-guard"));
    (void)after.Step(At(8'000), NodeIsBack{kTwo});
    EXPECT_FALSE(Of<StartAgent>(after.Step(At(9'000), next)).empty()) << "it is back";
  }
}

TEST(FencerHandOver, WhoHearsOfItsOwnFenceIsBack) {
  FencerConfig config = TwoSupplies();
  config.guard_nodes = 2;
  Fencer fencer(config);
  (void)fencer.Step(At(0), FencedBefore{kOne, At(0), {At(0)}});
  EXPECT_EQ(Of<StartAgent>(fencer.Step(At(1), Ask(1))).size(), 1U);
}

TEST(FencerHandOver, ANodeIsLeftOffAfterTheThirdTimeWhoeverCounts) {
  for (const std::size_t times : {std::size_t{1}, std::size_t{2}}) {
    Fencer fencer(TwoSupplies());
    FencedBefore before{kTwo, std::nullopt, {At(-1'000)}};
    if (times == 2) before.proved_off.push_back(At(-90'000));
    (void)fencer.Step(At(0), before);
    (void)fencer.Step(At(0), before);
    const auto off = Only(fencer.Step(At(1), Ask(1, FenceAction::kReboot)));
    const auto check = Only(fencer.Step(At(2), Exit(off.run, 0)));
    const auto proved = fencer.Step(At(3), Exit(check.run, 2));
    EXPECT_EQ(Of<StartAgent>(proved).size(), times == 2 ? 0U : 1U) << times;
    EXPECT_EQ(fencer.Fenced(At(4)).at(0).proved_off.size(), times + 1);
    EXPECT_TRUE(fencer.Fenced(At(4) + kLoopWindow).empty());
  }
}

TEST(Fencer, AnOffIsProvedByASeparateStatusRunBegunAfterIt) {
  Fencer fencer(TwoDevices());
  const auto off = Only(fencer.Step(At(1000), Ask(1)));
  EXPECT_EQ(off.agent, "fence_ipmilan");
  EXPECT_EQ(off.stdin_text, "ip=10.0.0.2\naction=off\nnodename=beta\nnot_after_ms=90000\n");
  EXPECT_TRUE(fencer.MaySwitch());
  const auto after = fencer.Step(At(2000), Exit(off.run, 0));
  EXPECT_TRUE(Of<FenceAnswer>(after).empty()) << "the agent's word alone is not believed";
  const auto status = Only(after);
  EXPECT_EQ(status.action, "status");
  EXPECT_FALSE(fencer.MaySwitch());
  const auto answers = Of<FenceAnswer>(fencer.Step(At(2500), Exit(status.run, 2)));
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_TRUE(answers[0].result.ok());
  EXPECT_EQ(answers[0].result->off_begun_at, At(1000));
  EXPECT_EQ(answers[0].result->begun_at, At(2000));
  EXPECT_EQ(answers[0].result->ended_at, At(2500));
  EXPECT_TRUE(fencer.Idle());
  ASSERT_EQ(fencer.history().size(), 1U);
  EXPECT_TRUE(fencer.history()[0].proved_off);
  ASSERT_EQ(fencer.history()[0].phases.size(), 2U);
  EXPECT_EQ(fencer.history()[0].phases[1].begun, At(2000));
}

TEST(Fencer, ARebootAnswersWhenOffIsProvedAndPowersOnAfterwards) {
  Fencer fencer(TwoDevices());
  const auto off = Only(fencer.Step(At(0), Ask(1, FenceAction::kReboot)));
  EXPECT_EQ(off.action, "off") << "never the agent's own reboot";
  const auto status = Only(fencer.Step(At(10), Exit(off.run, 0)));
  const auto proved = fencer.Step(At(20), Exit(status.run, 2));
  EXPECT_TRUE(Of<FenceAnswer>(proved).at(0).result.ok());
  const auto on = Only(proved);
  EXPECT_EQ(on.action, "on");
  EXPECT_TRUE(fencer.MaySwitch());
  EXPECT_TRUE(Of<FenceAnswer>(fencer.Step(At(30), Exit(on.run, 1))).empty());
  EXPECT_TRUE(fencer.Idle());
}

struct EndCase {
  const char* name;
  AgentEnded off;
  std::optional<AgentEnded> status;
  std::string error;
};

TEST(Fencer, WhateverIsNotAProofIsAnErrorWithPhaseAndCause) {
  const EndCase cases[] = {
      {"the agent fails",
       Exit(0, 1, "x\nfence_a: failed phase=auth cause=bad-credentials: no\n"),
       {},
       "phase=auth cause=bad-credentials: no"},
      {"a foreign agent fails",
       Exit(0, 1, "Failed: Unable to connect\n"),
       {},
       "cause=exit-1: Failed: Unable to connect"},
      {"the agent says off at once", Exit(0, 2), {}, "cause=exit-2"},
      {"the agent is killed", {0, true, true, -1, ""}, {}, "cause=deadline"},
      {"killed but with a good exit code", {0, true, true, 0, ""}, {}, "cause=deadline"},
      {"the agent crashes", {0, true, false, -1, ""}, {}, "cause=crashed"},
      {"the agent is not there", {0, false, false, -1, "no such file"}, {}, "no such file"},
      {"on after off", Exit(0, 0), Exit(0, 0), "phase=verify cause=wrong-state"},
      {"unknown after off", Exit(0, 0), Exit(0, 1), "cause=exit-1"},
      {"killed while looking", Exit(0, 0), AgentEnded{0, true, true, 2, ""}, "cause=deadline"},
  };
  for (const auto& c : cases) {
    Fencer fencer(TwoDevices());
    auto effects = fencer.Step(At(0), Ask(1));
    std::vector<std::string> tried;
    MonoTime now = At(0);
    while (Of<FenceAnswer>(effects).empty()) {
      const auto starts = Of<StartAgent>(effects);
      now += Millis(1000);
      if (starts.empty()) {
        effects = fencer.Step(now, Tick{});
        continue;
      }
      ASSERT_LT(tried.size(), 20U) << c.name;
      tried.push_back(starts[0].device);
      AgentEnded ended = starts[0].action == "off" ? c.off : *c.status;
      ended.run = starts[0].run;
      effects = fencer.Step(now, ended);
    }
    const auto answer = Of<FenceAnswer>(effects)[0];
    ASSERT_FALSE(answer.result.ok()) << c.name;
    EXPECT_THAT(answer.result.error().Text(), HasSubstr(c.error)) << c.name;
    EXPECT_EQ(tried.front(), "bmc-2");
    EXPECT_EQ(tried.back(), "pdu") << "the next device is tried";
    EXPECT_FALSE(fencer.history()[0].proved_off);
  }
}

TEST(Fencer, AForeignAgentGetsItsPlugAndNoOptionItDoesNotKnow) {
  Fencer fencer(TwoDevices());
  FenceAsked ask = Ask(1);
  ask.node = kThree;
  EXPECT_EQ(Only(fencer.Step(At(0), ask)).stdin_text,
            "ip=10.0.0.9\naction=off\nnodename=gamma\nplug=8\n");
}

TEST(Fencer, AParameterCannotSmuggleInAnAction) {
  FencerConfig config = TwoDevices();
  config.devices[0].config.parameters = {{"action", "on"}, {"ip", "h\naction=on"}};
  Fencer fencer(config);
  const auto start = Only(fencer.Step(At(0), Ask(1)));
  EXPECT_EQ(start.stdin_text, "action=off\nnodename=beta\nnot_after_ms=90000\n");
}

TEST(Fencer, NothingBeginsAtOrAfterNotAfterAndEveryRunIsKilledThere) {
  Fencer fencer(TwoDevices());
  const auto late = fencer.Step(At(500), Ask(1, FenceAction::kOff, At(500)));
  EXPECT_TRUE(Of<StartAgent>(late).empty());
  EXPECT_FALSE(Of<FenceAnswer>(late).at(0).result.ok());
  const auto off = Only(fencer.Step(At(600), Ask(2, FenceAction::kOff, At(2000))));
  EXPECT_EQ(off.kill_at, At(2000));
  const auto ended = fencer.Step(At(2000), Exit(off.run, 0));
  EXPECT_TRUE(Of<StartAgent>(ended).empty());
  ASSERT_EQ(Of<FenceAnswer>(ended).size(), 1U);
  EXPECT_THAT(Of<FenceAnswer>(ended)[0].result.error().cause, HasSubstr("cause=deadline"));
}

TEST(Fencer, ARequestOfTheSameTermJoinsAndOneOfAnotherTermWaits) {
  Fencer fencer(TwoDevices());
  const auto off = Only(fencer.Step(At(0), Ask(1)));
  EXPECT_TRUE(Of<StartAgent>(fencer.Step(At(1), Ask(2))).empty());
  const Term newer(6, NodeId(3));
  EXPECT_TRUE(
      Of<StartAgent>(fencer.Step(At(2), Ask(3, FenceAction::kOff, At(90'000), newer))).empty());
  const auto status = Only(fencer.Step(At(10), Exit(off.run, 0)));
  const auto proved = fencer.Step(At(20), Exit(status.run, 2));
  ASSERT_EQ(Of<FenceAnswer>(proved).size(), 2U);
  EXPECT_EQ(Only(proved).action, "off") << "the other term's own operation follows at once";
}

TEST(Fencer, AWaiterIsAnsweredAtItsOwnNotAfter) {
  Fencer fencer(TwoDevices());
  (void)fencer.Step(At(0), Ask(1, FenceAction::kOff, At(5000)));
  const auto joined = fencer.Step(At(1), Ask(2, FenceAction::kOff, At(1000)));
  EXPECT_EQ(Of<WakeAt>(joined).at(0).when, At(1000));
  const auto woken = fencer.Step(At(1000), Tick{});
  ASSERT_EQ(Of<FenceAnswer>(woken).size(), 1U);
  EXPECT_EQ(Of<FenceAnswer>(woken)[0].id, 2U);
}

TEST(Fencer, LosingTheRightKillsAndForbidsWhatTheTermAskedFor) {
  Fencer fencer(TwoDevices());
  const auto off = Only(fencer.Step(At(0), Ask(1)));
  const auto lost = fencer.Step(At(10), RightsLost{Term(5, NodeId(1))});
  ASSERT_EQ(Of<KillAgent>(lost).size(), 1U);
  EXPECT_THAT(Of<FenceAnswer>(lost).at(0).result.error().cause, HasSubstr("rights-lost"));
  EXPECT_TRUE(fencer.MaySwitch()) << "until its end is known the child lives";
  EXPECT_TRUE(Of<StartAgent>(fencer.Step(At(20), AgentEnded{off.run, true, true, -1, ""})).empty());
  EXPECT_FALSE(fencer.MaySwitch());
  EXPECT_TRUE(fencer.Idle());
  EXPECT_FALSE(Of<FenceAnswer>(fencer.Step(At(30), Ask(2))).at(0).result.ok());
  EXPECT_EQ(
      Only(fencer.Step(At(40), Ask(3, FenceAction::kOff, At(9000), Term(6, NodeId(1))))).action,
      "off");
}

TEST(Fencer, ANodeWithoutDeviceIsRefused) {
  Fencer fencer(TwoDevices());
  FenceAsked ask = Ask(1);
  ask.node = NodeId(9);
  EXPECT_THAT(Of<FenceAnswer>(fencer.Step(At(0), ask)).at(0).result.error().cause,
              HasSubstr("cause=no-device"));
}

TEST(Fencer, TooManyRequestsAreRefusedByName) {
  Fencer fencer(TwoDevices());
  for (RequestId id = 1; id <= kMaxRequests; ++id) {
    EXPECT_TRUE(Of<FenceAnswer>(fencer.Step(At(0), Ask(id))).empty());
  }
  EXPECT_THAT(Of<FenceAnswer>(fencer.Step(At(0), Ask(999))).at(0).result.error().cause,
              HasSubstr("cause=busy"));
}

TEST(FencerStatus, ATellsOnOffOrUnknownAndWhenTheQuestionBegan) {
  for (const auto& [code, power] : {std::pair{0, Power::kOn}, std::pair{2, Power::kOff}}) {
    Fencer fencer(TwoDevices());
    const auto run = Only(fencer.Step(At(100), StatusAsked{7, kTwo, At(5000)}));
    EXPECT_EQ(run.action, "status");
    EXPECT_FALSE(fencer.MaySwitch());
    const auto answer = Of<StatusAnswer>(fencer.Step(At(300), Exit(run.run, code))).at(0);
    EXPECT_EQ(answer.power, power);
    EXPECT_EQ(answer.begun_at, At(100));
    EXPECT_TRUE(fencer.Idle());
  }
}

TEST(FencerStatus, TheNextDeviceIsAskedAndSilenceIsUnknown) {
  Fencer fencer(TwoDevices());
  const auto first = Only(fencer.Step(At(0), StatusAsked{7, kTwo, At(5000)}));
  const auto second = Only(fencer.Step(At(100), Exit(first.run, 1, "no route")));
  EXPECT_EQ(second.device, "pdu");
  const auto answer =
      Of<StatusAnswer>(fencer.Step(At(200), AgentEnded{second.run, true, true, 2, ""})).at(0);
  EXPECT_EQ(answer.power, Power::kUnknown);
  EXPECT_THAT(answer.reason, HasSubstr("deadline"));
}

}  // namespace
}  // namespace fencepost::stonith
