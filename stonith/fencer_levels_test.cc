// Levels, several outlets, limits of devices, guards, unfencing and looking after devices.
#include "stonith/fencer_testing.h"

namespace fencepost::stonith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Started(const std::vector<FencerEffect>& effects) {
  std::vector<std::string> out;
  for (const StartAgent& s : Of<StartAgent>(effects)) out.push_back(Cat(s.device, " ", s.action));
  return out;
}

FencerConfig OnlySupplies() {
  FencerConfig config = TwoSupplies();
  config.levels = {MakeLevel(kTwo, 1, {"pdu-a", "pdu-b"})};
  return config;
}

TEST(FencerLevels, TwoSuppliesAreBothOffThenBothVerifiedThenBothOn) {
  Fencer fencer(OnlySupplies());
  const auto offs = Of<StartAgent>(fencer.Step(At(0), Ask(1, FenceAction::kReboot)));
  ASSERT_EQ(offs.size(), 2U);
  EXPECT_THAT(offs[1].stdin_text, HasSubstr("plug=7\n"));
  EXPECT_THAT(Started(fencer.Step(At(100), Exit(offs[0].run, 0))), IsEmpty())
      << "the other supply may still feed it";
  const auto checks = Of<StartAgent>(fencer.Step(At(900), Exit(offs[1].run, 0)));
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_THAT(Started(fencer.Step(At(1000), Exit(checks[1].run, 2))), IsEmpty());
  const auto last = fencer.Step(At(1100), Exit(checks[0].run, 2));
  const auto answer = Of<FenceAnswer>(last).at(0);
  ASSERT_TRUE(answer.result.ok());
  EXPECT_EQ(answer.result->device, "pdu-a + pdu-b");
  EXPECT_EQ(answer.result->begun_at, At(900));
  EXPECT_TRUE(answer.result->coverage.node);
  EXPECT_THAT(Started(last), ElementsAre("pdu-a on", "pdu-b on"));
}

TEST(FencerLevels, ASupplyThatIsOnAfterOffMakesAllBeVerifiedAnew) {
  Fencer fencer(OnlySupplies());
  const auto offs = Of<StartAgent>(fencer.Step(At(0), Ask(1)));
  (void)fencer.Step(At(1), Exit(offs.at(0).run, 0));
  const auto checks = Of<StartAgent>(fencer.Step(At(2), Exit(offs.at(1).run, 0)));
  (void)fencer.Step(At(3), Exit(checks.at(0).run, 2));
  (void)fencer.Step(At(4), Exit(checks.at(1).run, 0));
  const auto again = Only(fencer.Step(At(300), Tick{}));
  EXPECT_EQ(again.device + again.action, "pdu-boff");
  EXPECT_THAT(Started(fencer.Step(At(400), Exit(again.run, 0))),
              ElementsAre("pdu-a status", "pdu-b status"));
}

TEST(FencerLevels, ALevelOfWhichOneFailsProvesNothingAndTheNextBegins) {
  FencerConfig config = TwoSupplies();
  config.levels = {MakeLevel(kTwo, 1, {"pdu-a", "pdu-b"}), MakeLevel(kTwo, 2, {"bmc"})};
  config.devices[2].config.off_attempts = 1;
  Fencer fencer(config);
  const auto offs = Of<StartAgent>(fencer.Step(At(0), Ask(1)));
  (void)fencer.Step(At(1), Exit(offs.at(0).run, 0));
  const auto next = fencer.Step(At(2), Exit(offs.at(1).run, 1, "no"));
  EXPECT_THAT(Of<FenceAnswer>(next), IsEmpty());
  const auto bmc = Only(next);
  EXPECT_EQ(bmc.device, "bmc");
  const auto check = Only(fencer.Step(At(3), Exit(bmc.run, 0)));
  EXPECT_TRUE(Of<FenceAnswer>(fencer.Step(At(4), Exit(check.run, 2))).at(0).result.ok());
  EXPECT_TRUE(fencer.Idle());
  EXPECT_EQ(fencer.history().at(0).level, 2);
}

