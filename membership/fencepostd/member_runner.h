// fencepostd's shell: runs a Member over the ports of one node. It moves bytes and decides nothing:
// packets are sealed and opened, effects become calls of ports, their results become events.
//
// Promise: - Nothing is sent before this start's incarnation is durable; a voter state or counter
//            that cannot be read ends the start, and is never taken for "none" (R1, R2, R6).
//          - What is asked of the voter or the candidate is answered when it is durable.
//          - Effects are performed in this order: packets, disk, store, processes.
//          - A datagram that does not open, a packet that cannot be read, a message of qdiskd
//            or of a tool that makes no sense: dropped and counted; at most one fact about it in
//            kTroubleEvery.
//          - The watchdog is armed and fed when the Member says so and it is not late for that; it
//            is stopped in an orderly way only where nothing runs. One that does not take its
//            time-out, or cannot be armed, ends the daemon: after a hand-over, if something runs.
//          - Tools are root or the daemon's own user; others are hung up on.
// Time:    the Clock's; one timer at a time, set from the Member's wake_at.
// Errors:  Begin names what it could not read. Later trouble is a fact, or the end: `ended`.
// Ownership: ports outlive the runner; it may be destroyed any time but from inside a callback of
//          its own (`ended` included). After that no callback does anything.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/config/config.h"
#include "base/seal/seal.h"
#include "env/clock.h"
#include "env/datagram.h"
#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "env/node_identity.h"
#include "env/process.h"
#include "env/state_store.h"
#include "env/watchdog.h"
#include "membership/fencepostd/sealed_packets.h"
#include "membership/fencepostd/status_json.h"
#include "membership/fencepostd/tool_request.h"
#include "membership/node/member.h"

namespace fencepost::daemon {

inline constexpr Duration kTroubleEvery = std::chrono::seconds(10);
inline constexpr std::string_view kVoterName = "voter";
inline constexpr std::string_view kTermName = "term";
inline constexpr std::string_view kIncarnationName = "incarnation";

// A counter as the state store keeps it.
[[nodiscard]] Bytes EncodeCounter(std::uint64_t value);
[[nodiscard]] Result<std::uint64_t> DecodeCounter(std::string_view name, ByteView bytes);

struct MemberPorts {
  Clock& clock;
  Datagram& network;
  LocalClient* qdiskd;  // nullptr: no quorum disk is configured
  StateStore& state;
  ProcessRunner& processes;
  LocalServer& tools;
  NodeIdentity& identity;
  FactSink& facts;
  Watchdog* watchdog = nullptr;  // nullptr: none is configured
};

struct RunnerSettings {
  config::Config config;
  Cib cib;
  NodeId self;
  seal::ClusterKey key;
  std::uint32_t own_user = 0;
  bool on_guest = false;  // of a hypervisor: see config::WatchdogEvidence
};

class MemberRunner {
 public:
  // ended: called once, from the loop: after the node left, or it could not begin.
  MemberRunner(RunnerSettings settings, MemberPorts ports, std::function<void(Status)> ended);
  ~MemberRunner();
  MemberRunner(const MemberRunner&) = delete;
  MemberRunner& operator=(const MemberRunner&) = delete;

  Status Begin();  // REQUIRES: called once
  // Hands over and ends; again: nothing more. Before the start is complete it ends at once.
  void Leave();
  // Ends without handing over: what runs is left as it is, and an armed watchdog with it.
  void Abandon();

  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] const node::Member* member() const { return member_ ? &*member_ : nullptr; }

 private:
  Status LoadState(node::MemberSettings& settings, std::uint64_t& incarnation);
  void Run(node::MemberSettings settings);
  void Deliver(const node::MemberEvent& event);
  void Perform(node::MemberEffects effects);
  void SendPacket(const messaging::Packet& packet);
  void Receive(ByteView datagram);
  void ConnectToDisk();
  void FromDisk(ByteView message);
  void StoreVoter(const quorum::VoterState& state);
  void StoreCounter(std::uint64_t counter);
  void StartResourceAgent(const executor::StartProcess& start);
  void ResourceAgentEnded(const executor::StartProcess& start, const ProcessEnd& end);
  void StartFenceAgent(const stonith::StartAgent& start);
  void ServeTools();
  void OnTool(PeerId peer, ByteView message);
  std::string SayOff(const ToolRequest& request);
  void SetTimer(MonoTime when);
  void FeedWatchdog(MonoTime before);
  void ArmWatchdog();
  void StopWatchdog();
  void Die(const qdiskd::local::Die& die);
  [[nodiscard]] bool WatchdogIsEvidence() const;
  [[nodiscard]] WatchdogStatus WatchdogNow() const;
  void Trouble(std::string_view what, std::uint64_t& count, const std::string& why);
  void Say(Severity severity, std::string_view name, const std::string& why);
  void End(Status status);
  // What a port calls back: nothing any more once the runner is destroyed or has ended.
  template <class Call>
  auto Guarded(Call call) {
    return [alive = std::weak_ptr<int>(alive_), call = std::move(call)](auto&&... args) {
      if (!alive.expired()) call(std::forward<decltype(args)>(args)...);
    };
  }

  RunnerSettings settings_;
  MemberPorts ports_;
  std::function<void(Status)> ended_;
  SealedPackets sealed_;
  std::optional<node::Member> member_;
  TimerId timer_ = 0;
  Traffic traffic_;
  std::map<std::string_view, MonoTime> told_;  // when each kind of trouble was last a fact
  std::map<executor::ProcessNumber, ProcessId> resource_agents_;
  std::map<stonith::RunId, ProcessId> fence_agents_;
  bool over_ = false;
  bool watchdog_armed_ = false;
  bool condemned_ = false;  // storage death: the watchdog is neither fed nor disarmed any more
  std::optional<Error> watchdog_trouble_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace fencepost::daemon
