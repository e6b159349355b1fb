#include "membership/fencepostd/member_runner.h"

#include <gmock/gmock.h>

#include "membership/fencepostd/runner_world_testing.h"
#include "membership/fencepostd/settings.h"

namespace fencepost::daemon {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;

struct MemberRunnerTest : RunnerWorld {
  Bytes Heartbeat(std::uint64_t counter, const seal::ClusterKey& key, const ClusterId& cluster) {
    messaging::Heartbeat beat;
    beat.digest = DigestOf(config_, cib_);
    const messaging::Packet packet{NodeId(2), NodeId(1), Incarnation(1), counter, beat};
    return SealedPackets(key, cluster).Seal(seal::Nonce24{{7}}, messaging::Encode(packet));
  }
  bool Hears(int node, std::size_t other) { return StatusOf(node)["nodes"][other - 1]["heard"]; }
};

TEST_F(MemberRunnerTest, ThreeNodesRunAServiceOnceMoveItAndLeave) {
  Make(3);
  for (auto& [i, node] : nodes_) {
    Initialise(*node);
    ASSERT_TRUE(Start(i).ok());
  }
  Run(std::chrono::seconds(20));
  const auto running = [&] {
    int count = 0;
    for (auto& [i, node] : nodes_) count += node->active ? 1 : 0;
    return count;
  };
  EXPECT_EQ(running(), 1);
  int coordinator = 0;
  for (auto& [i, node] : nodes_) {
    const json status = StatusOf(i);
    EXPECT_EQ(status["health"], "ok") << status.dump(1);
    if (status["coordinates"]) coordinator = i;
  }
  ASSERT_NE(coordinator, 0);
  // Longer than the time between two heartbeats, so that others are heard meanwhile.
  for (auto& [i, node] : nodes_) node->stop_takes = Millis(700);
  EXPECT_EQ(Ask(coordinator, R"({"command":"leave"})"), R"({"done":true})");
  Run(std::chrono::seconds(5));
  ASSERT_TRUE(nodes_[coordinator]->daemon->ended);
  EXPECT_TRUE(nodes_[coordinator]->daemon->ended->ok());
  EXPECT_FALSE(nodes_[coordinator]->active);
  EXPECT_EQ(running(), 1) << "it was taken over before the coordinator left" << journal_.Text();
}

TEST_F(MemberRunnerTest, WhatIsNotSealedByThisClusterIsDroppedAndCounted) {
  Make(3);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const Bytes good = Heartbeat(1, key_, config_.cluster_id);
  Bytes truncated = good, flipped = good, later = good;
  truncated.resize(good.size() / 2);
  flipped[40] ^= 1;
  later[0] = 2;
  const struct {
    const char* name;
    Bytes bytes;
  } cases[] = {{"truncated", truncated},
               {"one bit flipped", flipped},
               {"nothing", {}},
               {"one byte", {1}},
               {"a nonce alone", Bytes(25, 1)},
               {"random bytes", Bytes(300, 0x5A)},
               {"another version of the envelope", later},
               {"sealed under another key", Heartbeat(1, KeyOf(2), config_.cluster_id)},
               {"of another cluster with the same key", Heartbeat(1, key_, ClusterId{{9}})}};
  std::uint64_t dropped = 0;
  for (const auto& c : cases) {
    network_.Inject(NodeId(1), c.bytes);
    Run(Millis(10));
    EXPECT_EQ(runner(1).traffic().not_opened, ++dropped) << c.name;
    EXPECT_FALSE(Hears(1, 2)) << c.name;
  }
  EXPECT_EQ(journal_.Count("datagram-not-opened"), 1) << "one fact in ten seconds";
  Run(kTroubleEvery);
  network_.Inject(NodeId(1), truncated);
  Run(Millis(10));
  EXPECT_EQ(journal_.Count("datagram-not-opened"), 2);
  EXPECT_THAT(journal_.Last("datagram-not-opened"), HasSubstr("so_far=10"));
  network_.Inject(NodeId(1), good);
  Run(Millis(10));
  EXPECT_TRUE(Hears(1, 2));
}

TEST_F(MemberRunnerTest, AReplayedPacketKeepsNobodyAlive) {
  Make(3);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const Bytes first = Heartbeat(5, key_, config_.cluster_id);
  network_.Inject(NodeId(1), first);
  Run(Millis(10));
  EXPECT_TRUE(Hears(1, 2));
  Run(config_.timing.peer_timeout);
  EXPECT_FALSE(Hears(1, 2));
  network_.Inject(NodeId(1), first);
  network_.Inject(NodeId(1), Heartbeat(4, key_, config_.cluster_id));
  Run(Millis(10));
  EXPECT_FALSE(Hears(1, 2)) << "repeated, and older";
  network_.Inject(NodeId(1), Heartbeat(6, key_, config_.cluster_id));
  Run(Millis(10));
  EXPECT_TRUE(Hears(1, 2));
}

TEST_F(MemberRunnerTest, SealedBytesThatAreNoPacketAreDroppedAndCounted) {
  Make(3);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const Bytes senseless = {1, 200, 3, 4};
  network_.Inject(NodeId(1),
                  SealedPackets(key_, config_.cluster_id).Seal(seal::Nonce24{}, senseless));
  Run(Millis(10));
  EXPECT_EQ(runner(1).traffic().not_read, 1U);
  EXPECT_EQ(journal_.Count("packet-not-read"), 1);
}

TEST_F(MemberRunnerTest, AStateThatCannotBeReadEndsTheStart) {
  for (const std::string_view name : {kVoterName, kTermName, kIncarnationName}) {
    for (const bool rotten : {true, false}) {
      nodes_.clear();
      Make(1);
      RunnerNode& node = *nodes_[1];
      const auto life = node.machine.StartLife();
      sim::SimStateStore(node.state, life).Store(name, Bytes{1, 2, 3}, [](const Status&) {});
      Run(Millis(20));
      if (rotten) node.state.SetRotten(std::string(name));
      const Status begun = Start(1);
      ASSERT_FALSE(begun.ok()) << name;
      EXPECT_NE(begun.error().Text(), "");
      Run(std::chrono::seconds(1));
      EXPECT_EQ(network_.seen().sent, 0U);
    }
  }
}

TEST_F(MemberRunnerTest, WithoutAVoterStateItStartsAndSaysWhyItDoesNotVote) {
  Make(1);
  ASSERT_TRUE(Start(1).ok());
  Run(std::chrono::seconds(20));
  EXPECT_THAT(journal_.Last("does-not-vote"), HasSubstr("fencepost init"));
  const json status = StatusOf(1);
  EXPECT_FALSE(status["quorate"]);
  EXPECT_THAT(status["own_vote"]["trouble"].get<std::string>(), HasSubstr("fencepost init"));
}

TEST_F(MemberRunnerTest, NothingIsSentBeforeThisStartIsDurable) {
  Make(3);
  nodes_[1]->state.SetLatency(Millis(400), Millis(400));
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(390));
  EXPECT_EQ(network_.seen().sent, 0U);
  EXPECT_EQ(runner(1).member(), nullptr);
  Run(Millis(50));
  EXPECT_GT(network_.seen().sent, 0U);
  EXPECT_EQ(nodes_[1]->state.values().at(std::string(kIncarnationName)), EncodeCounter(1));
  Kill(1);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(500));
  EXPECT_EQ(nodes_[1]->state.values().at(std::string(kIncarnationName)), EncodeCounter(2));
}

