#include "base/config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "base/prng.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

// Line numbers in the cases below are those of this text.
constexpr std::string_view kGood = R"([cluster]
name = "shop"
profile = "default"

[[node]]
name = "alpha"
id = 1
address = "10.0.0.1"

[[node]]
name = "beta"
id = 2
address = "10.0.0.2"

[quorum_disk]
device = "iscsi://10.0.0.9/iqn.2026-01.org.example:quorum/1"
)";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string Errors(std::string_view text) {
  const auto config = ParseConfig(text, "f.toml");
  std::string out;
  if (config.ok()) return out;
  for (const ConfigError& error : config.error()) out += (out.empty() ? "" : "\n") + error.Text();
  return out;
}

std::string ReadSource(const std::string& path) {
  std::ifstream file(FENCEPOST_SOURCE_DIR + std::string("/") + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ParseConfig, ReadsTheExampleThatIsShipped) {
  const auto config = ParseConfig(ReadSource("docs/examples/two-node.toml"), "two-node.toml");
  ASSERT_TRUE(config.ok()) << config.error()[0].Text();
  EXPECT_EQ(config->cluster_name, "shop");
  EXPECT_EQ(config->key_file, "/etc/fencepost/authkey");
  ASSERT_EQ(config->nodes.size(), 2U);
  EXPECT_EQ(config->FindNode("alpha")->score, 10);
  EXPECT_EQ(config->FindNode(NodeId(2))->address.Text(), "10.0.0.2:5405");
  EXPECT_EQ(config->FindNode("gamma"), nullptr);
  EXPECT_EQ(config->FindNode(NodeId(3)), nullptr);
  EXPECT_EQ(config->Expected(), Votes(3));
  EXPECT_EQ(config->Majority(), Votes(2));
  EXPECT_EQ(config->quorum_disk->disks[0].device.user, "fencepost");
  EXPECT_EQ(config->log, LogTarget::kSyslog);
  EXPECT_EQ(config->timing.lease, Millis(16000));
  EXPECT_EQ(config->timing.watchdog, Duration{}) << "no watchdog is configured";
}

constexpr std::string_view kEveryKey = R"([cluster]
name = "lab"
id = "00112233-4455-6677-8899-aabbccddeeff"
key = "/run/lab/key"
profile = "fast"
[timing]
interval = "300ms"
io_timeout = "0.3s"
lease = "4.5s"
lease_max = "1m"
guard = "100ms"
eps = "150ms"
drift_ppm = 500
tko = 20
tolerated = 2
heartbeat = "100ms"
peer_timeout = "900ms"
fence_timeout = "2s"
path_failover = "1s"
[watchdog]
device = "/dev/watchdog0"
timeout = "1s"
[[node]]
name = "c"
id = 64
votes = 3
score = -5
address = "[fd00::0:3]:7000"
[[node]]
name = "a"
id = 1
address = "fd00::1"
[quorum_disk]
device = "/dev/disk/by-id/q"
label = "lab"
votes = 1
designator = "naa.6001405"
[paths]
state_dir = "/a"
run_dir = "/b"
cib = "/c"
boot_identity_file = "/d"
agent_dir = "/e"
ocf_root = "/f"
[attributes]
settle = "1500ms"
score = "pingd"
[log]
target = "stderr"
)";

TEST(ParseConfig, ReadsEveryKey) {
  const auto config = ParseConfig(kEveryKey, "f.toml");
  ASSERT_TRUE(config.ok()) << config.error()[0].Text();
  EXPECT_EQ(UuidText(config->cluster_id.bytes), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(config->key_file, "/run/lab/key");
  Timing t = StockTiming("fast").value();
  t.interval = Millis(300);
  t.io_timeout = Millis(300);
  t.lease = Millis(4500);
  t.lease_max = Millis(60000);
  t.guard = Millis(100);
  t.eps = Millis(150);
  t.drift_ppm = 500;
  t.tko = 20;
  t.tolerated = 2;
  t.heartbeat = Millis(100);
  t.peer_timeout = Millis(900);
  t.fence_timeout = Millis(2000);
  t.path_failover = Millis(1000);
  t.watchdog = Millis(1000);
  EXPECT_EQ(config->timing, t);
  EXPECT_EQ(config->watchdog_device, "/dev/watchdog0");
  ASSERT_EQ(config->nodes.size(), 2U);
  EXPECT_EQ(config->nodes[0].name, "a") << "in the order of ids";
  const NodeConfig c{NodeId(64), "c", Votes(3), {"fd00::3", 7000}, -5};
  EXPECT_EQ(config->nodes[1], c);
  EXPECT_EQ(config->quorum_disk->disks[0].label, "lab");
  EXPECT_EQ(config->quorum_disk->disks[0].designator, "naa.6001405");
  EXPECT_EQ(config->attributes, (AttributesConfig{Millis(1500), "pingd"}));
  EXPECT_EQ(config->Expected(), Votes(5));
  EXPECT_EQ(config->Majority(), Votes(3));
  EXPECT_EQ(config->paths, (PathsConfig{"/a", "/b", "/c", "/d", "/e", "/f"}));
}

TEST(Manual, DescribesEveryKey) {
  const std::string manual = ReadSource("docs/man/fencepost.toml.5");
  std::istringstream lines((std::string(kEveryKey)));
  int keys = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t end = line.find(" = ");
    if (end == std::string::npos) continue;
    ++keys;
    EXPECT_NE(manual.find(Cat(".It Cm ", line.substr(0, end), " Pq ")), std::string::npos) << line;
  }
  EXPECT_GT(keys, 30);
}

