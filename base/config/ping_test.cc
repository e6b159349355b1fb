#include "base/config/ping.h"

#include <gtest/gtest.h>

#include "base/config/config.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

constexpr std::string_view kCluster = R"([cluster]
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
)";

constexpr std::string_view kEveryKey = R"([ping]
interval = "500ms"
timeout = "300ms"
attempts = 3
lose_after = 2
return_after = 4
multiplier = 1000
dampen = "2s"
hold = "8s"
failure_score = 2000
attribute = "net"
sink = "pacemaker"
on_stop = "zero"
attrd_updater = "/opt/attrd_updater"
source = "10.0.0.1"
[[ping.group]]
name = "uplink"
need = 2
weight = 5
[[ping.group]]
name = "dns"
need = "all"
[[ping.target]]
host = "10.0.0.254"
group = "uplink"
[[ping.target]]
host = "fd00::1"
group = "uplink"
[[ping.target]]
host = "ns.example"
name = "ns"
probe = "tcp"
port = 53
group = "dns"
[[ping.target]]
host = "10.0.0.9"
probe = "arp"
device = "eth1"
weight = 7
)";

TEST(Ping, ReadsEveryKey) {
  const auto config = ParseConfig(Cat(kCluster, kEveryKey), "f.toml");
  ASSERT_TRUE(config.ok()) << config.error()[0].Text();
  ASSERT_TRUE(config->ping);
  const PingConfig& ping = *config->ping;
  EXPECT_EQ(ping.interval, Millis(500));
  EXPECT_EQ(ping.timeout, Millis(300));
  EXPECT_EQ(ping.attempts, 3U);
  EXPECT_EQ(ping.lose_after, 2U);
  EXPECT_EQ(ping.return_after, 4U);
  EXPECT_EQ(ping.dampen, Millis(2000));
  EXPECT_EQ(ping.hold, Millis(8000));
  EXPECT_EQ(ping.failure_score, 2000);
  EXPECT_EQ(ping.attribute, "net");
  EXPECT_EQ(ping.sink, PingSink::kPacemaker);
  EXPECT_EQ(ping.on_stop, PingStop::kZero);
  EXPECT_EQ(ping.attrd_updater, "/opt/attrd_updater");
  ASSERT_EQ(ping.groups.size(), 2U);
  EXPECT_EQ(ping.groups[0].need, 2U);
  EXPECT_EQ(ping.groups[1].need, kAllOfGroup);
  ASSERT_EQ(ping.targets.size(), 4U);
  EXPECT_EQ(ping.targets[0].source, "10.0.0.1");
  EXPECT_EQ(ping.targets[1].source, "") << "of the other IP version";
  EXPECT_EQ(ping.targets[2].port, 53);
  EXPECT_FALSE(ping.targets[2].numeric);
  EXPECT_EQ(ping.targets[3].device, "eth1");
  EXPECT_EQ(HighestScore(ping), (5 + 1 + 7) * 1000);
}

