// The rehearsal over a fake cluster, the plan, and the records.
#include "stonith/rehearsal/rehearsal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/prng.h"
#include "base/text.h"
#include "stonith/rehearsal/fence_plan.h"
#include "stonith/rehearsal/record.h"

namespace fencepost::stonith {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const NodeId kAlpha{1}, kBeta{2}, kGamma{3};

Device MakeDevice(std::string id, std::string agent, std::map<NodeId, std::string> targets,
                  std::string ip) {
  Device device;
  device.config = {std::move(id), std::move(agent), std::move(targets), {{"ip", std::move(ip)}}};
  return device;
}

FencerConfig Config() {
  FencerConfig config;
  config.node_names = {{kAlpha, "alpha"}, {kBeta, "beta"}, {kGamma, "gamma"}};
  config.devices = {MakeDevice("bmc", "fence_ipmilan", {{kBeta, ""}}, "10.1.0.2"),
                    MakeDevice("pdu-a", "fence_apc_snmp", {{kBeta, "7"}}, "10.1.0.8"),
                    MakeDevice("pdu-b", "fence_apc_snmp", {{kBeta, "7"}}, "10.1.0.9")};
  config.levels = {{"l1", kBeta, 1, {"bmc"}}, {"l2", kBeta, 2, {"pdu-a", "pdu-b"}}};
  return config;
}

// Machines that are on or off, and a daemon that sees them; alpha is this host.
class FakeSite : public AgentRunner {
 public:
  MonoTime Now() const override { return now; }
  void SleepUntil(MonoTime when) override { now = std::max(now, when); }
  std::vector<std::string> Agents() override { return {}; }
  bool Interrupted() const override { return false; }
  void Out(std::string_view) override {}
  void Err(std::string_view) override {}
  ProcessEnd Run(const std::string& agent, const std::string& text, MonoTime) override {
    now += Millis(100);
    std::string action;
    for (const std::string& line : Split(text, '\n')) {
      if (line.starts_with("action=")) action = line.substr(7);
    }
    runs.push_back(Cat(agent, " ", action));
    ProcessEnd end;
    end.started = true;
    end.exit_code = 0;
    if (!errors.empty()) {
      end.exit_code = 1;
      end.errors = errors;
      return end;
    }
    if (action == "list") end.output = list;
    if (action == "status") end.exit_code = off.count(wired) != 0 ? 2 : 0;
    if (action == "off") Switch(true);
    if (action == "on" && comes_back) Switch(false);
    return end;
  }
  void Switch(bool to_off) {
    if (to_off) off.insert(wired);
    if (!to_off) off.erase(wired);
    if (to_off && soft) left.insert(wired);
  }
  Result<ClusterSight> Sight() {
    ClusterSight out;
    out.quorate = true;
    for (const char* name : {"alpha", "beta", "gamma"}) {
      const bool here = off.count(name) == 0 && missing != name;
      out.nodes.push_back(
          {name, std::string(name) == "alpha", here, here, here, left.count(name) != 0});
    }
    return out;
  }
  Rehearsal Make() {
    return Rehearsal(Config(), *this, [this] { return Sight(); });
  }

