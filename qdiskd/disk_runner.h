// The quorum disk daemon: runs a DiskVoter over ports. It moves what the core decides to disks and
// local peers, and back; it decides nothing about the vote itself.
//
// Promise:
//   - Its incarnation is durable before anything is written, also one that the core raised.
//   - A term that the consumer asked for may be counted until the consumer says Dropped. When the
//     consumer has gone it is over after one lease_max, or as soon as a consumer says Hello after
//     that: there is one consumer on a node, and it promises to count nothing. A Hello while the
//     earlier consumer is still connected drops that one and proves nothing about it: then the
//     time decides.
//   - Nothing of a term is told to a consumer that did not ask for it.
//   - Stop() lets the consumer drop first (until its deadline at most) and the core publish that.
//   - Whoever watches gets a view after each cycle, and while no disk can be read one each
//   interval.
//   - A consumer that is gone hears nobody: its report is taken back, unless it said that it left.
//   - Storage death (message_post.h): a node that was told to die writes no heartbeat any more and
//     stops for nobody; nor does it do anything but die when it finds its boot marked at a start.
// Time:    local. A stop takes at most the rest of a lease and kStopCycles cycles.
// Errors:  `ended` gets the reason why this daemon must not go on: its state cannot be stored, its
//          identity cannot be read, or somebody else writes as this node. Everything else is a fact
//          and is tried again.
// Ownership: ports outlive the runner. It may be destroyed in `ended`.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/block_device.h"
#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "env/node_death.h"
#include "env/node_identity.h"
#include "env/state_store.h"
#include "qdiskd/disk_link.h"
#include "qdiskd/disk_recorder.h"
#include "qdiskd/disk_voter.h"
#include "qdiskd/local_service.h"
#include "qdiskd/message_post.h"

namespace fencepost::qdiskd {

inline constexpr int kStopCycles = 2;

struct RunnerDisk {
  std::string device;      // its name, for people
  std::string label;       // empty: any
  std::string designator;  // empty: any
};

struct RunnerSettings {
  VoterSettings voter;  // voter.disks is the number of `disks`
  ClusterId cluster;
  std::vector<RunnerDisk> disks;  // in the order of RunnerPorts::disks
  std::uint32_t own_user = 0;     // may speak to us, as root may
  MacFunction mac;
  std::function<std::uint64_t()> wall_ms;
  bool tell_cycles = false;                                  // a debug fact for each cycle
  std::map<NodeId, std::string> names = {};                  // of the nodes, for people
  std::function<void(const local::View&)> after_cycle = {};  // may be empty
};

struct RunnerPorts {
  Clock& clock;
  std::vector<BlockDevice*> disks;  // 1 or kMaxDisks
  LocalServer& server;
  StateStore& state;
  NodeIdentity& identity;
  FactSink& facts;
  NodeDeath& death;
};

class DiskRunner {
 public:
  DiskRunner(RunnerSettings settings, RunnerPorts ports);
  ~DiskRunner();
  DiskRunner(const DiskRunner&) = delete;
  DiskRunner& operator=(const DiskRunner&) = delete;

  // REQUIRES: once; what another daemon of this node used is locked by us (socket, state).
  void Start(std::function<void(Status)> ended);
  void Stop();
  // What its heuristics say; published on the disk, beside the consumer's report. Without a call
  // the node is fit.
  void SetFitness(const Fitness& fitness);
  [[nodiscard]] const Fitness& fitness() const { return fitness_; }
  // For tests and status; nullptr until the incarnation is durable.
  [[nodiscard]] const DiskVoter* voter() const { return voter_ ? &*voter_ : nullptr; }

 private:
  void Begin(BootId boot, Incarnation incarnation);
  void MakeLink(int disk);
  void MakePost(BootId boot, Incarnation incarnation);
  void Serve();
  void TellUnreadable();
  void DieAsMarked(Death death);
  void StoreIncarnation(Incarnation incarnation, std::function<void()> then);
  void Step(const VoterEvent& event);
  void Perform(VoterEffects effects);
  void CycleDone();
  void Issue(std::vector<DiskWrite> writes);
  void SetWake(MonoTime at);
  void Pass(const VoterNotice& notice);
  // The flight recorder: what is decided is kept on every disk, written after the cycle.
  void Keep(Decision decision);
  void KeepNotice(const VoterNotice& notice);
  void KeepPhase();
  [[nodiscard]] bool Recorded() const;
  void LinkReady(int disk);
  void LinkLost(int disk, const std::string& why);
  void ConsumerSaid(const ToQdiskd& message);
  void ConsumerWants(const event::Want& want);
  void ConsumerDropped(const event::Dropped& dropped);
  void ConsumerGone();
  void ArmSilence();
  void Publish();
  void SpeakForNobody();  // a node whose consumer is silent wins no split
  void ConsumerHello(bool replaced);
  void LeaseOver();
  void GiveUp();  // nobody here counts a lease any more: the core may concede it
  void MayEnd();
  void End(Status status);
  [[nodiscard]] bool TermCounts() const;
  [[nodiscard]] bool AnyLinkReady() const;
  [[nodiscard]] std::string WhyAlreadyUsed(int disk, const DiskId& id) const;
  [[nodiscard]] local::Welcome MakeWelcome() const;
  [[nodiscard]] local::View MakeView() const;
  Fact About(Severity severity, std::string_view name) const;

  const RunnerSettings settings_;
  const RunnerPorts ports_;
  std::function<void(Status)> ended_;
  bool over_ = false;
  BootId boot_;
  MonoTime started_{};
  std::optional<DiskVoter> voter_;
  std::vector<std::unique_ptr<DiskLink>> links_;
  std::vector<std::unique_ptr<DiskRecorder>> recorders_;
  std::array<bool, kMaxDisks> lost_{};  // was ready, and told as lost
  VotePhase kept_phase_ = VotePhase::kIdle;
  Term kept_term_;
  std::unique_ptr<MessagePost> post_;
  bool condemned_ = false;  // no heartbeat is written any more
  std::unique_ptr<LocalService> service_;
  Incarnation durable_;               // the highest that is stored
  std::vector<DiskWrite> held_back_;  // until voter_->incarnation() is durable
  MonoTime wake_at_ = kNever;
  TimerId wake_ = 0, tell_again_ = 0;
  std::optional<MonoTime> cycle_began_;
  Duration last_cycle_{};

  // The highest term that a consumer may be counting votes of: node votes too, and those outlast
  // the disk's lease. Conceding speaks for all of them.
  Term counted_;
  MonoTime counts_until_ = kNever;  // kNever while its owner is connected: it owes us its Dropped
  bool owner_gone_ = false;         // who counts it is not connected any more
  TimerId lease_end_ = 0;
  Term asked_from_;    // the first term the present consumer asked for
  NodeReport report_;  // of the consumer
  Fitness fitness_;
  TimerId silence_ = 0;  // until the consumer is taken for hung
  bool stopping_ = false;
  TimerId stop_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fencepost::qdiskd
