// The status of hand-made members, as people see it: what the daemon says, rendered.
#include "membership/fencepost/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "membership/fencepostd/status_json.h"

namespace fencepost::command {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

const Term kTerm(17, NodeId(1));

struct StatusReportTest : testing::Test {
  StatusReportTest() {
    auto parsed = config::ParseConfig(R"([cluster]
name = "shop"
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
)",
                                      "f.toml");
    config = *parsed;
    cib.nodes = {{NodeId(1), "alpha", false}, {NodeId(2), "beta", false}};
    Primitive address, shop;
    address.id = "address";
    address.provider = "heartbeat";
    address.type = "IPaddr2";
    shop = address;
    shop.id = "shop";
    shop.type = "Dummy";
    cib.groups = {{"service", {address, shop}}};
    cib.fence_devices = {{"fence-beta", "fence_ipmilan", {{NodeId(2), ""}}, {}}};
    status.self = status.coordinator = NodeId(1);
    status.quorate = status.has_authority = true;
    status.term = kTerm;
    status.authority_left = Millis(3250);
    status.votes_held = status.expected = 3;
    status.own_vote = {kTerm, MonoTime()};
    status.disk_connected = status.disk_vote_held = true;
    status.disk_vote_left = Millis(2900);
    status.disk = Disk();
    status.nodes = {{NodeId(1), "alpha", true, true, true, false, "member", "", true, Millis(3250)},
                    {NodeId(2), "beta", false, true, true, true, "member", "", true, Millis(3100)}};
    ResourceStatus running;
    running.state = ResourceState::kRunning;
    status.resources = {running, running};
    status.resources[0].resource = "address";
    status.resources[1].resource = "shop";
    status.placements = {{"address", NodeId(1), {NodeId(1)}, ""},
                         {"shop", NodeId(1), {NodeId(1)}, ""}};
  }
  static qdiskd::local::View Disk() {
    qdiskd::local::View out;
    out.disks = {{"/dev/quorum", "", "reservation", "", {400, 900, 5200}}};
    out.cycle_us = 2100;
    out.view.readable = true;
    out.view.disks = out.view.disks_ready = 1;
    out.view.highest_held = out.view.highest_promise = kTerm;
    for (const NodeId id : {NodeId(1), NodeId(2)}) {
      qdiskd::NodeOnDisk node;
      node.node = id;
      node.fresh = node.shared = true;
      node.slot.node = id;
      node.slot.incarnation = Incarnation(4);
      node.slot.sequence = 9;
      node.slot.latency = {400, 900, 5200};
      out.view.nodes.push_back(node);
    }
    return out;
  }
  [[nodiscard]] json Answer() const {
    return json::parse(daemon::StatusAnswer(status, config, cib, traffic));
  }
  [[nodiscard]] std::string Report() const { return StatusReport(Answer()); }

  config::Config config;
  Cib cib;
  node::MemberStatus status;
  daemon::Traffic traffic;
};

TEST_F(StatusReportTest, OfAHealthyCoordinator) {
  EXPECT_EQ(StatusExit(Answer()), 0);
  EXPECT_EQ(Report(), R"(cluster      shop, seen from alpha (node 1)
quorate      yes, authority for another 3.250s
coordinator  alpha (this node), term 17.1
votes        3 held here of 3, 2 needed
own vote     granted to alpha, term 17.1

NODE                  STATE                             DISK    VOTE HELD HERE
1  alpha (here)       member                            -       for 3.250s
2  beta               member                            yes     for 3.100s

disk         iscsi://10.0.0.9:3260/iqn.2026-01.org.example:quorum/1
             readable, 1 of 1 disks ready
             in use, barrier reservation, median 400 us
disk vote    held here for 2.900s, worth 1
latency      p50 400 us, p99 900 us, max 5200 us, last cycle 2100 us
slots        alpha fresh, beta fresh

FENCING
  fence-beta          fence_ipmilan for beta

RESOURCES
  address             ocf:heartbeat:IPaddr2     on alpha
  shop                ocf:heartbeat:Dummy       on alpha
)");
}