  MonoTime now{seconds(100)};
  std::string wired = "beta", errors, list, missing;
  bool soft = false, comes_back = true;
  std::set<std::string> off, left;
  std::vector<std::string> runs;
};

TEST(RehearsalHarmless, SaysWhatIsProvedByWhichReadAndSwitchesNothing) {
  FakeSite site;
  site.list = "6,alpha\n7,Beta\n";
  const Rehearsed r = site.Make().Harmless(kBeta);
  EXPECT_TRUE(r.passed) << r.why;
  ASSERT_EQ(r.outlets.size(), 3U);
  EXPECT_EQ(r.outlets[0].privilege, Proof::kProved);
  EXPECT_EQ(r.outlets[0].machine, Proof::kNotProvable);
  EXPECT_THAT(r.outlets[0].machine_by, HasSubstr("--disruptive"));
  EXPECT_EQ(r.outlets[1].privilege, Proof::kNotProvable);
  EXPECT_EQ(r.outlets[1].machine, Proof::kProved) << "plug 7 is called Beta";
  for (const std::string& run : site.runs) EXPECT_THAT(run, Not(testing::EndsWith("off")));
  for (const std::string& run : site.runs) EXPECT_THAT(run, Not(testing::EndsWith(" on")));
}

TEST(RehearsalHarmless, APlugThatBearsAnotherNodesNameIsCaught) {
  FakeSite site;
  site.list = "7,gamma\n";
  const Rehearsed r = site.Make().Harmless(kBeta);
  EXPECT_FALSE(r.passed);
  EXPECT_THAT(r.why, HasSubstr("its list calls plug 7 gamma"));
}

TEST(RehearsalHarmless, ADeviceThatSaysOffOfALivingNodeIsAnotherMachines) {
  FakeSite site;
  site.wired = "somebody else";
  site.off.insert("somebody else");
  const Rehearsed r = site.Make().Harmless(kBeta);
  EXPECT_FALSE(r.passed);
  EXPECT_THAT(r.why, HasSubstr("beta is alive"));
}

TEST(RehearsalHarmless, AFailedLoginIsNoFailedReach) {
  FakeSite site;
  site.errors = "fence_ipmilan: failed phase=auth cause=bad-credentials: BMC: refuses\n";
  const Rehearsed r = site.Make().Harmless(kBeta);
  EXPECT_EQ(r.outlets.at(0).reach, Proof::kProved);
  EXPECT_EQ(r.outlets.at(0).login, Proof::kFailed);
  EXPECT_FALSE(r.passed);
}

TEST(RehearsalDisruptive, SwitchesOffSeesSilenceSwitchesOnAndTimesIt) {
  FakeSite site;
  const auto r = site.Make().Disruptive(kBeta);
  ASSERT_TRUE(r.ok()) << r.error().Text();
  EXPECT_TRUE(r->passed) << r->why;
  EXPECT_EQ(r->proved_by, "bmc");
  EXPECT_EQ(*r->off_proved, Millis(200));
  EXPECT_TRUE(r->silent_network && r->silent_disk && r->powered_on && r->back);
  EXPECT_TRUE(site.off.empty());
}

TEST(RehearsalDisruptive, AWrongPlugMapIsCaughtAndTheOtherNodeIsSwitchedOnAgain) {
  FakeSite site;
  site.wired = "gamma";
  const auto r = site.Make().Disruptive(kBeta);
  ASSERT_TRUE(r.ok());
  EXPECT_FALSE(r->passed);
  EXPECT_THAT(r->why, HasSubstr("WRONG PLUG MAP"));
  EXPECT_THAT(r->why, HasSubstr("gamma fell silent"));
  EXPECT_TRUE(site.off.empty());
}

TEST(RehearsalDisruptive, ADeviceThatSwitchesNothingOfTheClusterIsCaught) {
  FakeSite site;
  site.wired = "a printer";
  const auto r = site.Make().Disruptive(kBeta);
  ASSERT_TRUE(r.ok());
  EXPECT_THAT(r->why, HasSubstr("beta still speaks"));
}

TEST(RehearsalDisruptive, ASoftShutdownIsRefused) {
  FakeSite site;
  site.soft = true;
  const auto r = site.Make().Disruptive(kBeta);
  ASSERT_TRUE(r.ok());
  EXPECT_FALSE(r->passed);
  EXPECT_THAT(r->why, HasSubstr("soft shutdown"));
}

TEST(RehearsalDisruptive, IsNotDoneWhileAnybodyIsMissingOrOnThisHost) {
  FakeSite site;
  EXPECT_THAT(site.Make().Disruptive(kAlpha).error().Text(), HasSubstr("is this host"));
  site.missing = "gamma";
  EXPECT_THAT(site.Make().Disruptive(kBeta).error().Text(), HasSubstr("gamma: is not there"));
  EXPECT_TRUE(site.runs.empty());
}

TEST(RehearsalDisruptive, ANodeThatDoesNotComeBackFails) {
  FakeSite site;
  site.comes_back = false;
  const auto r = site.Make().Disruptive(kBeta);
  ASSERT_TRUE(r.ok());
  EXPECT_FALSE(r->passed);
  EXPECT_THAT(r->why, HasSubstr("did not come back"));
}

TEST(Plan, ShowsLevelsTheWorstCaseAndWhatFailsTogether) {
  FencerConfig config = Config();
  const std::map<NodeId, std::string> addresses = {{kAlpha, "10.0.0.1"}, {kBeta, "10.0.0.2"}};
  FencePlan plan = MakePlan(config, kBeta, seconds(600), addresses);
  ASSERT_EQ(plan.levels.size(), 2U);
  EXPECT_EQ(plan.levels[1].begins, seconds(10));
  EXPECT_LT(plan.worst, plan.levels[0].worst + plan.levels[1].worst) << "the maximum, not the sum";
  EXPECT_THAT(plan.by, testing::ElementsAre("alpha", "gamma"));
  EXPECT_THAT(PlanText(plan), HasSubstr("level 2, from +10"));
  EXPECT_EQ(MakePlan(config, kBeta, seconds(5), addresses).worst, seconds(5));

  config.devices[0].config.parameters["ip"] = "10.0.0.2";
  plan = MakePlan(config, kBeta, seconds(600), addresses);
  EXPECT_THAT(plan.warnings, Contains(HasSubstr("fails together with the node itself")));
  config.levels = {};
  EXPECT_THAT(MakePlan(config, kBeta, seconds(600), {}).warnings,
              Contains(HasSubstr("each device alone counts as the whole")));
  for (Device& device : config.devices) device.config.parameters["ip"] = "10.1.0.9";
  EXPECT_THAT(MakePlan(config, kBeta, seconds(600), {}).warnings,
              Contains(HasSubstr("every level needs the device at 10.1.0.9")));
  EXPECT_THAT(MakePlan(config, kGamma, seconds(600), {}).warnings,
              Contains(HasSubstr("no fence device")));
  for (Device& device : config.devices) device.config.scope = FenceScope::kStorage;
  EXPECT_THAT(MakePlan(config, kBeta, seconds(600), {}).warnings,
              AllOf(Contains(HasSubstr("no level proves that the node is off")),
                    Contains(HasSubstr("level 1 takes only a part of its storage or network"))));
}

TEST(Records, AreReadBackAndGrowStale) {
  FakeSite site;
  auto first = *site.Make().Disruptive(kBeta);
  first.wall = 1'000'000'000;
  std::vector<Rehearsed> records;
  Put(first, &records);
  Put(first, &records);
  Put(site.Make().Harmless(kBeta), &records);
  ASSERT_EQ(records.size(), 2U);
  const auto read = DecodeRecords(EncodeRecords(records));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(RecordJson(read[0]), RecordJson(records[0]));
  EXPECT_EQ(RecordJson(read[1]), RecordJson(records[1]));
  EXPECT_THAT(ShowRecords({first}, first.wall + 3 * 24 * 3600),
              HasSubstr("beta, disruptive, passed, 3 days ago\n"));
  EXPECT_THAT(ShowRecords({first}, first.wall + kStaleAfterS + 1), HasSubstr("STALE"));
}

TEST(Records, AnyBytesAreRecordsOrNone) {
  FakeSite site;
  const std::string good = EncodeRecords({site.Make().Harmless(kBeta)});
  Prng prng(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (std::uint64_t n = 1 + prng.Below(4); n > 0; --n) {
      text[prng.Below(text.size())] = static_cast<char>(prng.Below(256));
    }
    for (const Rehearsed& record : DecodeRecords(text)) ASSERT_FALSE(record.node.empty());
  }
  EXPECT_TRUE(DecodeRecords("{\"records\": [7, {}, null]}").empty());
}

}  // namespace
}  // namespace fencepost::stonith