TEST(FencerLevels, TheNextLevelBeginsWhileTheFirstHangsAndTheFirstToProveEndsTheOther) {
  Fencer fencer(TwoSupplies());
  const auto bmc = Only(fencer.Step(At(0), Ask(1, FenceAction::kReboot)));
  EXPECT_THAT(Started(fencer.Step(At(9'999), Tick{})), IsEmpty());
  const auto offs = Of<StartAgent>(fencer.Step(At(10'000), Tick{}));
  ASSERT_EQ(offs.size(), 2U) << "after overlap_after";
  (void)fencer.Step(At(10'100), Exit(offs[0].run, 0));
  const auto checks = Of<StartAgent>(fencer.Step(At(10'200), Exit(offs[1].run, 0)));
  (void)fencer.Step(At(10'300), Exit(checks.at(0).run, 2));
  const auto proved = fencer.Step(At(10'400), Exit(checks.at(1).run, 2));
  EXPECT_TRUE(Of<FenceAnswer>(proved).at(0).result.ok()) << "long before the first one's limit";
  EXPECT_EQ(Of<KillAgent>(proved).at(0).run, bmc.run);
  EXPECT_THAT(Started(proved), IsEmpty()) << "its late off would undo the power on";
  const auto ons = fencer.Step(At(10'500), Killed(bmc.run));
  EXPECT_THAT(Started(ons), ElementsAre("pdu-a on", "pdu-b on"));
  const auto runs = Of<StartAgent>(ons);
  (void)fencer.Step(At(10'600), Exit(runs[0].run, 0));
  EXPECT_THAT(Started(fencer.Step(At(10'700), Exit(runs[1].run, 0))), ElementsAre("bmc on"))
      << "it may have switched off before it was ended";
}

TEST(FencerLevels, EachLevelHasItsShareOfAShortTime) {
  Fencer fencer(TwoSupplies());
  Only(fencer.Step(At(0), Ask(1, FenceAction::kOff, At(4'000))));
  EXPECT_THAT(Started(fencer.Step(At(1'999), Tick{})), IsEmpty());
  EXPECT_EQ(Started(fencer.Step(At(2'000), Tick{})).size(), 2U);
}

TEST(FencerLevels, LevelsThatShareADeviceDoNotOverlap) {
  FencerConfig config = TwoSupplies();
  config.levels = {MakeLevel(kTwo, 1, {"bmc", "pdu-a"}), MakeLevel(kTwo, 2, {"pdu-a", "pdu-b"})};
  Fencer fencer(config);
  EXPECT_EQ(Started(fencer.Step(At(0), Ask(1))).size(), 2U);
  EXPECT_THAT(Started(fencer.Step(At(30'000), Tick{})), IsEmpty());
}

TEST(FencerLevels, EvidenceCoversWhatTheDevicesTake) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.scope = FenceScope::kNetwork;
  config.devices[1].config.scope = FenceScope::kStorage;
  struct Case {
    std::vector<std::string> devices;
    Coverage covers;
  };
  const Case cases[] = {{{"bmc"}, {false, false, true}},
                        {{"pdu-a"}, {false, true, false}},
                        {{"bmc", "pdu-a"}, {false, true, true}},
                        {{"bmc", "pdu-b"}, {true, false, true}}};
  for (const Case& c : cases) {
    config.levels = {MakeLevel(kTwo, 1, c.devices)};
    Fencer fencer(config);
    std::vector<FencerEffect> effects;
    for (const auto& off : Of<StartAgent>(fencer.Step(At(0), Ask(1)))) {
      effects = fencer.Step(At(1), Exit(off.run, 0));
    }
    for (const auto& check : Of<StartAgent>(effects)) {
      effects = fencer.Step(At(2), Exit(check.run, 2));
    }
    EXPECT_EQ(Of<FenceAnswer>(effects).at(0).result->coverage, c.covers) << ToText(c.covers);
  }
}

// A switch with one path of two, or one array of two, takes only a part.
TEST(FencerLevels, StorageIsCoveredOnlyByAllThatTheNodeHas) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.scope = FenceScope::kStorage;
  config.devices[1].config.scope = FenceScope::kStorage;
  config.levels = {MakeLevel(kTwo, 1, {"bmc"}), MakeLevel(kTwo, 2, {"bmc", "pdu-a"})};
  const auto levels = LevelsOf(config, kTwo);
  EXPECT_EQ(levels.at(0).coverage, Coverage{}) << "pdu-a is missing";
  EXPECT_EQ(levels.at(1).coverage, (Coverage{false, true, false}));
  config.levels = {};
  for (const Level& level : LevelsOf(config, kTwo)) EXPECT_FALSE(level.coverage.storage);
}

TEST(FencerLevels, ALevelThatProvesTooLittleIsFollowedByTheNext) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.scope = FenceScope::kStorage;  // "bmc": level 1
  Fencer fencer(config);
  FenceAsked asked = Ask(1, FenceAction::kReboot);
  asked.needed = {true, false, false};
  const auto cut = Only(fencer.Step(At(0), asked));
  const auto check = Only(fencer.Step(At(1), Exit(cut.run, 0)));
  const auto next = fencer.Step(At(2), Exit(check.run, 2));
  EXPECT_THAT(Of<FenceAnswer>(next), IsEmpty());
  const auto offs = Of<StartAgent>(next);
  ASSERT_EQ(offs.size(), 2U);
  (void)fencer.Step(At(3), Exit(offs[0].run, 0));
  const auto checks = Of<StartAgent>(fencer.Step(At(4), Exit(offs[1].run, 0)));
  (void)fencer.Step(At(5), Exit(checks.at(0).run, 2));
  const auto proved = fencer.Step(At(6), Exit(checks.at(1).run, 2));
  EXPECT_TRUE(Of<FenceAnswer>(proved).at(0).result->coverage.node);
  EXPECT_THAT(Started(proved), ElementsAre("pdu-a on", "pdu-b on"));
  (void)fencer.Step(At(7), Exit(Of<StartAgent>(proved).at(0).run, 0));
  EXPECT_THAT(Started(fencer.Step(At(8), Exit(Of<StartAgent>(proved).at(1).run, 0))),
              ElementsAre("bmc on"))
      << "the node was off: it may have its storage again";
}

TEST(FencerLevels, WhatWasProvedInPartIsTheAnswerWhenNothingProvesMoreAndStaysCut) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.scope = FenceScope::kStorage;
  config.levels = {MakeLevel(kTwo, 1, {"bmc"})};
  for (const bool enough : {true, false}) {
    Fencer fencer(config);
    FenceAsked asked = Ask(1, FenceAction::kReboot);
    asked.needed = {!enough, enough, false};
    const auto cut = Only(fencer.Step(At(0), asked));
    const auto check = Only(fencer.Step(At(1), Exit(cut.run, 0)));
    const auto effects = fencer.Step(At(2), Exit(check.run, 2));
    const auto answer = Of<FenceAnswer>(effects).at(0);
    ASSERT_TRUE(answer.result.ok());
    EXPECT_EQ(answer.result->coverage, (Coverage{false, true, false}));
    EXPECT_THAT(Started(effects), IsEmpty()) << "switched on, a living node would go on writing";
    EXPECT_TRUE(fencer.Idle());
    EXPECT_EQ(fencer.history().at(0).proved_off, enough);
  }
}

TEST(FencerLevels, ALevelWithADeviceThatDoesNotServeTheNodeIsNotThere) {
  FencerConfig config = TwoSupplies();
  config.levels = {MakeLevel(kThree, 1, {"bmc", "pdu-a"})};
  EXPECT_TRUE(LevelsOf(config, kThree).empty()) << "pdu-a alone would be half of it";
  EXPECT_EQ(LevelsOf(config, kTwo).size(), 3U) << "each of its devices is one";
}

TEST(FencerLevels, SeveralPlugsOfOneDeviceAreSwitchedOneAfterTheOther) {
  FencerConfig config;
  config.devices = {MakeDevice("pdu", {{kTwo, "2,3"}})};
  Fencer fencer(config);
  const auto first = Only(fencer.Step(At(0), Ask(1)));
  EXPECT_THAT(first.stdin_text, HasSubstr("plug=2\n"));
  const auto second = Only(fencer.Step(At(1), Exit(first.run, 0)));
  EXPECT_THAT(second.stdin_text, HasSubstr("plug=3\n"));
  const auto check = Only(fencer.Step(At(2), Exit(second.run, 0)));
  const auto last = Only(fencer.Step(At(3), Exit(check.run, 2)));
  EXPECT_EQ(Of<FenceAnswer>(fencer.Step(At(4), Exit(last.run, 2))).at(0).result->device,
            "pdu:2 + pdu:3");
}

TEST(FencerLimits, AFenceEndsAMonitorAndAQueryThatAreInItsWay) {
  FencerConfig config = TwoSupplies();
  config.levels = {};
  config.devices = {config.devices[0]};
  config.devices[0].config.monitor_interval = std::chrono::seconds(60);
  Fencer fencer(config);
  (void)fencer.Step(At(0), Tick{});
  const auto monitor = Only(fencer.Step(At(10'000), Tick{}));
  EXPECT_EQ(monitor.action, "monitor");
  EXPECT_FALSE(fencer.MaySwitch());
  const auto asked = fencer.Step(At(10'001), StatusAsked{9, kTwo, At(60'000)});
  EXPECT_EQ(Of<KillAgent>(asked).at(0).run, monitor.run);
  const auto query = Only(asked);
  const auto fence = fencer.Step(At(10'003), Ask(1));
  EXPECT_EQ(Of<KillAgent>(fence).at(0).run, query.run);
  const auto off = Only(fence);
  EXPECT_EQ(off.action, "off");
  EXPECT_THAT(Started(fencer.Step(At(10'004), Killed(query.run))), IsEmpty()) << "it waits now";
  const auto check = Only(fencer.Step(At(11'000), Exit(off.run, 0)));
  const auto end = fencer.Step(At(12'000), Exit(check.run, 2));
  EXPECT_TRUE(Of<FenceAnswer>(end).at(0).result.ok());
  const auto asks_again = Only(end);
  const auto answer = Of<StatusAnswer>(fencer.Step(At(12'100), Exit(asks_again.run, 2))).at(0);
  EXPECT_EQ(answer.power, Power::kOff);
  EXPECT_EQ(answer.begun_at, At(12'000)) << "of the run that answered";
  EXPECT_FALSE(fencer.Health().at(0).asked) << "a monitor that gave way says nothing";
}

TEST(FencerLimits, ADeviceServesAsManyAtOnceAsItMay) {
  for (const int limit : {1, 2, 0}) {
    FencerConfig config = TwoSupplies();
    config.levels = {};
    config.devices = {MakeDevice("pdu", {{kTwo, "7"}, {kThree, "8"}})};
    config.devices[0].config.action_limit = limit;
    Fencer fencer(config);
    EXPECT_EQ(Started(fencer.Step(At(0), Ask(1))).size(), 1U);
    FenceAsked other = Ask(2);
    other.node = kThree;
    EXPECT_EQ(Started(fencer.Step(At(0), other)).size(), limit == 1 ? 0U : 1U) << limit;
  }
}

TEST(FencerGuard, NeverShootsMoreThanHalfWithinTheWindow) {
  FencerConfig config = TwoSupplies();
  config.guard_nodes = 3;
  Fencer fencer(config);
  const auto off = Only(fencer.Step(At(0), Ask(1)));
  FenceAsked other = Ask(2);
  other.node = kThree;
  const auto cause = Of<FenceAnswer>(fencer.Step(At(1), other)).at(0).result.error().cause;
  EXPECT_THAT(cause, HasSubstr("cause=majority-guard"));
  EXPECT_THAT(cause, HasSubstr("beta"));
  const auto check = Only(fencer.Step(At(2), Exit(off.run, 0)));
  (void)fencer.Step(At(3), Exit(check.run, 2));
  EXPECT_FALSE(Of<FenceAnswer>(fencer.Step(At(4), other)).at(0).result.ok()) << "proved: counts";
  EXPECT_EQ(Started(fencer.Step(At(5), Ask(3))).size(), 1U) << "the same node once more";
  Fencer later = fencer;
  (void)later.Step(At(6), RightsLost{Term(5, kOne)});
  other.term = Term(6, kOne);
  (void)later.Step(At(7), Killed(3));
  other.not_after = At(900'000);
  EXPECT_EQ(Started(later.Step(At(300'005), other)).size(), 2U) << "the window is over";
}

TEST(FencerGuard, ANodeThatCameBackIsCountedNoMore) {
  FencerConfig config = TwoSupplies();
  config.guard_nodes = 3;
  Fencer fencer(config);
  const auto off = Only(fencer.Step(At(0), Ask(1)));
  const auto check = Only(fencer.Step(At(2), Exit(off.run, 0)));
  (void)fencer.Step(At(3), Exit(check.run, 2));
  (void)fencer.Step(At(4), NodeIsBack{kTwo});
  FenceAsked other = Ask(2);
  other.node = kThree;
  EXPECT_EQ(Started(fencer.Step(At(5), other)).size(), 2U);
}

TEST(FencerGuard, OfTwoNodesTheOtherAndOfFourTwoMayBeShot) {
  for (const int nodes : {2, 4}) {
    FencerConfig config = TwoSupplies();
    config.guard_nodes = nodes;
    Fencer fencer(config);
    EXPECT_EQ(Started(fencer.Step(At(0), Ask(1))).size(), 1U);
    FenceAsked other = Ask(2);
    other.node = kThree;
    EXPECT_EQ(Of<FenceAnswer>(fencer.Step(At(1), other)).size(), nodes == 2 ? 1U : 0U);
  }
}

TEST(FencerGuard, ANodeDoesNotFenceItself) {
  FencerConfig config = TwoSupplies();
  config.self = kTwo;
  Fencer fencer(config);
  const auto effects = fencer.Step(At(0), Ask(1));
  EXPECT_THAT(Of<FenceAnswer>(effects).at(0).result.error().cause, HasSubstr("cause=self"));
  EXPECT_THAT(Started(effects), IsEmpty());
}

TEST(FencerGuard, ANodeThatIsFencedAgainAndAgainIsLeftOff) {
  FencerConfig config = TwoSupplies();
  config.levels = {MakeLevel(kTwo, 1, {"bmc"})};
  Fencer fencer(config);
  for (int i = 1; i <= 3; ++i) {
    const auto id = static_cast<RequestId>(i);
    const MonoTime now = At(i * 100'000);
    const auto off =
        Only(fencer.Step(now, Ask(id, FenceAction::kReboot, now + std::chrono::seconds(60))));
    const auto check = Only(fencer.Step(now, Exit(off.run, 0)));
    const auto end = fencer.Step(now, Exit(check.run, 2));
    EXPECT_TRUE(Of<FenceAnswer>(end).at(0).result.ok());
    EXPECT_EQ(Started(end).size(), i < 3 ? 1U : 0U) << i;
    if (i < 3) (void)fencer.Step(now, Exit(Only(end).run, 0));
  }
  EXPECT_TRUE(fencer.Idle());
}

TEST(FencerUnfence, SwitchesOnWhatMustBeOnAndTellsWhenItIsNot) {
  FencerConfig config = TwoSupplies();
  config.devices[1].config.unfencing = config.devices[2].config.unfencing = true;
  config.devices[2].config.off_attempts = 1;
  for (const int code : {0, 1}) {
    Fencer fencer(config);
    EXPECT_TRUE(fencer.NeedsUnfencing(kTwo));
    const auto ons =
        Of<StartAgent>(fencer.Step(At(0), UnfenceAsked{4, kTwo, Term(5, kOne), At(60'000)}));
    ASSERT_EQ(ons.size(), 2U);
    EXPECT_TRUE(fencer.MaySwitch());
    EXPECT_THAT(Of<UnfenceAnswer>(fencer.Step(At(1), Exit(ons[0].run, 0))), IsEmpty());
    const auto answer = Of<UnfenceAnswer>(fencer.Step(At(2), Exit(ons[1].run, code))).at(0);
    EXPECT_EQ(answer.result.ok(), code == 0);
    EXPECT_TRUE(fencer.Idle());
  }
}

TEST(FencerMonitor, LooksAfterDevicesAndTellsChanges) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.monitor_interval = std::chrono::seconds(60);
  config.self = kOne;
  Fencer fencer(config);
  EXPECT_THAT(Started(fencer.Step(At(0), Tick{})), IsEmpty());
  const auto first = Only(fencer.Step(At(10'000), Tick{}));
  EXPECT_EQ(first.stdin_text, "action=monitor\nnot_after_ms=30000\n");
  EXPECT_EQ(Of<Fact>(fencer.Step(At(10'100), Exit(first.run, 0))).at(0).name, "fence-device-ok");
  const auto second = Only(fencer.Step(At(70'000), Tick{}));
  const auto failed = Of<Fact>(fencer.Step(At(70'100), Exit(second.run, 1, "no route")));
  EXPECT_EQ(failed.at(0).name, "fence-device-failed");
  EXPECT_FALSE(fencer.Health().at(0).ok);
  EXPECT_THAT(fencer.Health().at(0).trouble, HasSubstr("no route"));
  EXPECT_TRUE(fencer.Idle());
}

TEST(FencerMonitor, TheDeviceOfThisNodeAloneIsNotLookedAfterHere) {
  FencerConfig config = TwoSupplies();
  config.devices[0].config.monitor_interval = std::chrono::seconds(60);
  config.self = kTwo;
  EXPECT_THAT(Fencer(config).Health(), IsEmpty());
}

TEST(FencerQuery, OffNeedsBothSuppliesAndADeadBmcIsNoAnswer) {
  struct Case {
    int a, b;
    Power power;
  };
  for (const Case& c : {Case{2, 2, Power::kOff}, Case{2, 0, Power::kOn},
                        Case{2, 1, Power::kUnknown}, Case{1, 0, Power::kOn}}) {
    Fencer fencer(TwoSupplies());
    const auto bmc = Only(fencer.Step(At(0), StatusAsked{7, kTwo, At(20'000)}));
    EXPECT_EQ(bmc.kill_at, At(10'000)) << "its share: the supplies are asked too";
    const auto both = Of<StartAgent>(fencer.Step(At(5'000), Exit(bmc.run, 1, "no answer")));
    ASSERT_EQ(both.size(), 2U);
    (void)fencer.Step(At(6'000), Exit(both[0].run, c.a));
    auto effects = fencer.Step(At(7'000), Exit(both[1].run, c.b));
    if (c.power == Power::kOff) {
      EXPECT_THAT(Of<StatusAnswer>(effects), IsEmpty()) << "were they off together?";
      const auto again = Of<StartAgent>(effects);
      ASSERT_EQ(again.size(), 2U);
      (void)fencer.Step(At(8'000), Exit(again[0].run, 2));
      effects = fencer.Step(At(9'000), Exit(again[1].run, 2));
    }
    const auto answer = Of<StatusAnswer>(effects).at(0);
    EXPECT_EQ(answer.power, c.power) << c.a << c.b;
    if (c.power == Power::kOff) {
      EXPECT_EQ(answer.begun_at, At(5'000));
    }
    EXPECT_TRUE(fencer.Idle());
  }
}

TEST(FencerQuery, APortThatIsClosedIsNoMachineThatIsOff) {
  FencerConfig config = TwoSupplies();
  config.levels = {};
  config.devices = {config.devices[0]};
  config.devices[0].config.scope = FenceScope::kNetwork;
  Fencer fencer(config);
  const auto effects = fencer.Step(At(0), StatusAsked{7, kTwo, At(20'000)});
  EXPECT_THAT(Started(effects), IsEmpty());
  EXPECT_EQ(Of<StatusAnswer>(effects).at(0).power, Power::kUnknown);
}

}  // namespace
}  // namespace fencepost::stonith
