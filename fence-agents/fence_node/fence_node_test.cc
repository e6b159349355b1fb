// fence_node over fake files and a fake agent runner: whom it switches, by what, what it believes,
// and what it says.
#include "fence-agents/fence_node/fence_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::fence_node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kConfig = R"(
[cluster]
name = "shop"
[[node]]
name = "alpha"
id = 1
address = "10.0.0.1"
[[node]]
name = "beta"
id = 2
address = "10.0.0.2"
[[node]]
name = "gamma"
id = 3
address = "10.0.0.3"
[paths]
cib = "/x/cib.xml"
agent_dir = "/x/agents"
)";

std::string DeviceXml(const std::string& id, const std::string& agent, const std::string& map) {
  return Cat("<primitive class=\"stonith\" id=\"", id, "\" type=\"", agent,
             "\"><instance_attributes id=\"", id, "-p\"><nvpair id=\"", id,
             "-m\" name=\"pcmk_host_map\" value=\"", map, "\"/><nvpair id=\"", id,
             "-i\" name=\"ip\" value=\"10.0.1.1\"/><nvpair id=\"", id,
             "-c\" name=\"community\" value=\"hush\"/></instance_attributes></primitive>");
}

// Beta's BMC before a power strip that has both.
std::string CibXml(const std::string& options = "", const std::string& beta_id = "2") {
  return Cat(
      "<cib><configuration><crm_config><cluster_property_set id=\"o\">", options,
      "</cluster_property_set></crm_config><nodes><node id=\"1\" uname=\"alpha\"/><node id=\"",
      beta_id, "\" uname=\"beta\"/></nodes><resources>", DeviceXml("bmc-b", "fence_b", "beta:9"),
      DeviceXml("strip", "fence_s", "alpha:1;beta:2"), "</resources></configuration></cib>");
}
std::string Property(const std::string& name, const std::string& value) {
  return Cat("<nvpair id=\"p-", name, "\" name=\"", name, "\" value=\"", value, "\"/>");
}

class FakeMachine : public stonith::AgentRunner, public FactSink {
 public:
  MonoTime Now() const override { return now; }
  void SleepUntil(MonoTime when) override { now = std::max(now, when); }
  std::vector<std::string> Agents() override { return {}; }
  ProcessEnd Run(const std::string& agent, const std::string& text, MonoTime kill_at) override {
    EXPECT_GT(kill_at, now);
    EXPECT_FALSE(interrupted) << "started after the interruption";
    std::string action;
    for (const std::string& line : Split(text, '\n')) {
      if (line.starts_with("action=")) action = line.substr(7);
    }
    runs.push_back(Cat(agent, " ", action));
    inputs.push_back(text);
    now += Millis(1000);
    if (ends.empty()) {
      ADD_FAILURE() << "unexpected run: " << runs.back();
      return {};
    }
    const ProcessEnd end = ends.front();
    ends.pop_front();
    if (ends.size() == interrupt_when_left) interrupted = true;
    return end;
  }
  bool Interrupted() const override { return interrupted; }
  void Out(std::string_view text) override { EXPECT_EQ(text, ""); }
  void Err(std::string_view text) override { err += text; }
  void Record(const Fact& fact) override { facts.push_back(fact.Text()); }

  void Script(int code, std::string errors = "") {
    ProcessEnd end;
    end.started = true;
    end.exit_code = code;
    end.errors = std::move(errors);
    ends.push_back(end);
  }
  void ScriptKilled() {
    Script(-1);
    ends.back().killed = true;
  }
  std::string LastLine() const {
    const auto text = Trim(err);
    return std::string(text.substr(text.rfind('\n') + 1));
  }

