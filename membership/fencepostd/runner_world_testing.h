// A world of simulated nodes, each with a MemberRunner, for tests of the shell.
//
// Promise: node i of `nodes` is called "n<i>"; node 1 has no drift, others do. Errors: none.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "membership/cib/cib.h"
#include "membership/fencepostd/member_runner.h"
#include "tests/sim/ports/facts.h"
#include "tests/sim/ports/local.h"
#include "tests/sim/ports/network.h"
#include "tests/sim/ports/programs.h"
#include "tests/sim/ports/state.h"

namespace fencepost::daemon {

inline constexpr const char* kDummy = "/usr/lib/ocf/resource.d/heartbeat/Dummy";
inline constexpr const char* kFence = "/usr/libexec/fencepost/fence_dummy";

inline seal::ClusterKey KeyOf(std::uint8_t seed) {
  seal::ClusterKey::Secret secret{};
  secret.fill(seed);
  return seal::ClusterKey(secret);
}

inline config::Config MakeConfig(int nodes, bool disk) {
  std::string text = "[cluster]\nname = \"shop\"\nprofile = \"fast\"\n";
  for (int i = 1; i <= nodes; ++i) {
    text += Cat("[[node]]\nname = \"n", i, "\"\nid = ", i, "\naddress = \"10.0.0.", i, "\"\n");
  }
  if (disk) text += "[quorum_disk]\ndevice = \"/dev/quorum\"\n";
  auto config = config::ParseConfig(text, "fencepost.toml");
  if (!config) ADD_FAILURE() << config.error()[0].Text();
  return *config;
}

inline Cib MakeCib(int nodes) {
  std::string text =
      "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\" validate-with=\"pacemaker-3.9\">"
      "<configuration><crm_config/><nodes>";
  std::string devices;
  for (int i = 1; i <= nodes; ++i) {
    text += Cat("<node id=\"", i, "\" uname=\"n", i, "\"/>");
    devices += Cat("<primitive id=\"f", i, "\" class=\"stonith\" type=\"fence_dummy\">",
                   "<instance_attributes id=\"fa", i, "\"><nvpair id=\"fh", i,
                   "\" name=\"pcmk_host_list\" value=\"n", i, "\"/></instance_attributes>",
                   "</primitive>");
  }
  text += Cat("</nodes><resources><primitive id=\"app\" class=\"ocf\" provider=\"heartbeat\" ",
              "type=\"Dummy\"/>", devices, "</resources><constraints/></configuration></cib>");
  auto cib = cib::ParseCib(text, "cib.xml");
  if (!cib) ADD_FAILURE() << cib.error().Text();
  return *cib;
}

// One node: hardware, durable state, programs; and, while it runs, its daemon.
struct RunnerNode {
  RunnerNode(sim::Timeline& world, NodeId id)
      : machine(world, {id, id.value() == 1 ? 0 : 300, Millis(1000 * id.value())}),
        hub(world),
        state(world),
        programs(machine) {
    programs.Install(kDummy, [this](const Command& command) {
      sim::Performance run;
      const std::string& verb = command.argv[1];
      if (verb == "monitor") run.exit_code = active ? 0 : 7;
      if (verb == "stop") run.takes = run.effect_after = stop_takes;
      run.effect = [this, verb] { active = verb == "start" || (verb == "monitor" && active); };
      return run;
    });
  }
  struct Daemon {
    std::shared_ptr<sim::Life> life;
    sim::SimClock clock;
    sim::SimDatagram network;
    sim::SimLocalClient qdiskd;
    sim::SimStateStore state;
    sim::SimProcessRunner processes;
    sim::SimLocalServer tools;
    sim::SimIdentity identity;
    sim::SimFacts facts;
    std::unique_ptr<MemberRunner> runner;
    std::optional<Status> ended;
    Status begun = Ok{};
  };
  sim::Machine machine;
  sim::LocalHub hub;
  sim::DurableState state;
  sim::Programs programs;
  bool active = false;  // the dummy service
  Duration stop_takes = Millis(5);
  std::unique_ptr<Daemon> daemon;
};

class RunnerWorld : public testing::Test {
 protected:
  // The state that "fencepost init" makes, with its restart wait behind it.
  void Initialise(RunnerNode& node) {
    const auto life = node.machine.StartLife();
    sim::SimStateStore store(node.state, life);
    const quorum::VoterState fresh{Term(), Millis(0), true};
    store.Store(kVoterName, quorum::EncodeVoterState(fresh), [](const Status&) {});
    world_.RunFor(Millis(20));
    life->End();
  }
  void Make(int nodes, bool disk = false) {
    config_ = MakeConfig(nodes, disk);
    cib_ = MakeCib(nodes);
    for (int i = 1; i <= nodes; ++i) {
      const NodeId id(static_cast<std::uint8_t>(i));
      nodes_[i] = std::make_unique<RunnerNode>(world_, id);
    }
  }
  Status Start(int i) {
    RunnerNode& n = *nodes_.at(i);
    const auto life = n.machine.StartLife();
    n.daemon.reset(new RunnerNode::Daemon{life,
                                          {n.machine, life},
                                          {network_, n.machine, life},
                                          {n.hub, "qdiskd", life},
                                          {n.state, life},
                                          {n.programs, life},
                                          {n.hub, "tools", life},
                                          sim::SimIdentity(n.machine),
                                          {journal_, n.machine, "fencepostd"},
                                          nullptr,
                                          std::nullopt,
                                          Ok{}});
    RunnerNode::Daemon& d = *n.daemon;
    const MemberPorts ports{d.clock,    d.network,   config_.quorum_disk ? &d.qdiskd : nullptr,
                            d.state,    d.processes, d.tools,
                            d.identity, d.facts,     watchdog_};
    d.runner = std::make_unique<MemberRunner>(
        RunnerSettings{config_, cib_, n.machine.node(), key_, kOwnUser, on_guest_}, ports,
        [&d](Status status) { d.ended = std::move(status); });
    return d.runner->Begin();
  }
  void Kill(int i) {
    nodes_.at(i)->daemon->life->End();
    nodes_.at(i)->daemon.reset();
  }
  void Run(Duration d) { world_.RunFor(d); }
  [[nodiscard]] MemberRunner& runner(int i) { return *nodes_.at(i)->daemon->runner; }
  // One question of a tool; empty: no answer within a second.
  std::string Ask(int i, const std::string& request, std::uint32_t user = 0) {
    RunnerNode& n = *nodes_.at(i);
    const auto life = n.machine.StartLife();
    sim::SimLocalClient client(n.hub, "tools", life, user);
    std::string answer;
    LocalClient::Handler handler;
    handler.connected = [&] {
      client.Send({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()});
    };
    handler.message = [&](ByteView bytes) { answer.assign(bytes.begin(), bytes.end()); };
    handler.gone = [] {};
    client.Connect(std::move(handler));
    for (int turn = 0; turn < 100 && answer.empty(); ++turn) Run(Millis(10));
    client.Disconnect();
    Run(Millis(1));
    life->End();
    return answer;
  }
  nlohmann::json StatusOf(int i) {
    return nlohmann::json::parse(Ask(i, R"({"command":"status"})"), nullptr, false);
  }

  static constexpr std::uint32_t kOwnUser = 990;
  sim::Timeline world_{11};
  sim::SimNetwork network_{world_};
  sim::Journal journal_;
  seal::ClusterKey key_ = KeyOf(1);
  config::Config config_;
  Cib cib_;
  std::map<int, std::unique_ptr<RunnerNode>> nodes_;
  Watchdog* watchdog_ = nullptr;  // of the node that is started next
  bool on_guest_ = false;         // likewise
};

}  // namespace fencepost::daemon