TEST(ParseConfig, DerivesTheClusterIdFromItsNameAlone) {
  const auto one = ParseConfig(kGood, "f"), same = ParseConfig(Replaced("default", "san"), "f");
  const auto other = ParseConfig(Replaced("shop", "shoq"), "f");
  ASSERT_TRUE(one.ok() && same.ok() && other.ok());
  EXPECT_EQ(one->cluster_id, same->cluster_id);
  EXPECT_NE(one->cluster_id, other->cluster_id);
  // BLAKE2b-128 of 22, "fencepost 1 cluster id", "shop": a change would orphan every disk.
  EXPECT_EQ(Hex(one->cluster_id.bytes), "22e1e8e32dd6c06975170cde4fde148a");
}

TEST(ParseConfig, GivesTheDiskAllNodeVotesLessOne) {
  const auto text = Replaced("[quorum_disk]", R"([[node]]
name = "gamma"
id = 3
votes = 2
address = "10.0.0.3"
[quorum_disk])");
  const auto config = ParseConfig(text, "f");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->DiskVotes(), Votes(3));
  EXPECT_EQ(config->Expected(), Votes(7));
  EXPECT_EQ(config->Majority(), Votes(4)) << "one vote and the disk, or all nodes";
}

TEST(ParseConfig, RefusesDiskVotesThatMakeATiePossible) {
  const std::string text = Replaced("[quorum_disk]", R"([[node]]
name = "gamma"
id = 3
votes = 2
address = "10.0.0.3"
[quorum_disk]
votes = 2)");
  EXPECT_EQ(Errors(text),
            "f.toml:21:9: quorum_disk.votes: 2 makes 6 votes in all, which can split into halves; "
            "leave it out for 3, or make the sum odd");
}

TEST(ParseConfig, RefusesAddressesThatAreNotOfOneMachine) {
  for (const std::string_view address :
       {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "[::]:1"}) {
    EXPECT_EQ(Errors(Replaced("10.0.0.2", address)).substr(0, 31),
              "f.toml:13:11: node[2].address: ");
    EXPECT_NE(Errors(Replaced("10.0.0.2", address)).find("is not the address of one machine"),
              std::string::npos)
        << address;
  }
  EXPECT_EQ(Errors(Replaced("10.0.0.2", "223.255.255.254")), "");
}

TEST(ParseConfig, NeedsNoDiskWhereNodeVotesCannotSplitEvenly) {
  const auto one = ParseConfig("[cluster]\nname='a'\n[[node]]\nname='n'\nid=1\naddress='::1'", "f");
  ASSERT_TRUE(one.ok()) << one.error()[0].Text();
  EXPECT_FALSE(one->quorum_disk.has_value());
  EXPECT_EQ(one->Majority(), Votes(1));
}

TEST(ParseConfig, TakesTheWatchdogOfTheProfileWhenADeviceIsNamed) {
  const auto config = ParseConfig(std::string(kGood) + "[watchdog]\ndevice='/dev/watchdog'", "f");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->timing.watchdog, Millis(8000));
}

struct BadCase {
  std::string_view from, to;
  std::string_view error;
};

constexpr std::string_view kNameRemedy =
    "use 1 to 63 letters, digits, '.', '_' or '-', with a letter or digit first";