TEST(Ping, HoldFollowsDampenAndTheTableIsOptional) {
  const auto config = ParseConfig(
      Cat(kCluster, "[ping]\ndampen = \"4s\"\n[[ping.target]]\nhost = \"10.0.0.254\"\n"), "f");
  ASSERT_TRUE(config.ok()) << config.error()[0].Text();
  EXPECT_EQ(config->ping->hold, Millis(12'000));
  EXPECT_FALSE(ParseConfig(kCluster, "f")->ping);
}

struct Case {
  const char* table;
  const char* error;  // a part of it; the table begins in line 15
};

TEST(Ping, NamesTheFaultTheLineAndTheRemedy) {
  const std::string router = "[[ping.target]]\nhost = \"10.0.0.254\"\n";
  for (const Case& c : std::vector<Case>{
           {"[ping]\n", "f:15:1: ping: there are 0 targets; give 1 to 1024"},
           {"[ping]\nintervall = \"1s\"\nTARGET",
            "f:16:1: ping.intervall: unknown key; did you mean"},
           {"[ping]\ninterval = \"10ms\"\nTARGET", "f:16:12: ping.interval: is below 100ms"},
           {"[ping]\ndampen = \"5s\"\nhold = \"1s\"\nTARGET",
            "f:17:8: ping.hold: 1.000s is below dampen"},
           {"[ping]\nsink = \"heartbeat\"\nTARGET",
            "ping.sink: \"heartbeat\" is not known; choose one of \"fencepost\", \"pacemaker\""},
           {"[ping]\nmultiplier = 1000000\nTARGETweight = 2\n", "the highest score is 2000000"},
           {"[ping]\n[[ping.target]]\nhost = \"a b\"\n",
            "f:17:8: ping.target[1].host: \"a b\" is no host; write a name"},
           {"[ping]\n[[ping.target]]\nname = \"x\"\n", "ping.target[1].host: is missing"},
           {"[ping]\nTARGETTARGET", "ping.target[2].host: \"10.0.0.254\" is there already"},
           {"[ping]\nTARGETprobe = \"tcp\"\n", "a tcp probe needs a port; add port"},
           {"[ping]\nTARGETport = 80\n", "a port is for tcp probes only"},
           {"[ping]\nTARGETprobe = \"arp\"\n", "an arp probe needs to know where to ask"},
           {"[ping]\nTARGETsource = \"fd00::1\"\n", "is of the other IP version"},
           {"[ping]\nTARGETdevice = \"a/b\"\n", "is no interface name"},
           {"[ping]\nTARGETgroup = \"g\"\n", "its group \"g\" does not exist"},
           {"[ping]\n[[ping.group]]\nname = \"g\"\nTARGET", "ping group \"g\" has no target"},
           {"[ping]\n[[ping.group]]\nname = \"g\"\nneed = 2\nTARGETgroup = \"g\"\n",
            "needs 2 answers of 1 targets"},
           {"[ping]\n[[ping.group]]\nname = \"g\"\nneed = \"most\"\nTARGETgroup = \"g\"\n",
            "ping.group[1].need: \"most\" is no number of answers"},
           {"[ping]\n[[ping.group]]\nname = \"g\"\nTARGETgroup = \"g\"\nweight = 2\n",
            "is of no use for a target in a group"},
           {"ping = 3\n", "ping: is"}}) {
    std::string table = c.table;
    for (std::size_t at; (at = table.find("TARGET")) != std::string::npos;) {
      table.replace(at, 6, router);
    }
    const bool top_level = table.starts_with("ping =");
    const auto config = ParseConfig(top_level ? Cat(table, kCluster) : Cat(kCluster, table), "f");
    ASSERT_FALSE(config.ok()) << table;
    std::string all;
    for (const ConfigError& error : config.error()) all += error.Text() + "\n";
    EXPECT_NE(all.find(c.error), std::string::npos) << table << "\nsays: " << all;
  }
}

TEST(Ping, HostsAndTimesAsPeopleWriteThem) {
  EXPECT_EQ(ParsePingHost("fe80::1%eth0")->device, "eth0");
  EXPECT_EQ(ParsePingHost("FD00:0::1")->host, "fd00::1");
  EXPECT_FALSE(ParsePingHost("router-1.example")->numeric);
  for (const char* wrong : {"", "%eth0", "a%", "-n", "a;b", "10.0.0.1:80", "fe80::1%a/b", "$(x)"}) {
    EXPECT_FALSE(ParsePingHost(wrong).ok()) << wrong;
  }
  EXPECT_EQ(*ParsePingTime("2"), Millis(2000));
  EXPECT_EQ(*ParsePingTime("1.5"), Millis(1500));
  EXPECT_EQ(*ParsePingTime("250ms"), Millis(250));
  EXPECT_EQ(*ParsePingTime("0"), Duration{});
  for (const char* wrong : {"", "s", "-1", "1h", "1e3", "99999"}) {
    EXPECT_FALSE(ParsePingTime(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace fencepost::config
