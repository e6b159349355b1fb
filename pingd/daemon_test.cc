#include "pingd/daemon.h"

#include <gtest/gtest.h>

#include "base/attribute_lapse.h"
#include "base/config/ping.h"
#include "pingd/shell_world_testing.h"

namespace fencepost::ping {
namespace {

using std::chrono::seconds;

struct DaemonTest : ::testing::Test {
  explicit DaemonTest() {
    config.multiplier = 1000;
    config.targets = {config::ParsePingHost("10.0.0.1").value(),
                      config::ParsePingHost("fd00::1").value()};
  }
  ProberPorts Ports() { return {clock, &network, "", network, network, processes, identity}; }
  void StartFencepost() {
    sink = std::make_unique<FencepostSink>(config, clock, fencepostd, facts);
    Start();
  }
  void StartPacemaker() {
    sink = std::make_unique<AttrdSink>(config, clock, processes, facts);
    Start();
  }
  void Start() {
    daemon = std::make_unique<Daemon>(config, Ports(), *sink, nullptr, facts);
    daemon->Start();
  }

  FakeClock clock;
  FakeNetwork network{clock};
  FakeProcesses processes{clock};
  FakeIdentity identity;
  FakeFencepostd fencepostd{clock};
  FakeFacts facts;
  config::PingConfig config;
  std::unique_ptr<ScoreSink> sink;
  std::unique_ptr<Daemon> daemon;
};

// Two attempts of two seconds after a restart that was noticed late: 5 s + 10 s + 4 s.
constexpr const char* kBoth =
    R"({"command":"attribute","for_ms":19000,"name":"pingd","value":"2000"})";
constexpr const char* kNone =
    R"({"command":"attribute","for_ms":19000,"name":"pingd","value":"0"})";
constexpr const char* kGone = R"({"command":"attribute","name":"pingd","value":null})";
constexpr const char* kNoneForEver = R"({"command":"attribute","name":"pingd","value":"0"})";
constexpr const char* kBothForEver = R"({"command":"attribute","name":"pingd","value":"2000"})";

TEST_F(DaemonTest, TellsFencepostdEachScoreAndRenewsIt) {
  StartFencepost();
  fencepostd.Appear();
  clock.Run(seconds(1));
  ASSERT_EQ(fencepostd.received, std::vector<std::string>{kBoth});
  clock.Run(4 * kRenewEvery);
  EXPECT_EQ(fencepostd.received, std::vector<std::string>(5, kBoth));
  EXPECT_TRUE(sink->state().reached);
  network.answers = [](const std::string&) { return false; };
  clock.Run(seconds(30));
  EXPECT_EQ(fencepostd.received.back(), kNone);
  EXPECT_EQ(facts.Count("ping-score"), 2) << "a renewal is no news";
}

TEST_F(DaemonTest, ARenewalIsInTimeHoweverLongARoundTakes) {
  for (const std::uint32_t attempts : {1U, 2U, config::kMaxPingAttempts}) {
    for (const Duration timeout : {config::kMinPingTimeout, Duration(seconds(2))}) {
      config.attempts = attempts;
      config.timeout = timeout;
      EXPECT_GE(RenewedWithin(config), kRenewEvery + kRestartTime + attempts * timeout);
      EXPECT_LE(RenewedWithin(config), kMaxAttributeLapse);
    }
  }
  config.timeout = std::chrono::hours(1);
  EXPECT_EQ(RenewedWithin(config), kMaxAttributeLapse) << "what fencepostd would refuse";
}

TEST_F(DaemonTest, AFencepostdThatDoesNotAnswerIsNotFlooded) {
  StartFencepost();
  fencepostd.answer.clear();
  fencepostd.Appear();
  clock.Run(seconds(120));
  EXPECT_EQ(fencepostd.received.size(), 1U);
  EXPECT_FALSE(sink->state().reached);
}

TEST_F(DaemonTest, TellsItAgainToAFencepostdThatWasRestarted) {
  StartFencepost();
  clock.Run(seconds(10));
  EXPECT_TRUE(fencepostd.received.empty()) << "nobody is there";
  fencepostd.Appear();
  EXPECT_EQ(fencepostd.received.size(), 1U);
  clock.Run(seconds(1));
  fencepostd.Vanish();
  EXPECT_FALSE(sink->state().reached);
  clock.Run(seconds(5));
  fencepostd.Appear();
  EXPECT_EQ(fencepostd.received, (std::vector<std::string>{kBoth, kBoth}));
}

TEST_F(DaemonTest, ARefusalIsToldOnceAndTriedAgain) {
  StartFencepost();
  fencepostd.answer = R"({"error": "no such command"})";
  fencepostd.Appear();
  clock.Run(seconds(35));
  EXPECT_EQ(facts.Count("ping-sink-refused"), 1);
  EXPECT_EQ(fencepostd.received.size(), 4U);
  EXPECT_EQ(sink->state().trouble, "no such command");
  fencepostd.answer = R"({"done": true})";
  clock.Run(seconds(15));
  EXPECT_TRUE(sink->state().reached);
  fencepostd.answer = "\xFF{";
  network.answers = [](const std::string&) { return false; };
  clock.Run(seconds(12));
  EXPECT_FALSE(sink->state().reached) << "an answer that cannot be read is none";
}

TEST_F(DaemonTest, AStopSaysWhatBecomesOfTheAttribute) {
  struct Case {
    config::PingStop how;
    const char* last;
  };
  for (const Case& c : std::vector<Case>{{config::PingStop::kRemove, kGone},
                                         {config::PingStop::kZero, kNoneForEver},
                                         {config::PingStop::kKeep, kBothForEver}}) {
    config.on_stop = c.how;
    fencepostd.received.clear();
    StartFencepost();
    fencepostd.Appear();
    clock.Run(seconds(5));
    bool ended = false;
    daemon->Stop([&] { ended = true; });
    EXPECT_FALSE(ended) << "not from inside";
    clock.Run(Millis(1));
    EXPECT_TRUE(ended);
    EXPECT_EQ(fencepostd.received.back(), c.last);
    const int before = network.sent["10.0.0.1"];
    clock.Run(seconds(10));
    EXPECT_EQ(network.sent["10.0.0.1"], before) << "it goes on";
    daemon.reset();
  }
}

TEST_F(DaemonTest, AStopDoesNotWaitForASilentFencepostd) {
  StartFencepost();
  fencepostd.Appear();
  clock.Run(seconds(5));
  fencepostd.answer.clear();
  bool ended = false;
  daemon->Stop([&] { ended = true; });
  clock.Run(kCloseLimit);
  EXPECT_TRUE(ended);
}

TEST_F(DaemonTest, TellsPacemakerByItsOwnProgram) {
  config.dampen = Millis(2500);
  config.hold = seconds(10);
  StartPacemaker();
  clock.Run(seconds(1));
  ASSERT_EQ(processes.started.size(), 1U);
  EXPECT_EQ(processes.started[0],
            (std::vector<std::string>{"/usr/sbin/attrd_updater", "-n", "pingd", "-U", "2000", "-d",
                                      "2500ms"}));
  clock.Run(seconds(20));
  EXPECT_EQ(processes.started.size(), 3U) << "again every 10 s";
  daemon->Stop([] {});
  clock.Run(seconds(1));
  EXPECT_EQ(processes.started.back(),
            (std::vector<std::string>{"/usr/sbin/attrd_updater", "-n", "pingd", "-D"}));
}

TEST_F(DaemonTest, PacemakerThatIsAwayIsTroubleAndIsTriedAgain) {
  processes.run = [](const Command&) { return FakeProcesses::Ended(102, ""); };
  StartPacemaker();
  clock.Run(seconds(35));
  EXPECT_EQ(facts.Count("ping-sink-refused"), 1);
  EXPECT_FALSE(sink->state().reached);
  processes.run = [](const Command&) { return FakeProcesses::Ended(0, ""); };
  clock.Run(seconds(11));
  EXPECT_TRUE(sink->state().reached);
  EXPECT_EQ(processes.most, 1) << "one at a time";
}

TEST_F(DaemonTest, ForgedRepliesAreCountedAndChangeNothing) {
  network.answers = [](const std::string&) { return false; };
  StartFencepost();
  clock.Run(Millis(100));
  Bytes forged = network.last_reply;
  forged.back() ^= 1U;
  network.Answer("fd00::1", true, forged);
  network.Answer("fd00::2", true, network.last_reply);
  network.Answer("fd00::1", true, {});
  clock.Run(Millis(1));
  const auto status = StatusJson(daemon->watch(), {}, sink->state(), clock.Now());
  EXPECT_EQ(status["targets"][1]["state"], "unknown");
  network.Answer("fd00::1", true, network.last_reply);
  clock.Run(Millis(1));
  EXPECT_EQ(daemon->watch().target(1).state, TargetState::kUp);
}

TEST_F(DaemonTest, TcpAndArpTargetsCountLikeEchoes) {
  config.targets.clear();
  for (const auto kind : {config::ProbeKind::kTcp, config::ProbeKind::kArp}) {
    config::PingTarget target = config::ParsePingHost("10.0.0.1").value();
    target.name = std::string(config::Name(kind));
    target.probe = kind;
    target.port = kind == config::ProbeKind::kTcp ? 443 : 0;
    target.device = "eth0";
    config.targets.push_back(target);
  }
  config.targets.push_back(config.targets.back());
  config.targets.back().name = "the same address";
  StartFencepost();
  clock.Run(seconds(1));
  EXPECT_EQ(daemon->watch().RawScore(), 3000);
  network.answers = [](const std::string&) { return false; };
  clock.Run(seconds(20));
  EXPECT_EQ(daemon->watch().Published(), 0);
  EXPECT_EQ(daemon->watch().target(0).trouble, "refused");
}

TEST_F(DaemonTest, NamesAreLookedUpAFewAtATimeAndHoldUpNobody) {
  for (int i = 0; i < 30; ++i) {
    config.targets.push_back(config::ParsePingHost(Cat("host-", i, ".example")).value());
  }
  processes.run = [](const Command& command) {
    if (command.argv.back() == "host-0.example") {
      ProcessEnd hung;
      hung.started = hung.killed = true;
      return hung;
    }
    return FakeProcesses::Ended(0, "10.1.0.1  STREAM x\n10.1.0.1  DGRAM\nfd01::1 STREAM\n");
  };
  StartFencepost();
  clock.Run(seconds(5));
  EXPECT_LE(processes.most, static_cast<int>(kMaxLookups));
  EXPECT_EQ(daemon->watch().RawScore(), 31'000);
  EXPECT_EQ(processes.started[0], (std::vector<std::string>{"getent", "ahosts", "host-0.example"}));
  EXPECT_EQ(facts.Count("ping-target-lost target=host-0.example"), 1);
  clock.Run(seconds(20));
  EXPECT_EQ(daemon->watch().target(2).trouble, "the name server does not answer");
}

TEST_F(DaemonTest, WithoutARouteTheCauseIsTold) {
  network.no_route = true;
  StartFencepost();
  clock.Run(seconds(10));
  EXPECT_EQ(daemon->watch().RawScore(), 0);
  EXPECT_EQ(facts.Count("cause=\"10.0.0.1: no route\""), 1);
}

TEST_F(DaemonTest, OneRoundEndsWhenEveryTargetIsKnown) {
  network.answers = [](const std::string& host) { return host == "10.0.0.1"; };
  bool done = false;
  OneRound round(config, Ports(), [&] { done = true; });
  round.Start();
  clock.Run(Millis(3999));
  EXPECT_FALSE(done);
  clock.Run(Millis(1));
  EXPECT_TRUE(done);
  EXPECT_EQ(round.prober().watch().RawScore(), 1000);
}

TEST(ParseLookup, ReadsAddressesAndSurvivesAnything) {
  EXPECT_EQ(ParseLookup("10.0.0.1 STREAM a\n10.0.0.1 DGRAM\nfe80::1%2 STREAM\n"),
            (std::vector<std::string>{"10.0.0.1", "fe80::1"}));
  EXPECT_TRUE(ParseLookup("").empty());
  EXPECT_TRUE(ParseLookup("no address here\n\xFF\n").empty());
  std::string many;
  for (int i = 0; i < 100; ++i) many += Cat("10.0.0.", i, " STREAM\n");
  EXPECT_EQ(ParseLookup(many).size(), kMaxAddresses);
}

TEST_F(DaemonTest, StatusFitsIntoPagesAndText) {
  config.targets.clear();
  for (int i = 0; i < 100; ++i) {
    config.targets.push_back(config::ParsePingHost(Cat("10.0.1.", i + 1)).value());
  }
  config.groups = {{"uplink", 2, 5}};
  config.targets[0].group = config.targets[1].group = "uplink";
  network.answers = [](const std::string& host) { return host != "10.0.1.2"; };
  StartFencepost();
  clock.Run(seconds(10));
  const auto page = StatusJson(daemon->watch(), {}, sink->state(), clock.Now(), 80);
  EXPECT_EQ(page["targets"].size(), 20U);
  EXPECT_TRUE(page["next"].is_null());
  EXPECT_TRUE(StatusJson(daemon->watch(), {}, sink->state(), clock.Now(), 1000)["targets"].empty());
  const auto first = StatusJson(daemon->watch(), {}, sink->state(), clock.Now());
  EXPECT_EQ(first["next"], kTargetsPerPage);
  EXPECT_LT(Dump(first).size(), kMaxLocalMessage / 2);
  const std::string text = StatusText(first);
  EXPECT_NE(text.find("pingd = 98000 of 103000"), std::string::npos) << text;
  EXPECT_NE(text.find("group uplink           NOT MET 1 of 2, needs 2, weight 5"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("NOT REACHED: not connected yet"), std::string::npos) << text;
  for (const char* odd : {"{}", R"({"targets":[1,{}],"groups":[[]],"sink":{}})"}) {
    EXPECT_FALSE(StatusText(nlohmann::json::parse(odd)).empty());
  }
}

}  // namespace
}  // namespace fencepost::ping