const BadCase kBadCases[] = {
    {"name = \"shop\"", "nmae = \"shop\"",
     "f.toml:1:1: cluster.name: is missing; add name = … here\n"
     "f.toml:2:1: cluster.nmae: unknown key; did you mean \"name\"?"},
    {"[cluster]", "[clutser]",
     "f.toml: cluster: the table is missing; add [cluster] with name = \"…\"\n"
     "f.toml:1:2: clutser: unknown key; did you mean \"cluster\"?"},
    {"\"default\"", "\"quick\"",
     "f.toml:3:11: cluster.profile: \"quick\" is no profile; choose one of \"fast\", "
     "\"default\", \"san\", \"slow-san\""},
    {"\"default\"", "\"default\"\npassword = \"x\"",
     "f.toml:4:1: cluster.password: unknown key; remove it; fencepost.toml(5) lists the keys"},
    {"\"default\"", "\"default\"\nid = \"17\"",
     "f.toml:4:6: cluster.id: \"17\" is no UUID; leave it out, or write the output of uuidgen"},
    {"\"default\"", "\"default\"\nkey = \"authkey\"",
     "f.toml:4:7: cluster.key: \"authkey\" is not absolute; write a path that begins with /"},
    {"id = 2", "id = 1",
     "f.toml:12:6: node[2].id: 1 is also that of node \"alpha\"; give each node its own"},
    {"\"beta\"", "\"alpha\"",
     "f.toml:11:8: node[2].name: \"alpha\" is also the name of node 1; give each node its own"},
    {"10.0.0.2", "10.0.0.1:5405",
     "f.toml:13:11: node[2].address: 10.0.0.1:5405 is also that of node \"alpha\"; give each "
     "node its own"},
    {"10.0.0.2", "fd00::2",
     "f.toml:13:11: node[2].address: [fd00::2]:5405 is of another family than 10.0.0.1:5405 of "
     "node \"alpha\"; use IPv4 on all nodes or IPv6 on all nodes"},
    {"10.0.0.2", "beta.example",
     "f.toml:13:11: node[2].address: \"beta.example\" is no numeric IPv4 or IPv6 address; write "
     "a numeric address: \"10.0.0.1\", \"10.0.0.1:5405\", \"fd00::1\" or \"[fd00::1]:5405\""},
    {"id = 2", "id = 65",
     "f.toml:12:6: node[2].id: 65 is out of range; write a number from 1 to 64, without quotes"},
    {"id = 2", "id = \"2\"",
     "f.toml:12:6: node[2].id: is text, not a whole number; write a number from 1 to 64, "
     "without quotes"},
    {"\"beta\"", "2",
     "f.toml:11:8: node[2].name: is a whole number, not text; write it in "
     "double quotes"},
    {"[[node]]\nname = \"alpha\"\nid = 1\naddress = \"10.0.0.1\"\n\n[[node]]", "[node]",
     "f.toml:5:1: node: is a table, not a list of tables; write [[node]] with two brackets, once "
     "for each node"},
    {"[quorum_disk]\ndevice", "[log]\ntarget",
     "f.toml: quorum_disk: is missing, and 2 node votes can split into halves; add "
     "[quorum_disk] with device = \"iscsi://…\" or a path\n"
     "f.toml:16:10: log.target: \"iscsi://10.0.0.9/iqn.2026-01.org.example:quorum/1\" is no "
     "target; choose \"stderr\" or \"syslog\""},
    {"iscsi://10.0.0.9", "iscsi://me:s3cret@10.0.0.9",
     "f.toml:16:10: quorum_disk.device: the iscsi:// URL: holds a password; write user@host and "
     "put the password alone into a file named by chap_secret_file, mode 0600"},
    {"iscsi://10.0.0.9", "iscsi://me@10.0.0.9",
     "f.toml:16:10: quorum_disk.device: names the user \"me\" without a secret; add "
     "chap_secret_file = \"/etc/fencepost/chap\", a file of mode 0600"},
    {"[quorum_disk]", "[quorum_disk]\nchap_secret_file = \"/x\"",
     "f.toml:16:20: quorum_disk.chap_secret_file: is given, but the device names no user; write "
     "iscsi://user@host… or remove it"},
    {"[quorum_disk]", "[quorum_disk]\nvotes = 2",
     "f.toml:16:9: quorum_disk.votes: 2 is out of range; write a number from 1 to 1, without "
     "quotes"},
    {"[quorum_disk]", "[watchdog]\ndevice = \"/dev/w\"\ntimeout = \"3500ms\"\n[quorum_disk]",
     "f.toml:17:11: watchdog.timeout: is not whole seconds, and devices know nothing else; round "
     "it, as in \"2s\""},
    {"[quorum_disk]", "[attributes]\nsettle = \"6m\"\nscore = \"#uname\"\n[quorum_disk]",
     "f.toml:16:10: attributes.settle: 360.000s is longer than 300.000s; write a time such as "
     "\"3s\"\n"
     "f.toml:17:9: attributes.score: \"#uname\" is no name of letters, digits, '_', '-', '.' and "
     "':'; name the attribute that pingd sets, such as \"pingd\""},
    {"[quorum_disk]", "[watchdog]\ntimeout = \"5s\"\n[quorum_disk]",
     "f.toml:15:1: watchdog.device: is missing; add device = \"/dev/watchdog\" or remove "
     "[watchdog]"},
    {"[quorum_disk]", "[timing]\nlease = 4\n[quorum_disk]",
     "f.toml:16:9: timing.lease: is a whole number, not a duration with its unit; write "
     "\"250ms\", \"1.5s\" or \"2m\""},
    {"[quorum_disk]", "[timing]\nlease = \"4 s\"\n[quorum_disk]",
     "f.toml:16:9: timing.lease: \"4 s\" is no duration; write \"250ms\", \"1.5s\" or \"2m\""},
    {"[quorum_disk]", "[timing]\nlease = \"1h\"\n[quorum_disk]",
     "f.toml:16:9: timing.lease: \"1h\" is no duration; write \"250ms\", \"1.5s\" or \"2m\""},
    {"[quorum_disk]", "[timing]\nlease = \"11m\"\n[quorum_disk]",
     "f.toml:16:9: timing.lease: \"11m\" is not in 10ms..600.000s; choose a value in this range"},
    {"[quorum_disk]", "[quorum_disk",
     "f.toml:15:13: not TOML: Error while parsing table header: expected ']', saw '\\n'; correct "
     "the text at this place"},
};