  MonoTime now{Millis(10'000)};
  std::deque<ProcessEnd> ends;
  std::size_t interrupt_when_left = SIZE_MAX;
  bool interrupted = false;
  bool daemon_runs = true;
  std::vector<std::string> runs, inputs, facts, told;
  std::string err;
};

Result<Site, std::string> SiteOf(const std::string& cib, const std::string& config = kConfig) {
  return LoadSite("/x/conf",
                  [&](const std::string& path, std::size_t limit) -> Result<std::string> {
                    EXPECT_GT(limit, 0U);
                    if (path == "/x/conf" && !config.empty()) return config;
                    if (path == "/x/cib.xml" && !cib.empty()) return cib;
                    return Error{path, "cannot be opened", "create it"};
                  });
}

int Command(FakeMachine& machine, const std::vector<std::string>& words,
            const std::string& cib = CibXml(), const std::string& host = "alpha") {
  const auto arguments = ParseArguments(words);
  EXPECT_TRUE(arguments) << (arguments ? "" : arguments.error().Text());
  const auto site = SiteOf(cib);
  EXPECT_TRUE(site) << (site ? "" : site.error());
  const int code = RunFenceNode(
      *arguments, *site, {host, "alice as root"}, machine, machine,
      [&](const std::string& node, const stonith::Evidence& proof, const std::string& by) {
        machine.told.push_back(Cat(node, " ", proof.device, " ", by));
        return machine.daemon_runs ? Status(Ok{})
                                   : Status(Error{"fencepostd", "is not running", ""});
      });
  EXPECT_THAT(machine.ends, IsEmpty()) << "scripted runs that did not happen\n" << machine.err;
  return code;
}

const std::string kRefused = "fence_b: failed phase=auth cause=bad-credentials: BMC: refuses\n";

TEST(FenceNodeArguments, FaultsNameTheWord) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{}, "names no node"},
      {{"-S"}, "names no node"},
      {{"a", "b"}, "b: would be a second node"},
      {{"-U", "-S", "a"}, "exclude each other"},
      {{"-US", "a"}, "exclude each other"},
      {{"-O", "a"}, "-O: is not known"},
      {{"-m", "a"}, "-m: needs the number"},
      {{"a", "-m"}, "-m: needs the number"},
      {{"-U", "-m1", "a"}, "does not go with -U"},
      {{"-vx", "a"}, "-x: is not known"},
      {{"--configs", "a"}, "--configs: is not known"},
      {{"a", "--config"}, "--config: needs a file"},
      {{"a", "--config="}, "--config: needs a file"},
      {{""}, "an empty word"},
      {std::vector<std::string>(kMaxArguments + 1, "-v"), "more than"},
  };
  for (const auto& [words, message] : cases) {
    const auto arguments = ParseArguments(words);
    ASSERT_FALSE(arguments) << message;
    EXPECT_THAT(arguments.error().Text(), HasSubstr(message));
  }
}

TEST(FenceNodeArguments, AreRead) {
  const auto fence = ParseArguments({"--config=/c", "beta", "-vv", "--force"});
  ASSERT_TRUE(fence);
  EXPECT_EQ(fence->action, Action::kFence);
  EXPECT_EQ(fence->node, "beta");
  EXPECT_EQ(fence->config, "/c");
  EXPECT_EQ(fence->verbose, 2);
  EXPECT_TRUE(fence->force);
  EXPECT_EQ(ParseArguments({"--config", "/d", "-U"})->config, "/d");
  EXPECT_EQ(ParseArguments({"-vS", "beta"})->action, Action::kStatus);
  EXPECT_TRUE(ParseArguments({"-h"})->help);
  EXPECT_TRUE(ParseArguments({"-V"})->version);
}

TEST(FenceNodeArguments, RandomWordsGiveArgumentsOrAnError) {
  const std::string pieces[] = {"-", "U", "S", "v", "--", "config", "=", "force", "beta", "h"};
  Prng prng(5);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string> words(prng.Below(5));
    for (std::string& word : words) {
      for (std::uint64_t n = prng.Below(4); n > 0; --n) {
        word += prng.OneIn(5) ? std::string(1, static_cast<char>(prng.Below(256)))
                              : pieces[prng.Below(std::size(pieces))];
      }
    }
    const auto arguments = ParseArguments(words);
    if (arguments && arguments->node.empty()) {
      ASSERT_TRUE(arguments->help || arguments->version || arguments->action == Action::kUnfence);
    }
  }
}

