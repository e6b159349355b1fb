#include "membership/cib/cib.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/prng.h"
#include "base/text.h"
#include "membership/cib/cib_testing.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

using testing::HasSubstr;

std::string Example() {
  std::ifstream file(FENCEPOST_SOURCE_DIR "/docs/examples/cib.xml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// What a lost node must have lost before the resource is recovered.
TEST(CibRequires, SaysWhatMustBeProved) {
  struct Case {
    const char *defaults, *own;
    Coverage needs;
  };
  const Case cases[] = {{"", "", {true, false, false}},
                        {"", "requires=fencing", {true, false, false}},
                        {"", "requires=unfencing", {false, true, false}},
                        {"", "requires=quorum", {}},
                        {"requires=unfencing", "", {false, true, false}},
                        {"requires=unfencing", "requires=fencing", {true, false, false}},
                        {"requires=unfencing", "fencepost_scope=network", {false, false, true}},
                        {"", "fencepost_scope=storage,network", {false, true, true}},
                        {"fencepost_scope=storage", "requires=quorum", {}}};
  const auto pair = [](std::string_view text, const char* id) {
    const std::size_t at = text.find('=');
    return text.empty() ? std::string()
                        : Cat("<nvpair id='", id, "' name='", text.substr(0, at), "' value='",
                              text.substr(at + 1), "'/>");
  };
  for (const Case& c : cases) {
    Parts parts;
    parts.defaults = pair(c.defaults, "dp");
    parts.resources =
        Dummy(Cat("<meta_attributes id='m'>", pair(c.own, "mp"), "</meta_attributes>"));
    const Cib cib = Parsed(parts.Text());
    EXPECT_EQ(cib.groups.at(0).members.at(0).needs, c.needs) << c.defaults << " " << c.own;
  }
  const auto refused = [&](const char* text, const char* cause, const char* remedy) {
    Parts parts = WithResources(
        Dummy(Cat("\n<meta_attributes id='m'>", pair(text, "mp"), "</meta_attributes>")));
    ExpectRefused(parts.Text(), "line 5", cause, remedy);
  };
  refused("requires=nothing", "not supported", "fencing, unfencing or quorum");
  refused("fencepost_scope=rack", "not known", "storage,network");
  refused("fencepost_scope=", "not known", "node");
}

TEST(Cib, TheExampleOfTheDocumentationIsReadWhole) {
  const Cib cib = Parsed(Example());
  EXPECT_EQ(cib.version, (CibVersion{0, 1, 0}));
  EXPECT_TRUE(cib.stonith_enabled);
  EXPECT_EQ(cib.stonith_action, FenceAction::kReboot);
  ASSERT_EQ(cib.nodes.size(), 2U);
  EXPECT_EQ(cib.nodes[1], (CibNode{NodeId(2), "beta", false}));
  ASSERT_EQ(cib.groups.size(), 1U);
  EXPECT_EQ(cib.groups[0].id, "service");
  ASSERT_EQ(cib.groups[0].members.size(), 2U);
  const Primitive& address = cib.groups[0].members[0];
  EXPECT_EQ(address.type, "IPaddr2");
  EXPECT_EQ(address.provider, "heartbeat");
  EXPECT_EQ(address.parameters,
            (Parameters{{"cidr_netmask", "24"}, {"ip", "10.97.0.100"}, {"nic", "eth0"}}));
  EXPECT_EQ(address.monitor_interval, std::chrono::seconds(5));
  EXPECT_EQ(address.monitor_timeout, std::chrono::seconds(20));
  EXPECT_EQ(address.stickiness, 100);
  EXPECT_EQ(address.migration_threshold, 3U);
  EXPECT_TRUE(address.enabled);
  ASSERT_EQ(cib.fence_devices.size(), 2U);
  EXPECT_EQ(cib.fence_devices[1].agent, "fence_ipmilan");
  EXPECT_EQ(cib.fence_devices[1].targets, (std::map<NodeId, std::string>{{NodeId(2), "beta"}}));
  EXPECT_EQ(cib.fence_devices[1].parameters.at("password_file"), "/etc/fencepost/secrets/beta-bmc");
  EXPECT_FALSE(cib.fence_devices[1].parameters.contains("pcmk_host_list"));
  ASSERT_EQ(cib.locations.size(), 1U);
  EXPECT_EQ(cib.locations[0], (Location{"service-likes-alpha", "service", NodeId(1), 50}));
}

TEST(Cib, DefaultsArePacemakers) {
  Parts parts;
  parts.resources = Dummy("");
  const Cib cib = Parsed(parts.Text());
  EXPECT_TRUE(cib.stonith_enabled);
  EXPECT_TRUE(cib.start_failure_is_fatal);
  EXPECT_EQ(cib.stonith_timeout, std::chrono::seconds(60));
  ASSERT_EQ(cib.groups.size(), 1U);
  EXPECT_EQ(cib.groups[0].id, "r") << "a primitive alone is a group of one";
  const Primitive& r = cib.groups[0].members[0];
  EXPECT_EQ(r.start_timeout, std::chrono::seconds(20));
  EXPECT_EQ(r.stickiness, 0);
  EXPECT_EQ(r.migration_threshold, 0U);
  EXPECT_EQ(r.monitor_interval, Duration{});
}

TEST(Cib, MetaAttributesOfAPrimitiveBeatItsGroupsAndThoseBeatTheDefaults) {
  Parts parts;
  parts.defaults =
      "<nvpair id='d1' name='resource-stickiness' value='1'/>"
      "<nvpair id='d2' name='migration-threshold' value='5'/>";
  parts.resources =
      "<group id='g'><meta_attributes id='gm'><nvpair id='gm1' name='resource-stickiness' "
      "value='INFINITY'/><nvpair id='gm2' name='target-role' value='Stopped'/></meta_attributes>" +
      Dummy(
          "<meta_attributes id='rm'><nvpair id='rm1' name='migration-threshold' "
          "value='INFINITY'/></meta_attributes>") +
      "</group>";
  const Primitive r = Parsed(parts.Text()).groups.at(0).members.at(0);
  EXPECT_EQ(r.stickiness, kInfinity);
  EXPECT_EQ(r.migration_threshold, 0U) << "INFINITY is never";
  EXPECT_FALSE(r.enabled);
}

TEST(Cib, AProbeTakesTheMonitorsTimeUnlessItHasItsOwn) {
  Parts parts;
  parts.resources =
      Dummy("<operations><op id='m' name='monitor' interval='10' timeout='7s'/></operations>");
  EXPECT_EQ(Parsed(parts.Text()).groups[0].members[0].probe_timeout, std::chrono::seconds(7));
  parts.resources = Dummy(
      "<operations><op id='m' name='monitor' interval='10' timeout='7s'/>"
      "<op id='p' name='monitor' interval='0' timeout='2min'/></operations>");
  const Primitive r = Parsed(parts.Text()).groups[0].members[0];
  EXPECT_EQ(r.probe_timeout, std::chrono::minutes(2));
  EXPECT_EQ(r.monitor_timeout, std::chrono::seconds(7));
  EXPECT_EQ(r.monitor_interval, std::chrono::seconds(10));
}

TEST(Cib, TheHostMapOfADeviceNamesPlugs) {
  Parts parts;
  parts.resources = Device(
      "<nvpair id='f1' name='pcmk_host_list' value='a, b'/>"
      "<nvpair id='f2' name='pcmk_host_map' value='b:outlet-7;'/>");
  const Cib cib = Parsed(parts.Text());
  EXPECT_EQ(cib.fence_devices.at(0).targets,
            (std::map<NodeId, std::string>{{NodeId(1), "a"}, {NodeId(2), "outlet-7"}}));
}

std::vector<Refusal> RefusalsOfResources() {
  const auto with = WithResources;
  return {
      {"AnInlinePassword",
       with(Device("<nvpair id='p' name='passwd' value='hunter2'/>"
                   "<nvpair id='h' name='pcmk_host_list' value='a'/>")),
       "line 4", "passwd would put a secret", "password_file"},
      {"AnotherInlinePassword",
       with(Device("<nvpair id='h' name='pcmk_host_list' value='a'/>"
                   "<nvpair id='p' name='password' value='hunter2'/>")),
       "line 4", "password would put a secret", "password_file"},
      {"AClone", with("<clone id='c'/>"), "line 4", "<clone> in <resources>", "primitive, group"},
      {"AnLsbAgent", with("<primitive id='r' class='lsb' type='x'/>"), "line 4", "class=\"lsb\"",
       "ocf"},
      {"AFenceDeviceInAGroup",
       with("<group id='g'><primitive id='f' class='stonith' type='x'/></group>"), "line 4",
       "class=\"stonith\"", "outside groups"},
      {"AnEmptyGroup", with("<group id='g'/>"), "line 4", "group g is empty", "remove"},
      {"TheSameIdTwice", with(Dummy("") + Dummy("")), "line 4", "\"r\" is used twice", "own id"},
      {"APathAsAgent",
       with("<primitive id='r' class='ocf' provider='heartbeat' type='../../bin/sh'/>"), "line 4",
       "type=\"../../bin/sh\"", "without a path"},
      {"AProviderThatIsHidden", with("<primitive id='r' class='ocf' provider='..' type='Dummy'/>"),
       "line 4", "provider=\"..\"", "without a path"},
      {"NoProvider", with("<primitive id='r' class='ocf' type='Dummy'/>"), "line 4",
       "has no provider", "add provider"},
      {"AParameterThatIsNoVariable",
       with(Dummy("<instance_attributes id='i'><nvpair id='n' name='a=b' value='1'/>"
                  "</instance_attributes>")),
       "line 4", "\"a=b\" is not the name", "letters"},
      {"ARuleAmongParameters",
       with(Dummy("<instance_attributes id='i'><rule id='x'/></instance_attributes>")), "line 4",
       "<rule> in <instance_attributes>", "nvpair"},
      {"AParameterGivenTwice",
       with(Dummy("<instance_attributes id='i'><nvpair id='n' name='a' value='1'/>"
                  "<nvpair id='m' name='a' value='2'/></instance_attributes>")),
       "line 4", "a is given twice", "keep one"},
      {"AMetaAttributeWeDoNotKnow",
       with(Dummy("<meta_attributes id='i'><nvpair id='n' name='is-managed' value='false'/>"
                  "</meta_attributes>")),
       "line 4", "is-managed is not supported", "resource-stickiness"},
  };
}

std::vector<Refusal> RefusalsOfOperationsAndDevices() {
  const auto op = [](std::string_view attributes) {
    return WithResources(Dummy(Cat("<operations><op id='x' ", attributes, "/></operations>")));
  };
  const auto with = WithResources;
  return {
      {"OnFail", op("name='stop' on-fail='block'"), "line 4", "on-fail", "remove"},
      {"ATimeOutOfZero", op("name='start' timeout='0'"), "line 4", "timeout=\"0\"", "20s"},
      {"ATimeWithoutSense", op("name='start' timeout='20 parsecs'"), "line 4", "20 parsecs", "20s"},
      {"ATimeOfYears", op("name='start' timeout='9999999h'"), "line 4", "9999999h", "20s"},
      {"ARecurringStart", op("name='start' interval='5'"), "line 4", "does not recur", "interval"},
      {"AnOperationWeDoNotKnow", op("name='promote'"), "line 4", "operation promote", "monitor"},
      {"TwoRecurringMonitors",
       with(Dummy("<operations><op id='x' name='monitor' interval='5'/>"
                  "<op id='y' name='monitor' interval='9'/></operations>")),
       "line 4", "second recurring monitor", "keep one"},
      {"ADeviceWithoutTargets", with(Device("")), "line 4", "names no node", "pcmk_host_list"},
      {"ADeviceForAStranger", with(Device("<nvpair id='h' name='pcmk_host_list' value='a zoe'/>")),
       "line 4", "\"zoe\", which is none", "uname"},
      {"AHostMapWithoutPlug", with(Device("<nvpair id='h' name='pcmk_host_map' value='a'/>")),
       "line 4", "pcmk_host_map has \"a\"", "NODE:PLUG"},
      {"ADynamicList", with(Device("<nvpair id='h' name='pcmk_host_check' value='dynamic-list'/>")),
       "line 4", "dynamic-list", "static-list"},
      {"ADelay", with(Device("<nvpair id='h' name='pcmk_delay_max' value='5'/>")), "line 4",
       "pcmk_delay_max is not supported", "pcmk_host_map"},
  };
}

std::vector<Refusal> RefusalsOfTheRest() {
  const auto option = [](std::string_view name, std::string_view value) {
    Parts parts;
    parts.options = Cat("<nvpair id='n' name='", name, "' value='", value, "'/>");
    return parts;
  };
  const auto nodes = [](std::string text) {
    Parts parts;
    parts.nodes = std::move(text);
    return parts;
  };
  const auto constraint = [](std::string text) {
    Parts parts;
    parts.resources = Dummy("");
    parts.constraints = std::move(text);
    return parts;
  };
  return {
      {"AnotherQuorumPolicy", option("no-quorum-policy", "ignore"), "line 2",
       "no-quorum-policy=\"ignore\"", "write stop"},
      {"AnOptionWeDoNotKnow", option("maintenance-mode", "true"), "line 2", "maintenance-mode",
       "docs/cib.md"},
      {"ABooleanThatIsNone", option("stonith-enabled", "maybe"), "line 2", "stonith-enabled",
       "true or false"},
      {"NoNodes", nodes(""), "line 3", "no nodes", "<node id="},
      {"TwoNodesWithOneId", nodes("<node id='1' uname='a'/><node id='1' uname='b'/>"), "line 3",
       "node 1 \"b\" has the id or name of node 1 \"a\"", "its own"},
      {"TwoNodesWithOneName", nodes("<node id='1' uname='a'/><node id='2' uname='a'/>"), "line 3",
       "has the id or name", "its own"},
      {"NodeZero", nodes("<node id='0' uname='a'/>"), "line 3", "id=\"0\"", "fencepost.toml"},
      {"ANodeBeyondTheLimit", nodes("<node id='65' uname='a'/>"), "line 3", "1 to 64", "number"},
      {"ARemoteNode", nodes("<node id='1' uname='a' type='remote'/>"), "line 3", "remote",
       "member"},
      {"AColocation", constraint("<rsc_colocation id='c'/>"), "line 5", "<rsc_colocation>",
       "rsc_location"},
      {"ALocationForNothing", constraint("<rsc_location id='l' rsc='x' node='a' score='1'/>"),
       "line 5", "rsc=\"x\"", "use the id"},
      {"ALocationNowhere", constraint("<rsc_location id='l' rsc='r' node='x' score='1'/>"),
       "line 5", "node=\"x\"", "uname"},
      {"ALocationWithoutScore", constraint("<rsc_location id='l' rsc='r' node='a'/>"), "line 5",
       "no score", "add score"},
      {"RulesBesideAScore",
       constraint("<rsc_location id='l' rsc='r' node='a' score='1'><rule id='x'/></rsc_location>"),
       "line 5", "constraint l has rules", "or rules"},
      {"ANodeAttributeOfPacemakersOwn",
       nodes("<node id='1' uname='a'><instance_attributes id='i'>"
             "<nvpair id='n' name='maintenance' value='true'/></instance_attributes></node>"),
       "line 3", "\"maintenance\" has a meaning", "remove"},
      {"ANodeAttributeWithoutAValue",
       nodes("<node id='1' uname='a'><instance_attributes id='i'>"
             "<nvpair id='n' name='site' value=''/></instance_attributes></node>"),
       "line 3", "site is empty", "shorten"},
  };
}

TEST(CibRefuses, WhatIsNotUnderstoodByNameAndLineWithARemedy) {
  for (const auto& table :
       {RefusalsOfResources(), RefusalsOfOperationsAndDevices(), RefusalsOfTheRest()}) {
    for (const Refusal& refusal : table) {
      SCOPED_TRACE(refusal.name);
      ExpectRefused(refusal.parts.Text(), refusal.where, refusal.cause, refusal.remedy);
    }
  }
}

TEST(CibRefuses, DocumentsThatAreNotOne) {
  struct {
    const char* name;
    std::string text;
    const char *where, *cause, *remedy;
  } const cases[] = {
      {"nothing", "", "line 1", "not XML", "xmllint"},
      {"a cut", Example().substr(0, 900), "line 21", "not XML", "xmllint"},
      {"another root", "<crm/>", "line 1", "<crm>", "<cib>"},
      {"two roots", "<cib/>\n<cib/>", "line 2", "second root", "one <cib>"},
      {"an attribute twice", "<cib epoch='1' epoch='2'/>", "line 1", "epoch twice", "keep one"},
      {"a negative epoch", "<cib epoch='-1'/>", "line 1", "epoch=\"-1\"", "0 or more"},
      {"an unknown attribute", "<cib shiny='1'/>", "line 1", "attribute shiny", "understood are"},
      {"no configuration", "<cib/>", "line 1", "no <configuration>", "add"},
      {"two configurations", "<cib><configuration/>\n<configuration/></cib>", "line 2",
       "second <configuration>", "merge"},
      {"a saved status", "<cib><configuration/>\n<status><node_state/></status></cib>", "line 2",
       "<status>", "remove"},
      {"stray text", "<cib>hello</cib>", "line 1", "text between", "remove"},
      {"an unknown section", "<cib><configuration>\n<acls/></configuration></cib>", "line 2",
       "<acls>", "remove"},
      {"a DTD", "<!DOCTYPE cib SYSTEM 'file:///etc/passwd'>\n<cib/>", "line 1", "DOCTYPE",
       "remove"},
      {"a reference to NUL", "<cib>\n<configuration id='&#0;x'/></cib>", "line 2", "numeric",
       "UTF-8"},
      {"a NUL", std::string("<cib/>\n\0", 8), "line 2", "control character", "UTF-8"},
      {"too much", std::string(kMaxCibBytes + 1, ' '), "", "65537 bytes", "remove"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    ExpectRefused(c.text, c.where, c.cause, c.remedy);
  }
}

TEST(CibRefuses, TextThatNestsTooDeepAndTooManyOfAnything) {
  std::string deep;
  while (deep.size() < kMaxCibBytes - 3) deep += "<a>";
  EXPECT_FALSE(ParseCib(deep, "x"));
  std::string closed = "<cib>";
  for (int i = 0; i < 5000; ++i) closed += "<a>";
  for (int i = 0; i < 5000; ++i) closed += "</a>";
  ExpectRefused(closed + "</cib>", "line 1", "nested deeper", "docs/cib.md");

  Parts many;
  for (std::size_t i = 0; i <= kMaxPrimitives; ++i) {
    many.resources += Replaced(Dummy(""), "id='r'", Cat("id='r", i, "'"));
  }
  ExpectRefused(many.Text(), "line 4", "more than 64 primitives", "split");
  Parts wordy;
  std::string pairs;
  for (std::size_t i = 0; i <= kMaxParameters; ++i) {
    pairs += Cat("<nvpair id='n", i, "' name='p", i, "' value='v'/>");
  }
  wordy.resources = Dummy(Cat("<instance_attributes id='i'>", pairs, "</instance_attributes>"));
  ExpectRefused(wordy.Text(), "line 4", "more than 64 entries", "remove");
  wordy.resources = Dummy(Cat("<instance_attributes id='i'><nvpair id='n' name='p' value='",
                              std::string(kMaxValueBytes + 1, 'x'), "'/></instance_attributes>"));
  ExpectRefused(wordy.Text(), "line 4", "longer than 1024", "shorten");
}

TEST(CibRefuses, RandomDamageWithAnErrorAndNeverACrash) {
  const std::string example = Example();
  Prng random(20);
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = example;
    for (std::uint64_t i = 0; i <= random.Below(4); ++i) {
      const std::size_t at = random.Below(text.size());
      switch (random.Below(3)) {
        case 0:
          text[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          text.erase(at, 1 + random.Below(40));
          break;
        default:
          text.insert(at, text.substr(random.Below(text.size()), random.Below(80)));
      }
    }
    const auto cib = ParseCib(text, "x");
    if (!cib) {
      ++refused;
      EXPECT_FALSE(cib.error().cause.empty());
      EXPECT_FALSE(cib.error().remedy.empty()) << cib.error().Text();
    }
  }
  EXPECT_GT(refused, 2000);
}

TEST(CanonicalBytes, DoNotDependOnHowTheTextIsWritten) {
  const std::string text = Example();
  const std::string other =
      Replaced(Replaced(Replaced(text, "timeout=\"20s\"", "timeout=\"20000ms\""), "value=\"true\"",
                        "value=\"Yes\""),
               "<nodes>", "<!-- a comment -->\n\n<nodes>");
  EXPECT_EQ(CanonicalBytes(Parsed(text)), CanonicalBytes(Parsed(other)));
  EXPECT_EQ(Parsed(text), Parsed(other));
}

TEST(CanonicalBytes, DifferWithEveryFieldThatIsActedUpon) {
  const Cib cib = Parsed(Example());
  std::set<Bytes> seen = {CanonicalBytes(cib)};
  const auto expect_new = [&](const char* field, auto change) {
    Cib changed = cib;
    change(changed);
    EXPECT_TRUE(seen.insert(CanonicalBytes(changed)).second) << field;
  };
  expect_new("epoch", [](Cib& c) { ++c.version.epoch; });
  expect_new("admin_epoch", [](Cib& c) { ++c.version.admin_epoch; });
  expect_new("num_updates", [](Cib& c) { ++c.version.num_updates; });
  expect_new("stonith", [](Cib& c) { c.stonith_enabled = false; });
  expect_new("action", [](Cib& c) { c.stonith_action = FenceAction::kOff; });
  expect_new("stonith time", [](Cib& c) { c.stonith_timeout += Millis(1); });
  expect_new("fatal", [](Cib& c) { c.start_failure_is_fatal = false; });
  expect_new("node", [](Cib& c) { c.nodes[0].id = NodeId(9); });
  expect_new("node name", [](Cib& c) { c.nodes[0].name += "x"; });
  expect_new("standby", [](Cib& c) { c.nodes[0].standby = true; });
  expect_new("group", [](Cib& c) { c.groups[0].id += "x"; });
  expect_new("order", [](Cib& c) { std::swap(c.groups[0].members[0], c.groups[0].members[1]); });
  const auto primitive = [&](const char* field, auto change) {
    expect_new(field, [&](Cib& c) { change(c.groups[0].members[0]); });
  };
  primitive("id", [](Primitive& p) { p.id += "x"; });
  primitive("provider", [](Primitive& p) { p.provider += "x"; });
  primitive("type", [](Primitive& p) { p.type += "x"; });
  primitive("parameter", [](Primitive& p) { p.parameters["ip"] = "10.97.0.101"; });
  primitive("start", [](Primitive& p) { p.start_timeout += Millis(1); });
  primitive("stop", [](Primitive& p) { p.stop_timeout += Millis(1); });
  primitive("probe", [](Primitive& p) { p.probe_timeout += Millis(1); });
  primitive("monitor", [](Primitive& p) { p.monitor_timeout += Millis(1); });
  primitive("interval", [](Primitive& p) { p.monitor_interval += Millis(1); });
  primitive("stickiness", [](Primitive& p) { p.stickiness = -1; });
  primitive("threshold", [](Primitive& p) { p.migration_threshold = 9; });
  primitive("enabled", [](Primitive& p) { p.enabled = false; });
  expect_new("device", [](Cib& c) { c.fence_devices[0].id += "x"; });
  expect_new("agent", [](Cib& c) { c.fence_devices[0].agent += "x"; });
  expect_new("plug", [](Cib& c) { c.fence_devices[0].targets[NodeId(1)] = "7"; });
  expect_new("device parameter", [](Cib& c) { c.fence_devices[0].parameters["ip"] = "::1"; });
  expect_new("location", [](Cib& c) { c.locations[0].score = -kInfinity; });
  expect_new("location node", [](Cib& c) { c.locations[0].node = NodeId(2); });
  expect_new("location of", [](Cib& c) { c.locations[0].resource = "address"; });
}

TEST(Values, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(ParseTime("10"), std::chrono::seconds(10));
  EXPECT_EQ(ParseTime("200ms"), Millis(200));
  EXPECT_EQ(ParseTime("24h"), kMaxOperationTime);
  for (const char* bad : {"", "s", "-1s", "1.5s", "1 s", "25h", "99999999999999999999", "1us"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
  EXPECT_EQ(ParseScore("-INFINITY"), -kInfinity);
  EXPECT_EQ(ParseScore("+12"), 12);
  EXPECT_EQ(ParseScore("-2000000"), -kInfinity);
  for (const char* bad : {"", "-", "infinity", "1x", "--1", "+-1", "- 1"}) {
    EXPECT_FALSE(ParseScore(bad)) << bad;
  }
  EXPECT_EQ(ParseBool("Yes"), true);
  EXPECT_EQ(ParseBool("0"), false);
  EXPECT_FALSE(ParseBool(""));
}

}  // namespace
}  // namespace fencepost::cib