TEST_F(MemberRunnerTest, AStartThatCannotBeCountedEnds) {
  Make(3);
  nodes_[1]->state.SetFull(true);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  ASSERT_TRUE(nodes_[1]->daemon->ended);
  EXPECT_FALSE(nodes_[1]->daemon->ended->ok());
  EXPECT_EQ(network_.seen().sent, 0U);
}

TEST_F(MemberRunnerTest, ANodeThatCannotStoreItsTermNeverBecomesQuorate) {
  Make(1);
  Initialise(*nodes_[1]);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(50));
  nodes_[1]->state.SetFull(true);
  Run(std::chrono::seconds(20));
  EXPECT_GT(journal_.Count("state-not-stored"), 0);
  EXPECT_FALSE(StatusOf(1)["quorate"]);
}

TEST_F(MemberRunnerTest, TellsEachQdiskdAnewThatItCountsNoLease) {
  Make(2, true);
  RunnerNode& node = *nodes_[1];
  std::vector<std::string> said;
  const auto serve = [&](std::unique_ptr<sim::SimLocalServer>& server,
                         const std::shared_ptr<sim::Life>& life) {
    server = std::make_unique<sim::SimLocalServer>(node.hub, "qdiskd", life);
    LocalServer::Handler handler;
    handler.connected = [&](PeerId peer, std::uint32_t) {
      said.push_back("connected");
      server->Send(peer, Bytes{0xFF, 0xFF});  // no message of the protocol
    };
    handler.message = [&](PeerId, ByteView bytes) {
      const auto message = qdiskd::DecodeToQdiskd(bytes);
      ASSERT_TRUE(message.ok());
      if (std::holds_alternative<qdiskd::local::Hello>(*message)) said.push_back("hello");
    };
    handler.gone = [](PeerId) {};
    server->Serve(std::move(handler));
  };
  std::unique_ptr<sim::SimLocalServer> first, second;
  auto life = node.machine.StartLife();
  serve(first, life);
  ASSERT_TRUE(Start(1).ok());
  Run(std::chrono::seconds(1));
  EXPECT_EQ(said, (std::vector<std::string>{"connected", "hello"}));
  EXPECT_EQ(runner(1).traffic().disk_not_read, 1U);
  EXPECT_TRUE(StatusOf(1)["disk"]["connected"]);
  life->End();
  first.reset();
  Run(std::chrono::seconds(1));
  EXPECT_EQ(journal_.Count("qdiskd-gone"), 1);
  EXPECT_FALSE(StatusOf(1)["disk"]["connected"]);
  life = node.machine.StartLife();
  serve(second, life);
  Run(std::chrono::seconds(1));
  EXPECT_EQ(said, (std::vector<std::string>{"connected", "hello", "connected", "hello"}));
}