TEST(FenceNodeSite, AFileThatIsMissingOrWrongIsNamed) {
  EXPECT_THAT(SiteOf("", "").error(), StartsWith("/x/conf: cannot be opened"));
  EXPECT_THAT(SiteOf("").error(), HasSubstr("/x/cib.xml: cannot be opened; create it (paths.cib"));
  EXPECT_THAT(SiteOf(CibXml(), kConfig + "bad = 1\n").error(), HasSubstr("/x/conf:"));
  EXPECT_THAT(SiteOf("<cib>").error(), StartsWith("/x/cib.xml line "));
}

TEST(FenceNode, PowersOffAndBelievesOnlyTheSecondRunThatSaysOff) {
  FakeMachine machine;
  machine.Script(0);
  machine.Script(2);
  machine.Script(0);
  EXPECT_EQ(Command(machine, {"beta"}), kDone) << machine.err;
  EXPECT_THAT(machine.runs, ElementsAre("fence_b off", "fence_b status", "fence_b on"));
  EXPECT_THAT(machine.inputs.at(0), HasSubstr("plug=9\n"));
  EXPECT_THAT(machine.inputs.at(0), HasSubstr("nodename=beta\n"));
  EXPECT_EQ(machine.LastLine(),
            "fence beta success: powered off and verified by bmc-b; off begun at +0ms, verified at "
            "+2.000s; powered on again");
  EXPECT_THAT(machine.told, ElementsAre("beta bmc-b alice as root"));
  EXPECT_THAT(machine.err, HasSubstr("+2.000s  the daemon of this node knows that it is off\n"));
  EXPECT_THAT(machine.err, HasSubstr("+1.000s  bmc-b: the agent powered it off\n"));
  EXPECT_THAT(machine.err, HasSubstr("+2.000s  bmc-b: it is off\n"));
  ASSERT_EQ(machine.facts.size(), 2U);
  EXPECT_EQ(machine.facts[0], "operator-fencing node=beta by=\"alice as root\" why=reboot");
  EXPECT_THAT(machine.facts[1], StartsWith("operator-fenced node=beta by=\"alice as root\" why="));
}

TEST(FenceNode, SaysThatTheClusterIsNotToldWhenNoDaemonRuns) {
  FakeMachine machine;
  machine.daemon_runs = false;
  machine.Script(0);
  machine.Script(2);
  machine.Script(0);
  EXPECT_EQ(Command(machine, {"beta"}), kDone) << "it is off all the same";
  EXPECT_THAT(machine.err, HasSubstr("the cluster is not told: fencepostd: is not running"));
}

std::string BothSuppliesXml() {
  std::string cib = CibXml();
  const std::string end = "</resources>";
  cib.replace(cib.find(end), end.size(),
              end +
                  "<fencing-topology><fencing-level id=\"l1\" target=\"beta\" index=\"1\" "
                  "devices=\"bmc-b\"/><fencing-level id=\"l2\" target=\"beta\" index=\"2\" "
                  "devices=\"bmc-b,strip\"/></fencing-topology>");
  return cib;
}

TEST(FenceNode, OneLevelMayBeChosenAndAllOfItIsProved) {
  FakeMachine machine;
  for (const int code : {0, 0, 2, 2, 0, 0}) machine.Script(code);
  EXPECT_EQ(Command(machine, {"-m", "2", "beta"}, BothSuppliesXml()), kDone) << machine.err;
  EXPECT_THAT(machine.runs, ElementsAre("fence_b off", "fence_s off", "fence_b status",
                                        "fence_s status", "fence_b on", "fence_s on"));
  EXPECT_THAT(machine.LastLine(), HasSubstr("verified by bmc-b + strip"));
  FakeMachine none;
  EXPECT_EQ(Command(none, {"-m3", "beta"}, BothSuppliesXml()), kUndefined);
  EXPECT_THAT(none.LastLine(), HasSubstr("it has 2 levels, no level 3"));
}