TEST_F(StatusReportTest, ShowsAttributesScoresAndWhatDecidedASplit) {
  status.nodes[0].attributes = {{"pingd", "0"}};
  status.nodes[0].score = 10;
  status.nodes[1].attributes = {{"pingd", "2000"}, {"site", "east"}};
  status.nodes[1].score = 2000;
  status.settling = true;
  status.disk->view.election.sides = 2;
  status.disk->view.election.why = "score 2000 beats 10";
  EXPECT_THAT(Report(), HasSubstr("for 3.250s\n   pingd=0; score in a split: 10\n"));
  EXPECT_THAT(Report(), HasSubstr("for 3.100s\n   pingd=2000, site=east; score in a split: 2000\n"
                                  "   attributes have changed and are settling: not acted upon "
                                  "yet\n"));
  EXPECT_THAT(Report(), HasSubstr("split        into 2 sides, decided by: score 2000 beats 10\n"));
  for (node::PeerStatus& node : status.nodes) {
    for (std::size_t i = 0; i < kMaxTransientAttributes; ++i) {
      node.attributes[Cat("a", i)] = std::string(kMaxAttributeValueBytes, 'v');
    }
  }
  while (status.nodes.size() < kMaxNodes) status.nodes.push_back(status.nodes[1]);
  EXPECT_EQ(StatusExit(Answer()), 0) << "too many attributes are left out, not the status";
  EXPECT_TRUE(Answer()["nodes"][0]["attributes"].is_null());
}