TEST_F(MemberRunnerTest, StartsAgentsAsTheyWantToBeStarted) {
  Make(3);
  for (const int i : {1, 2}) {
    Initialise(*nodes_[i]);
    nodes_[i]->programs.Install(kFence, [](const Command&) { return sim::Performance{}; });
    ASSERT_TRUE(Start(i).ok());
  }
  Run(std::chrono::seconds(30));
  std::vector<Command> all = nodes_[1]->programs.started();
  all.insert(all.end(), nodes_[2]->programs.started().begin(), nodes_[2]->programs.started().end());
  bool fenced = false, probed = false;
  for (const Command& command : all) {
    if (command.path == kDummy) {
      probed = true;
      EXPECT_TRUE(command.spare_leftovers);
      EXPECT_EQ(command.stdin_text, "");
    } else if (command.path == kFence) {
      fenced = true;
      EXPECT_FALSE(command.spare_leftovers);
      EXPECT_EQ(command.argv, (std::vector<std::string>{"fence_dummy"}));
      EXPECT_THAT(command.stdin_text, HasSubstr("nodename=n3\n"));
      EXPECT_THAT(command.environment, Contains(std::pair<std::string, std::string>(
                                           "PATH", "/usr/sbin:/usr/bin:/sbin:/bin")));
    } else {
      ADD_FAILURE() << command.path;
    }
  }
  EXPECT_TRUE(probed && fenced);
}

TEST_F(MemberRunnerTest, AnswersToolsOfRootAndItsOwnUserOnly) {
  Make(3);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const std::string ask = R"({"command":"status"})";
  EXPECT_THAT(Ask(1, ask, 0), HasSubstr("\"cluster\":\"shop\""));
  EXPECT_THAT(Ask(1, ask, kOwnUser), HasSubstr("\"cluster\":\"shop\""));
  EXPECT_EQ(Ask(1, ask, 1000), "");
  EXPECT_GT(runner(1).traffic().tools_refused, 0U);
}