TEST(FenceNode, LeavesItOffWhenTheActionIsOff) {
  FakeMachine machine;
  machine.Script(0);
  machine.Script(2);
  EXPECT_EQ(Command(machine, {"beta"}, CibXml(Property("stonith-action", "off"))), kDone);
  EXPECT_THAT(machine.runs, ElementsAre("fence_b off", "fence_b status"));
  EXPECT_THAT(machine.LastLine(), Not(HasSubstr("on again")));
}

TEST(FenceNode, IsDoneWhenOffWasProvedAlthoughItDoesNotComeBack) {
  FakeMachine machine;
  machine.Script(0);
  machine.Script(2);
  machine.Script(1, "fence_b: failed phase=act cause=device-error: BMC: no\n");
  EXPECT_EQ(Command(machine, {"beta"}), kDone);
  EXPECT_THAT(machine.LastLine(), HasSubstr("did not power on again, see fence_node -U beta"));
}

TEST(FenceNode, TriesTheSecondDeviceAfterTheFirstHasFailedTwice) {
  FakeMachine machine;
  machine.Script(1, kRefused);
  machine.Script(1, kRefused);
  machine.Script(0);
  machine.Script(2);
  machine.Script(0);
  EXPECT_EQ(Command(machine, {"beta"}), kDone);
  EXPECT_THAT(machine.runs, ElementsAre("fence_b off", "fence_b off", "fence_s off",
                                        "fence_s status", "fence_s on"));
  EXPECT_THAT(machine.inputs.at(2), HasSubstr("plug=2\n"));
  EXPECT_THAT(machine.err, HasSubstr("bmc-b: failed: phase=auth cause=bad-credentials"));
  EXPECT_THAT(machine.LastLine(), HasSubstr("verified by strip; off begun at +2.200s"));
}