TEST_F(StatusReportTest, ShowsHeuristicsAndWhoIsUnfit) {
  EXPECT_THAT(Report(), Not(HasSubstr("fitness")));
  status.disk->fitness = {5,
                          9,
                          6,
                          false,
                          {{"routers", qdiskd::HeuristicState::kUp, 5, "ok", Millis(700)},
                           {"power", qdiskd::HeuristicState::kDown, 4, "exit code 1", Millis(90)},
                           {"new", qdiskd::HeuristicState::kUnknown, 1, "", {}}}};
  status.disk->view.nodes[1].slot.report.unfit = true;
  EXPECT_THAT(Report(), HasSubstr("beta fresh and unfit"));
  EXPECT_THAT(Report(), HasSubstr(R"(
fitness      UNFIT: fit sides win a split first, score 5 of 9, needs 6
             routers up, score 5, last run ok, 700ms ago
             power down, score 4, last run exit code 1, 90ms ago
             new unknown, score 1, last run not over
)"));
}

TEST_F(StatusReportTest, SaysWhyAnythingIsDown) {
  status.nodes[1].member = status.nodes[1].heard = status.nodes[1].vote_held = false;
  status.nodes[1].state = "being fenced";
  status.disk->view.nodes[1].fresh = false;
  status.disk->view.nodes[1].silent = Millis(4100);
  status.placements[1] = {"shop",
                          NodeId(1),
                          {},
                          "waits for evidence that node beta runs nothing: its fence device said "
                          "that the password is wrong"};
  status.resources[1].state = ResourceState::kStopped;
  status.resources[1].failed_action = ResourceAction::kStart;
  status.resources[1].failure = {Outcome::Kind::kExited, kOcfGenericError};
  status.resources[1].fail_count = 3;
  status.fence_log = {"beta failed under term 17.1 in 2.200s"};
  status.unsafe = {"node beta counts as off; the evidence is unproven"};
  traffic.not_opened = 12;
  EXPECT_EQ(StatusExit(Answer()), 1);
  const std::string report = Report();
  for (const char* line :
       {"2  beta               being fenced                      yes     -\n",
        "slots        alpha fresh, beta stale for 4.100s\n",
        "  fenced: beta failed under term 17.1 in 2.200s\n",
        "  shop                ocf:heartbeat:Dummy       STOPPED\n"
        "      waits for evidence that node beta runs nothing: its fence device said that\n"
        "      the password is wrong\n"
        "      failed here 3 times, last: start ",
        "UNSAFE: node beta counts as off; the evidence is unproven\n",
        "WARNING: 12 datagrams were not sealed under this cluster's key: another key on a\n"}) {
    EXPECT_THAT(report, HasSubstr(line));
  }
  for (const std::string& line : Split(report, '\n')) EXPECT_LE(line.size(), 80U) << line;
}

TEST_F(StatusReportTest, OfAFollowerNamesTheCoordinator) {
  status.coordinator = NodeId(2);
  status.placements.clear();
  status.votes_held = 0;
  status.nodes[1].member = status.nodes[1].vote_held = false;
  status.nodes[1].state = "heard, not a member";
  EXPECT_EQ(StatusExit(Answer()), 0);
  EXPECT_THAT(Report(), HasSubstr("2  beta               coordinator "));
  EXPECT_THAT(Report(), HasSubstr("  shop                ocf:heartbeat:Dummy       here: running\n"
                                  "  For where they run and why not, ask on beta, the "
                                  "coordinator.\n"));
  EXPECT_THAT(Report(), HasSubstr("votes        3 in all, 2 needed\n"));
}

TEST_F(StatusReportTest, WithoutQuorumSaysWhatIsMissing) {
  status.quorate = status.has_authority = status.disk_connected = false;
  status.coordinator = NodeId();
  status.term = Term();
  status.own_vote = {};
  status.disk.reset();
  status.vote_trouble = "this node has no voter state: run 'fencepost init' on a new node";
  EXPECT_EQ(StatusExit(Answer()), 2);
  const std::string report = Report();
  EXPECT_THAT(report, HasSubstr("quorate      NO: nothing may run here\n"));
  EXPECT_THAT(report, HasSubstr("own vote     granted to nobody\n             this node has no "
                                "voter state: run 'fencepost init' on a new node\n"));
  EXPECT_THAT(report, HasSubstr("qdiskd is not running: start it"));
}

TEST_F(StatusReportTest, HealthNeedsEveryNodeDiskVoteAndResource) {
  const struct {
    const char* name;
    void (*harm)(node::MemberStatus&);
  } cases[] = {
      {"a node is away", [](node::MemberStatus& s) { s.nodes[1].member = false; }},
      {"qdiskd is away", [](node::MemberStatus& s) { s.disk_connected = false; }},
      {"the disk cannot be read", [](node::MemberStatus& s) { s.disk->view.readable = false; }},
      {"this node does not vote", [](node::MemberStatus& s) { s.vote_trouble = "x"; }},
      {"this node leaves", [](node::MemberStatus& s) { s.leaving = true; }},
      {"a resource waits", [](node::MemberStatus& s) { s.placements[0].reason = "waits"; }},
      {"a resource failed", [](node::MemberStatus& s) { s.resources[0].fail_count = 1; }}};
  const node::MemberStatus well = status;
  for (const auto& c : cases) {
    status = well;
    c.harm(status);
    EXPECT_EQ(StatusExit(Answer()), 1) << c.name;
  }
}

TEST_F(StatusReportTest, UnfencedClustersAreCalledUnsafeOnEveryNode) {
  cib.stonith_enabled = false;
  EXPECT_THAT(Report(), HasSubstr("UNSAFE: stonith-enabled=false: "));
}

TEST_F(StatusReportTest, AnswersFitIntoOneMessage) {
  status.resources.clear();
  status.placements.clear();
  cib.groups.clear();
  for (std::size_t i = 0; i < kMaxPrimitives; ++i) {
    Primitive primitive;
    primitive.id = Cat("resource-", i);
    cib.groups.push_back({primitive.id, {primitive}});
    status.placements.push_back({primitive.id, NodeId(1), {}, std::string(3000, 'x')});
  }
  const std::string answer = daemon::StatusAnswer(status, config, cib, traffic);
  EXPECT_LE(answer.size(), 65536U);
  EXPECT_EQ(json::parse(answer)["resources"].size(), kMaxPrimitives);
}

TEST(StatusReport, TakesAnyObject) {
  for (const char* text : {"{}", R"({"nodes":7,"disk":[],"votes":null,"health":5})",
                           R"({"nodes":[1,"x",null],"resources":[[]],"disk":{"slots":{}}})"}) {
    const json any = json::parse(text);
    EXPECT_EQ(StatusExit(any), 2) << text;
    EXPECT_THAT(StatusReport(any), HasSubstr("quorate      NO")) << text;
  }
}

}  // namespace
}  // namespace fencepost::command