TEST_F(MemberRunnerTest, ToldNonsenseItSaysSo) {
  Make(3);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const struct {
    const char* request;
    const char* answer;
  } cases[] = {
      {"{", "is no JSON object"},
      {"[]", "is no JSON object"},
      {"\xFF\xFE", "is no JSON object"},
      {R"({"command":7})", "is no JSON object"},
      {R"({"command":"explode"})", "is no JSON object"},
      {R"({"command":"attribute","name":7})", "no text"},
      {R"({"command":"attribute","value":"1"})", "no \"name\""},
      {R"({"command":"attribute","name":"pingd","value":1})", "neither text nor null"},
      {R"({"command":"attribute","name":"pingd","value":""})", "is empty"},
      {R"({"command":"attribute","name":"#uname","value":"x"})", "is no name"},
      {R"({"command":"attribute","name":"pingd","value":"1","for_ms":999})", "for_ms"},
      {R"({"command":"attribute","name":"pingd","value":"1","for_ms":-1})", "for_ms"},
      {R"({"command":"attribute","name":"pingd","value":"1","for_ms":3600001})", "for_ms"},
      {R"({"command":"attribute","name":"pingd","value":"1","for_ms":18446744073709551615})",
       "for_ms"},
      {R"({"command":"attribute","name":"pingd","value":"1","for_ms":"5s"})", "for_ms"},
      {R"({"command":"attribute","name":"pingd","value":null,"for_ms":5000})", "for_ms"},
      {R"({"command":"attribute","name":"maintenance","value":"x"})", "a meaning"},
      {R"({"command":"cleanup"})", "names no"},
      {R"({"command":"cleanup","resource":"nix"})", "nix: there is no such primitive"},
      {"{\"command\":\"cleanup\",\"resource\":\"\xFF\"}", "is no JSON object"}};
  for (const auto& c : cases) {
    const json answer = json::parse(Ask(1, c.request), nullptr, false);
    ASSERT_TRUE(answer.is_object()) << c.request;
    EXPECT_THAT(answer["error"].get<std::string>(), HasSubstr(c.answer)) << c.request;
  }
  EXPECT_EQ(Ask(1, R"({"command":"cleanup","resource":"app"})"), R"({"done":true})");
}

TEST_F(MemberRunnerTest, AnAttributeOfASilentTellerIsGoneAtTheOthersToo) {
  Make(3);
  for (const int i : {1, 2}) ASSERT_TRUE(Start(i).ok());
  Run(Millis(300));
  const std::string told = R"({"command":"attribute","name":"pingd","value":"1000","for_ms":5000})";
  const auto at_the_other = [&] {
    return json::parse(Ask(2, R"({"command":"attribute"})"))["nodes"][0]["attributes"].count(
        "pingd");
  };
  EXPECT_EQ(Ask(1, told), R"({"done":true})");
  Run(Millis(4800));
  EXPECT_EQ(at_the_other(), 1U);
  EXPECT_EQ(Ask(1, told), R"({"done":true})");
  Run(Millis(4800));
  EXPECT_EQ(at_the_other(), 1U) << "it was renewed";
  Run(Millis(700));
  EXPECT_EQ(at_the_other(), 0U);
}

TEST_F(MemberRunnerTest, AttributesAreSetShownHeardByTheOthersAndRemoved) {
  Make(3);
  for (const int i : {1, 2}) ASSERT_TRUE(Start(i).ok());
  Run(Millis(300));
  EXPECT_EQ(Ask(1, R"({"command":"attribute","name":"pingd","value":"1000"})"), R"({"done":true})");
  Run(Millis(500));
  for (const int asked : {1, 2}) {
    const json told = json::parse(Ask(asked, R"({"command":"attribute","name":"pingd"})"));
    EXPECT_EQ(told["nodes"][0]["attributes"]["pingd"], "1000") << asked;
    EXPECT_TRUE(told["nodes"][1]["attributes"].empty());
    EXPECT_FALSE(told["nodes"][2]["heard"].get<bool>());
    const json status = json::parse(Ask(asked, R"({"command":"status"})"));
    EXPECT_EQ(status["nodes"][0]["attributes"]["pingd"], "1000");
    EXPECT_TRUE(status["attributes_settling"].get<bool>());
  }
  for (std::size_t i = 1; i <= kMaxTransientAttributes; ++i) {
    const std::string answer =
        Ask(1, Cat(R"({"command":"attribute","name":"a)", i, R"(","value":"x"})"));
    if (i < kMaxTransientAttributes) {
      EXPECT_EQ(answer, R"({"done":true})");
    } else {
      EXPECT_THAT(answer, HasSubstr("one too many"));
    }
  }
  EXPECT_EQ(Ask(1, R"({"command":"attribute","name":"pingd","value":null})"), R"({"done":true})");
  Run(Millis(500));
  const json told = json::parse(Ask(2, R"({"command":"attribute"})"));
  EXPECT_EQ(told["nodes"][0]["attributes"].count("pingd"), 0U);
  EXPECT_EQ(told["nodes"][0]["attributes"].size(), kMaxTransientAttributes - 1);
}

TEST_F(MemberRunnerTest, HearsWhatIsSaidOfThePowerOfANodeAndRefusesWhatMakesNoSense) {
  Make(3);
  Initialise(*nodes_[1]);
  ASSERT_TRUE(Start(1).ok());
  Run(Millis(100));
  const std::string by = R"("by":"alice")";
  const struct {
    std::string request, answer;
  } cases[] = {
      {R"({"command":"confirm","node":"n2",)" + by + "}", "no good \"reason\""},
      {R"({"command":"confirm","node":"n2",)" + by + R"(,"reason":"  "})", "no good \"reason\""},
      {R"({"command":"confirm","node":"n2","by":"a\nb","reason":"r"})", "no good \"by\""},
      {R"({"command":"confirm","node":"n9",)" + by + R"(,"reason":"r"})", "there is no such node"},
      {R"({"command":"confirm","node":"n1",)" + by + R"(,"reason":"r"})", "no other node"},
      {R"({"command":"confirm","node":"n2",)" + by + R"(,"reason":"r"})", "not quorate"},
      {R"({"command":"fenced","node":"n2",)" + by + R"(,"device":"d"})", "no \"begun_ns\""},
      {R"({"command":"fenced","node":"n2",)" + by + R"(,"device":"d","begun_ns":-1})",
       "no \"begun_ns\""},
      {R"({"command":"fenced","node":"n2",)" + by +
           R"(,"device":"d","begun_ns":9000000000000000000})",
       "in the future"}};
  for (const auto& c : cases) {
    const json answer = json::parse(Ask(1, c.request), nullptr, false);
    ASSERT_TRUE(answer.is_object()) << c.request;
    EXPECT_THAT(answer["error"].get<std::string>(), HasSubstr(c.answer)) << c.request;
  }
  EXPECT_EQ(journal_.Count("power-is-off"), 0);
  EXPECT_EQ(Ask(1, R"({"command":"fenced","node":"n2","by":"alice","device":"d","begun_ns":1})"),
            R"({"done":true})");
  EXPECT_EQ(journal_.Count("power-is-off"), 1);
}

TEST(Settings, ADigestIsOfAllThatNodesMustAgreeOn) {
  const config::Config config = MakeConfig(3, false);
  const Cib cib = MakeCib(3);
  config::Config other = config;
  other.paths.state_dir = "/elsewhere";
  other.key_file = "/elsewhere";
  EXPECT_EQ(DigestOf(config, cib), DigestOf(other, cib)) << "of this machine only";
  const struct {
    const char* name;
    void (*change)(config::Config&);
  } cases[] = {{"a vote", [](config::Config& c) { c.nodes[1].votes = Votes(2); }},
               {"a score", [](config::Config& c) { c.nodes[1].score = 5; }},
               {"an address", [](config::Config& c) { c.nodes[1].address.port = 1; }},
               {"the lease", [](config::Config& c) { c.timing.lease += Millis(1); }},
               {"tko", [](config::Config& c) { c.timing.tko += 1; }},
               {"settling", [](config::Config& c) { c.attributes.settle += Millis(1); }},
               {"the score", [](config::Config& c) { c.attributes.score = "pingd"; }},
               {"the disk", [](config::Config& c) { c.quorum_disk.emplace(); }}};
  for (const auto& c : cases) {
    config::Config changed = config;
    c.change(changed);
    EXPECT_NE(DigestOf(config, cib), DigestOf(changed, cib)) << c.name;
  }
  Cib changed = cib;
  changed.stonith_enabled = false;
  EXPECT_NE(DigestOf(config, cib), DigestOf(config, changed));
}

TEST(Settings, RefuseACibOfOtherNodes) {
  const config::Config config = MakeConfig(3, false);
  EXPECT_THAT(SettingsOf(config, MakeCib(2), NodeId(1)).error().Text(),
              HasSubstr("node 3 (n3): is missing in the CIB; add <node id=\"3\" uname=\"n3\"/>"));
  Cib cib = MakeCib(3);
  cib.nodes[1].name = "beta";
  EXPECT_THAT(SettingsOf(config, cib, NodeId(1)).error().Text(),
              HasSubstr("the CIB's node 2 (beta): is called n2 in the configuration"));
}

}  // namespace
}  // namespace fencepost::daemon
