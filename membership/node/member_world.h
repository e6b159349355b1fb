// A small cluster of cores for tests of this folder: members and disk voters, one disk, a network,
// power, resources and power devices, in virtual time. No shell, no bytes: the whole-cluster
// simulator has those.
//
// Promise: the same calls give the same run. Check() after every event: never two coordinators
//          (S1), never one resource on two powered nodes (S2).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/config/timing.h"
#include "membership/node/member.h"
#include "qdiskd/disk_voter.h"

namespace fencepost::node {

class MemberWorld {
 public:
  struct Node {
    bool powered = false;
    int generation = 0;  // events of an earlier life are dropped
    std::optional<Member> member;
    std::optional<qdiskd::DiskVoter> voter;
    bool consumer_connected = false;
    bool frozen = false;            // its daemons get no event
    std::set<std::string> running;  // resources: outlive the daemons, not the power
    std::uint64_t boots = 0, incarnation = 0, disk_incarnation = 0, counter = 0;
    std::optional<quorum::VoterState> voter_state = quorum::VoterState{{}, {}, false};
    std::int32_t score = 0;
    Duration offset{};
    bool disk_path = true, left = false;
    std::uint64_t feeds = 0;  // of its watchdog
    int bites = 0;
    std::vector<std::string> facts;
  };

  explicit MemberWorld(int nodes = 2);

  void PowerOn(int i);
  void PowerOff(int i);
  void StartDaemons(int i);
  void KillMember(int i);
  void KillVoter(int i);
  void StartMember(int i);
  void StartVoter(int i);
  void Cut(int a, int b) { cut_.insert({a, b}), cut_.insert({b, a}); }
  void Heal() { cut_.clear(); }
  // What a sends to b is kept on the wire, and comes in order when it is let go: a late network.
  void Hold(int a, int b) { held_[{a, b}]; }
  void LetGo(int a, int b);
  void CutDisk(int i);
  void HealDisk(int i);
  void Leave(int i) { ToMember(i, event::Leave{}); }
  void Say(int i, MemberEvent event) { ToMember(i, std::move(event)); }
  // Events until virtual time has gone on by `d`.
  void Run(Duration d);
  // Until `done`, at most `limit`; how long it took, or nullopt.
  std::optional<Duration> RunUntil(Duration limit, const std::function<bool()>& done);

  [[nodiscard]] MonoTime LocalTime(int i) const {
    return MonoTime(now_ + nodes_[static_cast<std::size_t>(i)].offset);
  }
  [[nodiscard]] bool Quorate(int i);
  [[nodiscard]] bool Runs(int i, const std::string& resource) const {
    return nodes_[static_cast<std::size_t>(i)].running.count(resource) != 0;
  }
  [[nodiscard]] int Told(int i, const std::string& fact) const;
  [[nodiscard]] Node& node(int i) { return nodes_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  [[nodiscard]] std::string Timeline() const;
  [[nodiscard]] const std::vector<std::string>& fenced() const { return fenced_; }
  [[nodiscard]] bool IsCutOff(int i) const { return cut_off_.count(i) != 0; }
  bool bmc_works = true;
  bool unfencing_works = true;
  bool storage_is_all = false;  // what runs on a node without it does no harm
  std::function<void(Cib&)> change_cib = [](Cib&) {};
  bool stop_fails = false;
  Duration agent_takes = Millis(50);
  Duration watchdog{};  // of every node; 0: none
  bool watchdog_arms = true;

 private:
  void At(Duration after, int i, std::function<void()> call);
  void ToMember(int i, MemberEvent event);
  void ToVoter(int i, qdiskd::VoterEvent event);
  void ToDaemon(int i, const qdiskd::ToQdiskd& message);
  void Perform(int i, MemberEffects effects);
  void Perform(int i, qdiskd::VoterEffects effects);
  void RunAgent(int i, const executor::StartProcess& start);
  void RunFenceAgent(int i, const stonith::StartAgent& start);
  void OpenDisk(int i);
  void FeedWatchdog(int i);
  void Note(int i, const std::string& what);
  void Check();
  [[nodiscard]] MemberSettings Settings(int i);

  config::Timing timing_;
  Duration now_ = std::chrono::seconds(10);
  std::uint64_t order_ = 0;
  std::map<std::pair<Duration, std::uint64_t>, std::function<void()>> queue_;
  std::vector<Node> nodes_;
  std::vector<qdiskd::Slot> disk_;
  std::set<std::pair<int, int>> cut_;
  std::map<std::pair<int, int>, std::vector<messaging::Packet>> held_;
  std::map<int, Duration> member_wake_, voter_wake_;
  std::vector<std::string> timeline_, violations_, fenced_;
  std::set<int> cut_off_;  // from storage, by fence_scsi
};

}  // namespace fencepost::node