TEST(FenceNode, ADeviceThatHangsLeavesTimeForTheNext) {
  FakeMachine machine;
  for (int i = 0; i < 2; ++i) machine.ScriptKilled();
  machine.Script(0);
  machine.Script(2);
  machine.Script(0);
  machine.now = MonoTime(Millis(10'000));
  EXPECT_EQ(Command(machine, {"beta"}), kDone);
  // The limit of the whole is beyond two attempts of 60 s at each of the two devices.
  const std::string& input = machine.inputs.at(0);
  const auto at = input.find("not_after_ms=") + 13;
  const auto limit = ParseInt(input.substr(at, input.find('\n', at) - at), 0, 1'000'000'000);
  ASSERT_TRUE(limit);
  EXPECT_GE(*limit, 10'000 + 4 * 60'000);
}

TEST(FenceNode, WhatIsNotProvedIsAFailure) {
  struct Case {
    std::string what;
    std::vector<int> codes;  // of bmc-b and strip, two attempts each; -1: killed
    std::string says;
  };
  const Case cases[] = {
      {"the machine is on after off", {0, 0, 0, 0, 0, 0, 0, 0}, "cause=wrong-state"},
      {"the state cannot be read", {0, 1, 0, 1, 0, 1, 0, 1}, "cause=exit-1"},
      {"the status is neither on nor off", {0, 7, 0, 7, 0, 7, 0, 7}, "cause=exit-7"},
      {"no off ends well", {1, 1, 1, 1}, "cause=exit-1"},
      {"off ends with the code that means off", {2, 2, 2, 2}, "cause=exit-2"},
      {"every agent hangs", {-1, -1, -1, -1}, "cause=deadline"},
  };
  for (const Case& c : cases) {
    FakeMachine machine;
    for (const int code : c.codes) code < 0 ? machine.ScriptKilled() : machine.Script(code);
    EXPECT_EQ(Command(machine, {"beta"}), kFailed) << c.what;
    EXPECT_THAT(machine.LastLine(), StartsWith("fence beta failed: device strip")) << c.what;
    EXPECT_THAT(machine.LastLine(), HasSubstr(c.says)) << c.what;
    EXPECT_THAT(machine.LastLine(), HasSubstr("unknown, ask with fence_node -S beta")) << c.what;
    EXPECT_THAT(machine.facts.back(), StartsWith("operator-fence-failed node=beta")) << c.what;
    EXPECT_THAT(machine.err, Not(HasSubstr("success"))) << c.what;
  }
}

TEST(FenceNode, AnAgentThatIsMissingIsNamedWithItsPlace) {
  FakeMachine machine;
  ProcessEnd missing;
  missing.errors = "fence_s: no such agent";
  machine.ends = {missing, missing};
  EXPECT_EQ(Command(machine, {"alpha"}, CibXml(), "beta"), kFailed);
  EXPECT_THAT(machine.err, HasSubstr("no such agent (looked for in /x/agents and /usr/sbin)"));
}

TEST(FenceNode, RefusesWhatIsNotMeant) {
  struct Case {
    std::string what;
    std::vector<std::string> words;
    std::string cib, host;
    int code;
    std::string says;
  };
  const Case cases[] = {
      {"an unknown node", {"delta"}, CibXml(), "alpha", kFailed, "name one of: alpha, beta, gamma"},
      {"this node", {"beta"}, CibXml(), "beta", kFailed, "say --force"},
      {"this node by its full name", {"beta"}, CibXml(), "beta.example.org", kFailed, "--force"},
      {"a node without a device",
       {"gamma"},
       CibXml(),
       "alpha",
       kUndefined,
       "fence gamma undefined"},
      {"a number that the CIB gives to another",
       {"beta"},
       CibXml("", "3"),
       "alpha",
       kFailed,
       "has number 3 as beta"},
      {"a node whose number the CIB calls otherwise",
       {"gamma"},
       CibXml("", "3"),
       "alpha",
       kFailed,
       "has number 3 as beta"},
      {"unfencing a host that is no node", {"-U"}, CibXml(), "desk", kFailed, "this host, desk"},
      {"the state of a node without a device",
       {"-S", "gamma"},
       CibXml(),
       "alpha",
       kUndefined,
       "status gamma undefined"},
  };
  for (const Case& c : cases) {
    FakeMachine machine;
    EXPECT_EQ(Command(machine, c.words, c.cib, c.host), c.code) << c.what;
    EXPECT_THAT(machine.LastLine(), HasSubstr(c.says)) << c.what;
    EXPECT_THAT(machine.runs, IsEmpty()) << c.what;
    EXPECT_THAT(machine.facts, IsEmpty()) << c.what;
  }
}

TEST(FenceNode, FencesItselfWhenForced) {
  FakeMachine machine;
  machine.Script(0);
  machine.Script(2);
  machine.Script(0);
  EXPECT_EQ(Command(machine, {"--force", "beta"}, CibXml(), "beta"), kDone);
}

TEST(FenceNode, SaysSoWhenTheClusterFencesNobody) {
  FakeMachine machine;
  for (const int code : {0, 2, 0}) machine.Script(code);
  EXPECT_EQ(Command(machine, {"beta"}, CibXml(Property("stonith-enabled", "false"))), kDone);
  EXPECT_THAT(machine.err, HasSubstr("note: stonith-enabled=false in /x/cib.xml"));
}

TEST(FenceNode, StatusIsDoneForOnAndOffAndAsksTheNextDeviceWhenOneFails) {
  FakeMachine off;
  off.Script(2);
  EXPECT_EQ(Command(off, {"-S", "beta"}), kDone);
  EXPECT_THAT(off.LastLine(), StartsWith("status beta success off: said by bmc-b"));
  EXPECT_THAT(off.facts, IsEmpty());
  FakeMachine on;
  on.Script(1, kRefused);
  on.Script(0);
  EXPECT_EQ(Command(on, {"-S", "beta"}), kDone);
  EXPECT_THAT(on.runs, ElementsAre("fence_b status", "fence_s status"));
  EXPECT_THAT(on.LastLine(), StartsWith("status beta success on: said by strip; asked at +1.000s"));
  FakeMachine unknown;
  unknown.Script(1, kRefused);
  unknown.Script(1);
  EXPECT_EQ(Command(unknown, {"-S", "beta"}), kFailed);
  EXPECT_THAT(unknown.LastLine(), StartsWith("status beta failed: its power is unknown: device"));
}

TEST(FenceNode, UnfencePowersOnByEveryDeviceAndOnceMoreWhatNeededAnother) {
  FakeMachine machine;
  machine.Script(1, kRefused);  // the BMC has no power yet
  machine.Script(0);
  machine.Script(0);
  EXPECT_EQ(Command(machine, {"-U"}, CibXml(), "beta.example.org"), kDone);
  EXPECT_THAT(machine.runs, ElementsAre("fence_b on", "fence_s on", "fence_b on"));
  EXPECT_THAT(machine.LastLine(), StartsWith("unfence beta success: powered on by all"));
  EXPECT_THAT(machine.facts.back(), StartsWith("operator-unfenced node=beta"));
  FakeMachine failing;
  failing.Script(0);
  failing.Script(1);
  failing.Script(1);
  EXPECT_EQ(Command(failing, {"-U", "beta"}), kFailed);
  EXPECT_THAT(failing.LastLine(), StartsWith("unfence beta failed: device strip, on of beta"));
  EXPECT_THAT(failing.facts.back(), StartsWith("operator-unfence-failed node=beta"));
}

TEST(FenceNode, AnInterruptionLeavesTheStateUnknownUnlessOffWasProved) {
  FakeMachine early;
  early.ScriptKilled();
  early.interrupt_when_left = 0;
  EXPECT_EQ(Command(early, {"beta"}), kFailed);
  EXPECT_THAT(early.LastLine(), HasSubstr("interrupted; the agent was stopped; its power is unkn"));
  EXPECT_THAT(early.facts.back(), StartsWith("operator-fence-failed"));
  FakeMachine late;
  late.Script(0);
  late.Script(2);
  late.ScriptKilled();
  late.interrupt_when_left = 0;
  EXPECT_EQ(Command(late, {"beta"}), kDone);
  EXPECT_THAT(late.LastLine(), HasSubstr("interrupted before it was on again"));
  FakeMachine asking;
  asking.ScriptKilled();
  asking.interrupt_when_left = 0;
  EXPECT_EQ(Command(asking, {"-S", "beta"}), kFailed);
  EXPECT_THAT(asking.LastLine(), HasSubstr("its power is unknown: interrupted"));
  FakeMachine
      last_attempt;  // of the only device: the fencer answers at once, and does not know why
  for (int i = 0; i < 2; ++i) last_attempt.ScriptKilled();
  last_attempt.interrupt_when_left = 0;
  EXPECT_EQ(Command(last_attempt, {"alpha"}, CibXml(), "beta"), kFailed);
  EXPECT_THAT(last_attempt.LastLine(), StartsWith("fence alpha failed: interrupted"));
  FakeMachine just_known;
  just_known.Script(2);
  just_known.interrupt_when_left = 0;
  EXPECT_EQ(Command(just_known, {"-S", "beta"}), kDone);
  FakeMachine powering_on;
  powering_on.ScriptKilled();
  powering_on.interrupt_when_left = 0;
  EXPECT_EQ(Command(powering_on, {"-U", "beta"}), kFailed);
  EXPECT_THAT(powering_on.LastLine(), HasSubstr("interrupted; its power is unknown"));
}

TEST(FenceNode, ShowsWhatAgentsSayAndAreToldWhenAsked) {
  for (const std::string verbose : {"", "-v", "-vv"}) {
    FakeMachine machine;
    machine.Script(2, "hello\x1b[2Jthere\n");
    EXPECT_EQ(Command(machine, {"-S", "beta", verbose.empty() ? "--force" : verbose}), kDone);
    EXPECT_EQ(machine.err.find("said| hello?[2Jthere\n") != std::string::npos, verbose != "")
        << machine.err;
    EXPECT_THAT(machine.inputs.at(0), HasSubstr("community=hush\n"));
    EXPECT_THAT(machine.err, Not(HasSubstr("hush")));
    EXPECT_EQ(machine.err.find("told| ip=10.0.1.1\n") != std::string::npos, verbose == "-vv")
        << machine.err;
  }
}

}  // namespace
}  // namespace fencepost::fence_node
