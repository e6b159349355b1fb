// Fence devices and topologies: what is read, and what is refused with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "membership/cib/cib.h"

namespace fencepost::cib {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Device(std::string_view id, std::string_view pairs, std::string_view more = "",
                   std::string_view type = "fence_dummy") {
  return Cat("<primitive id='", id, "' class='stonith' type='", type, "'><instance_attributes id='",
             id, "i'>", pairs, "</instance_attributes>", more, "</primitive>");
}
std::string Pair(std::string_view name, std::string_view value) {
  return Cat("<nvpair id='p-", name, "' name='", name, "' value='", value, "'/>");
}
const std::string kHosts = "<nvpair id='h' name='pcmk_host_list' value='a b'/>";
const std::string kOtherHosts = "<nvpair id='gh' name='pcmk_host_list' value='a b'/>";

std::string Whole(std::string_view resources, std::string_view levels) {
  return Cat(
      "<cib><configuration><crm_config/>\n<nodes><node id='1' uname='a'/><node id='2' "
      "uname='b'/></nodes>\n<resources>",
      resources, "</resources>\n<fencing-topology>", levels,
      "</fencing-topology></configuration></cib>");
}
Cib Parsed(const std::string& text) {
  const auto cib = ParseCib(text, "cib.xml");
  EXPECT_TRUE(cib) << (cib ? "" : cib.error().Text());
  return cib ? *cib : Cib{};
}

TEST(FenceDevices, HaveLimitsAndAreLookedAfter) {
  const std::string pairs =
      Cat(kHosts, Pair("pcmk_off_timeout", "9s"), Pair("pcmk_status_timeout", "4"),
          Pair("pcmk_off_retries", "3"), Pair("pcmk_action_limit", "-1"), Pair("ip", "10.0.0.9"));
  const FenceDevice device =
      Parsed(Whole(Device("f", pairs,
                          "<operations><op id='m' name='monitor' interval='60s' timeout='7s'/>"
                          "</operations>"),
                   ""))
          .fence_devices.at(0);
  EXPECT_EQ(device.off_timeout, seconds(9));
  EXPECT_EQ(device.status_timeout, seconds(4));
  EXPECT_EQ(device.on_timeout, seconds(60));
  EXPECT_EQ(device.monitor_timeout, seconds(7));
  EXPECT_EQ(device.monitor_interval, seconds(60));
  EXPECT_EQ(device.off_attempts, 3);
  EXPECT_EQ(device.action_limit, 0) << "no limit";
  EXPECT_EQ(device.parameters, (Parameters{{"ip", "10.0.0.9"}}));
  EXPECT_EQ(device.scope, FenceScope::kNode);
  EXPECT_FALSE(device.unfencing);
}

TEST(FenceDevices, WhatTheyTakeFollowsTheAgentOrIsSaid) {
  struct Case {
    const char* type;
    std::string pairs, more;
    FenceScope scope;
    bool unfencing;
  };
  const std::string provides =
      "<meta_attributes id='m'><nvpair id='mp' name='provides' value='unfencing'/>"
      "</meta_attributes>";
  const Case cases[] = {
      {"fence_scsi", "", "", FenceScope::kStorage, true},
      {"fence_ifmib", "", "", FenceScope::kNetwork, false},
      {"fence_x", Pair("fencepost_scope", "storage"), "", FenceScope::kStorage, true},
      {"fence_brocade", Pair("fencepost_scope", "node"), "", FenceScope::kNode, false},
      {"fence_ifmib", "", provides, FenceScope::kNetwork, true},
  };
  for (const Case& c : cases) {
    const FenceDevice device =
        Parsed(Whole(Device("f", kHosts + c.pairs, c.more, c.type), "")).fence_devices.at(0);
    EXPECT_EQ(device.scope, c.scope) << c.type;
    EXPECT_EQ(device.unfencing, c.unfencing) << c.type;
    EXPECT_TRUE(device.parameters.empty()) << "the agent is not told";
  }
}

TEST(FenceDevices, SeveralPlugsOfANodeAreKept) {
  const Cib cib =
      Parsed(Whole(Device("f", "<nvpair id='h' name='pcmk_host_map' value='a:1;b:2,3'/>"), ""));
  EXPECT_EQ(cib.fence_devices.at(0).targets.at(NodeId(2)), "2,3");
}

TEST(FencingTopology, IsOrderedByTargetAndIndex) {
  const Cib cib = Parsed(Whole(Device("f", kHosts) + Device("g", kOtherHosts),
                               "<fencing-level id='l2' target='b' index='2' devices='f,g'/>"
                               "<fencing-level id='l1' target='b' index='1' devices='g'/>"));
  ASSERT_EQ(cib.fence_levels.size(), 2U);
  EXPECT_EQ(cib.fence_levels[0].id, "l1");
  EXPECT_EQ(cib.fence_levels[1].target, NodeId(2));
  EXPECT_THAT(cib.fence_levels[1].devices, ElementsAre("f", "g"));
}

TEST(FencingTopology, WhatIsWrongIsRefusedByName) {
  const auto level = [](std::string_view attributes) {
    return Whole(
        Device("f", kHosts) + Device("g", "<nvpair id='gh' name='pcmk_host_list' value='a'/>"),
        Cat("<fencing-level id='x' ", attributes, "/>"));
  };
  const auto device = [](const std::string& pairs, std::string_view more = "") {
    return Whole(Device("f", kHosts + pairs, more), "");
  };
  const std::pair<std::string, std::string> cases[] = {
      {level("target='zoe' index='1' devices='f'"), "target=\"zoe\" is none of the <nodes>"},
      {level("target='a' index='0' devices='f'"), "index=\"0\" is no number from 1 to 9"},
      {level("target='a' index='1' devices='h'"), "\"h\", which is no primitive of class stonith"},
      {level("target='b' index='1' devices='f,g'"), "fence device g does not have b"},
      {level("target='a' index='1' devices=','"), "devices=\"\" is empty"},
      {level("target-pattern='.*' index='1' devices='f'"), "target-pattern"},
      {level("target='a' index='1' devices='f'/><fencing-level id='y' target='a' index='1' "
             "devices='g'"),
       "a second level 1 of a"},
      {device(Pair("pcmk_off_timeout", "0")), "no time"},
      {device(Pair("pcmk_off_retries", "0")), "no count"},
      {device(Pair("pcmk_action_limit", "many")), "no count"},
      {device(Pair("fencepost_scope", "rack")), "not known"},
      {device(Pair("pcmk_reboot_timeout", "9")), "pcmk_reboot_timeout is not supported"},
      {device("", "<operations><op id='o' name='off' interval='0'/></operations>"),
       "operation off of a fence device"},
      {device("", "<operations><op id='o' name='monitor' interval='soon'/></operations>"),
       "interval=\"soon\""},
      {device("",
              "<meta_attributes id='m'><nvpair id='n' name='target-role' value='Stopped'/>"
              "</meta_attributes>"),
       "target-role of a fence device"},
  };
  for (const auto& [text, words] : cases) {
    const auto cib = ParseCib(text, "cib.xml");
    ASSERT_FALSE(cib.ok()) << words;
    EXPECT_THAT(cib.error().Text(), HasSubstr(words));
  }
}

TEST(FencingTopology, ItsBytesDifferWithEveryField) {
  const Cib cib = Parsed(Whole(Device("f", kHosts) + Device("g", kOtherHosts),
                               "<fencing-level id='l' target='a' index='1' devices='f,g'/>"));
  std::set<Bytes> seen = {CanonicalBytes(cib)};
  const auto expect_new = [&](const char* field, auto change) {
    Cib changed = cib;
    change(changed);
    EXPECT_TRUE(seen.insert(CanonicalBytes(changed)).second) << field;
  };
  const auto device = [&](const char* field, auto change) {
    expect_new(field, [&](Cib& c) { change(c.fence_devices[0]); });
  };
  device("scope", [](FenceDevice& d) { d.scope = FenceScope::kStorage; });
  device("unfencing", [](FenceDevice& d) { d.unfencing = true; });
  device("action limit", [](FenceDevice& d) { d.action_limit = 5; });
  device("attempts", [](FenceDevice& d) { d.off_attempts = 5; });
  device("off", [](FenceDevice& d) { d.off_timeout += Millis(1); });
  device("on", [](FenceDevice& d) { d.on_timeout += Millis(1); });
  device("status", [](FenceDevice& d) { d.status_timeout += Millis(1); });
  device("monitor", [](FenceDevice& d) { d.monitor_timeout += Millis(1); });
  device("interval", [](FenceDevice& d) { d.monitor_interval += Millis(1); });
  expect_new("level target", [](Cib& c) { c.fence_levels[0].target = NodeId(2); });
  expect_new("level index", [](Cib& c) { c.fence_levels[0].index = 2; });
  expect_new("level devices", [](Cib& c) { c.fence_levels[0].devices.pop_back(); });
  expect_new("level", [](Cib& c) { c.fence_levels.clear(); });
}

}  // namespace
}  // namespace fencepost::cib