TEST(ParseConfig, NamesFileLineColumnKeyProblemAndRemedy) {
  for (const BadCase& c : kBadCases) {
    EXPECT_EQ(Errors(Replaced(c.from, c.to)), c.error) << c.to;
  }
}

TEST(ParseConfig, RefusesAnUnsafeCombinationByTheNameOfTheInequalityWithTheNumbers) {
  EXPECT_EQ(Errors(Replaced("[quorum_disk]",
                            "[timing]\nlease = \"7.4s\"\nfence_timeout = \"1s\"\n"
                            "[quorum_disk]")),
            "f.toml:15:1: timing: lease-outlives-failures does not hold: L - W >= I + "
            "k*max(I, 2*O) + 2*O + G, but 7.400s < 7.500s: k slow or failed disk renewals cost the "
            "coordinator its lease, or reset its node; raise lease, or lower io_timeout, interval "
            "or the watchdog's timeout");
}

TEST(ParseConfig, RefusesNoNodesAndTooMany) {
  EXPECT_EQ(Errors("[cluster]\nname = \"a\"\n"),
            "f.toml: node: there is no node; add a [[node]] with name, id and address for each");
  std::string text(kGood);
  for (int i = 3; i <= 65; ++i) {
    text +=
        Cat("[[node]]\nname=\"n", i, "\"\nid=", std::min(i, 64), "\naddress=\"10.0.1.", i, "\"\n");
  }
  EXPECT_EQ(Errors(text).substr(0, 75),
            "f.toml:5:1: node: there are 65 nodes; a cluster has at most 64");
}

TEST(ParseConfig, RefusesADiskForASingleVote) {
  EXPECT_EQ(Errors("[cluster]\nname='a'\n[[node]]\nname='n'\nid=1\naddress='::1'\n"
                   "[quorum_disk]\ndevice='/dev/q'\n"),
            "f.toml:7:1: quorum_disk: a cluster of one vote has no use for a quorum disk; remove "
            "[quorum_disk]");
}

TEST(ParseConfig, ReportsAllErrorsAtOnceInTheOrderOfTheFile) {
  std::string text = Replaced("id = 2", "id = 0");
  text.replace(text.find("\"shop\""), 6, "\"s hop\"");
  EXPECT_EQ(Errors(text),
            Cat("f.toml:2:8: cluster.name: \"s hop\" is no name; ", kNameRemedy,
                "\nf.toml:12:6: node[2].id: 0 is out of range; write a number from 1 to 64, "
                "without quotes"));
}

TEST(ParseConfig, RefusesAFileThatIsTooLongUnread) {
  EXPECT_EQ(Errors(std::string(kMaxConfigBytes + 1, '#')),
            "f.toml: is longer than 262144 bytes; keep only what fencepost.toml(5) describes");
}

