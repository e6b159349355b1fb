// RHCS's cluster.conf: what is understood, and bad input.
#include "fence-agents/fence_node/cluster_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/text.h"
#include "fence-agents/fence_node/site.h"

namespace fencepost::fence_node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kNodes = R"(<clusternode name="alpha" nodeid="1" votes="1"><fence>
<method name="power"><device name="apc" port="1" action="off"/><device name="apc" port="2" action="off"/>
<device name="apc" port="1" action="on"/><device name="apc" port="2" action="on"/></method>
<method name="bmc"><device name="ipmi" ipaddr="10.0.0.1" login="node"/></method></fence>
<unfence><device name="san" port="4" action="on"/></unfence></clusternode>
<clusternode name="beta" nodeid="2"><fence><method name="1"><device name="apc" port="7" action="off"/>
</method></fence></clusternode><clusternode name="gamma" nodeid="3"/>)";
const std::string kDevices = R"(<fencedevice name="apc" agent="fence_apc_snmp" ipaddr="10.0.0.9"/>
<fencedevice name="ipmi" agent="fence_ipmilan" login="admin" passwd="hush"/>
<fencedevice name="san" agent="fence_brocade" ipaddr="10.0.0.8"/>)";

std::string Conf(const std::string& nodes = kNodes, const std::string& devices = kDevices) {
  return Cat("<?xml version=\"1.0\"?>\n<cluster name=\"shop\" config_version=\"7\"><clusternodes>",
             nodes, "</clusternodes>\n<fencedevices>", devices,
             "</fencedevices><rm/><fence_daemon post_join_delay=\"6\"/></cluster>");
}

TEST(ClusterConf, MethodsAreLevelsAndTheDeviceWinsOverTheNode) {
  const auto conf = ParseClusterConf(Conf(), "cluster.conf");
  ASSERT_TRUE(conf.ok()) << conf.error().Text();
  EXPECT_EQ(conf->name, "shop");
  ASSERT_EQ(conf->cib.fence_levels.size(), 3U);
  EXPECT_THAT(conf->cib.fence_levels[0].devices, ElementsAre("apc"));
  const FenceDevice& apc = conf->cib.fence_devices.at(0);
  EXPECT_EQ(apc.targets.at(NodeId(1)), "1,2") << "both supplies of alpha";
  EXPECT_EQ(apc.targets.at(NodeId(2)), "7");
  const FenceDevice& ipmi = conf->cib.fence_devices.at(1);
  EXPECT_EQ(ipmi.parameters.at("ipaddr"), "10.0.0.1");
  EXPECT_EQ(ipmi.parameters.at("login"), "admin") << "as RHCS does it";
  EXPECT_EQ(conf->actions.at(NodeId(1)), FenceAction::kReboot);
  EXPECT_EQ(conf->actions.at(NodeId(2)), FenceAction::kOff) << "nothing switches it on";
  EXPECT_EQ(conf->unfence.at(NodeId(1)).at(0).targets.at(NodeId(1)), "4");
}

TEST(ClusterConf, AnotherMethodsOutletOfTheSameDeviceIsADeviceOfItsOwn) {
  const auto conf = ParseClusterConf(
      Conf(R"(<clusternode name="a" nodeid="1"><fence><method name="1"><device name="apc" port="1"/>
</method><method name="2"><device name="apc" port="2"/></method></fence></clusternode>)"),
      "cluster.conf");
  ASSERT_TRUE(conf.ok());
  EXPECT_THAT(conf->cib.fence_levels.at(0).devices, ElementsAre("apc"));
  EXPECT_THAT(conf->cib.fence_levels.at(1).devices, ElementsAre("apc#2"));
}

TEST(ClusterConf, IsASiteOfItsOwn) {
  const auto site =
      LoadSite("/etc/cluster/cluster.conf",
               [](const std::string&, std::size_t) -> Result<std::string> { return Conf(); });
  ASSERT_TRUE(site.ok()) << site.error();
  const auto beta = ChooseTarget(*site, "beta", "alpha");
  ASSERT_TRUE(beta.ok());
  EXPECT_EQ(beta->action, FenceAction::kOff);
  EXPECT_EQ(beta->devices.size(), 1U);
  EXPECT_TRUE(beta->unfence.empty()) << "undefined";
  EXPECT_TRUE(ChooseTarget(*site, "gamma", "alpha")->devices.empty());
}

TEST(ClusterConf, WhatIsWrongIsNamedWithItsLine) {
  const auto node = [](const std::string& inside) {
    return Conf(Cat("<clusternode name=\"a\" nodeid=\"1\">", inside, "</clusternode>"));
  };
  const std::pair<std::string, std::string> cases[] = {
      {"<cib/>", "the root element is <cib>"},
      {"<cluster/>", "no <clusternode>s"},
      {Conf("<clusternode name=\"a\"/>"), "nodeid"},
      {Conf("<clusternode name=\"a\" nodeid=\"99\"/>"), "nodeid=\"99\""},
      {Conf("<clusternode name=\"a\" nodeid=\"1\"/><clusternode name=\"a\" nodeid=\"2\"/>"),
       "has the name or nodeid of a"},
      {node("<fence><method name=\"1\"><device name=\"x\"/></method></fence>"),
       "device \"x\" is none of the <fencedevices>"},
      {Conf(kNodes, "<fencedevice name=\"apc\" agent=\"../x\"/>"), "agent=\"../x\""},
  };
  for (const auto& [text, words] : cases) {
    const auto conf = ParseClusterConf(text, "cluster.conf");
    ASSERT_FALSE(conf.ok()) << words;
    EXPECT_THAT(conf.error().Text(), HasSubstr(words));
    EXPECT_THAT(conf.error().Text(), HasSubstr("cluster.conf"));
    EXPECT_THAT(conf.error().Text(), testing::Not(HasSubstr("hush")));
  }
}

TEST(ClusterConf, AnyBytesAreReadOrRefused) {
  Prng prng(17);
  const std::string good = Conf();
  for (int i = 0; i < 5000; ++i) {
    std::string text = good;
    for (std::uint64_t n = 1 + prng.Below(5); n > 0; --n) {
      text[prng.Below(text.size())] = static_cast<char>(prng.Below(256));
    }
    const auto conf = ParseClusterConf(text, "x");
    if (!conf) {
      ASSERT_FALSE(conf.error().cause.empty());
    }
  }
}

}  // namespace
}  // namespace fencepost::fence_node