TEST(ParseConfig, ShowsNoControlCharacterOfTheFile) {
  EXPECT_EQ(Errors(Replaced("\"beta\"\nid", "i\nd")),
            "f.toml:11:9: not TOML: Error while parsing floating-point: expected 'inf', saw 'i?'; "
            "correct the text at this place");
  const std::string text = Replaced("\"shop\"", "\"\\u001b[31mred\"");
  EXPECT_EQ(Errors(text), Cat("f.toml:2:8: cluster.name: \"?[31mred\" is no name; ", kNameRemedy));
}

// What every answer of the parser must be, whatever it was given.
void ExpectSound(const std::string& text, const Result<Config, std::vector<ConfigError>>& config) {
  if (!config) {
    ASSERT_FALSE(config.error().empty()) << text;
    const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
    for (const ConfigError& error : config.error()) {
      EXPECT_EQ(error.file, "f.toml");
      EXPECT_LE(error.line, lines) << text;
      EXPECT_FALSE(error.problem.empty() || error.remedy.empty()) << error.Text();
      const std::string shown = error.Text();
      EXPECT_TRUE(std::none_of(shown.begin(), shown.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
      })) << text;
    }
    return;
  }
  std::set<NodeId> ids;
  for (const NodeConfig& node : config->nodes) ids.insert(node.id);
  EXPECT_FALSE(ids.empty()) << text;
  EXPECT_EQ(ids.size(), config->nodes.size()) << text;
  EXPECT_EQ(config->Expected().value() % 2, 1U) << "no tie: " << text;
  EXPECT_EQ(2 * config->Majority().value(), config->Expected().value() + 1);
  EXPECT_GE(config->NodeVotes(), config->Majority()) << "all nodes need no disk: " << text;
  for (const Inequality& i : CheckTiming(config->timing)) EXPECT_TRUE(i.Holds()) << i.name << text;
}

TEST(ParseConfig, SurvivesTwentyThousandDamagedFiles) {
  const std::string seeds[] = {std::string(kGood), ReadSource("docs/examples/two-node.toml"),
                               Replaced("[quorum_disk]",
                                        "[timing]\nlease = \"17s\"\ntko = 13\n"
                                        "[watchdog]\ndevice = \"/dev/w\"\n"
                                        "[quorum_disk]\nvotes = 1\n")};
  constexpr std::string_view kLetters = "[]=\"'#.,-_{}\n\t\\0129azAZ:/@\x01\x7f\xff\xc3";
  Prng random(2026);
  int accepted = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[random.Below(std::size(seeds))];
    for (std::uint64_t change = random.Below(4); change < 4 && !text.empty(); ++change) {
      const std::size_t at = random.Below(text.size());
      switch (random.Below(5)) {
        case 0:
          text[at] = kLetters[random.Below(kLetters.size())];
          break;
        case 1:
          text.erase(at, random.Below(30));
          break;
        case 2:
          text.insert(at, 1, kLetters[random.Below(kLetters.size())]);
          break;
        case 3: {
          const std::size_t from = random.Below(text.size()), size = random.Below(40);
          text.insert(at, text.substr(from, size));
          break;
        }
        default:
          text[at] = static_cast<char>(random.Next() & 0xFF);
          break;
      }
    }
    const auto config = ParseConfig(text, "f.toml");
    ++(config ? accepted : refused);
    ExpectSound(text, config);
    if (HasFailure()) return;
  }
  EXPECT_GT(accepted, 500);
  EXPECT_GT(refused, 5000);
}

TEST(WhichNode, ThisNodeIsFoundByNameByFirstLabelOrById) {
  Config config;
  config.nodes.resize(2);
  config.nodes[0].id = NodeId(1);
  config.nodes[0].name = "alpha";
  config.nodes[1].id = NodeId(2);
  config.nodes[1].name = "beta.example.org";
  const struct {
    const char* given;
    const char* host;
    int id;
  } cases[] = {{"", "alpha", 1},
               {"", "alpha.example.org", 1},
               {"2", "alpha", 2},
               {"alpha", "gamma", 1},
               {"", "beta.example.org", 2},
               {"", "gamma", 0},
               {"3", "alpha", 0},
               {"", "", 0}};
  for (const auto& c : cases) {
    const auto self = WhichNode(config, c.given, c.host);
    EXPECT_EQ(self.ok() ? self->value() : 0, c.id) << c.given << "/" << c.host;
    if (!self.ok()) {
      EXPECT_NE(self.error().Text().find("alpha (1), beta.example.org (2)"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace fencepost::config
