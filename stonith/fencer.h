// The fencer: turns "make node 2 be off" into runs of fence agents, and says what was proved.
//
// Promise, of proof:
//   - Evidence is given only when all outlets of one level are off: every run with action off ended
//     with 0, and for each outlet a status run, begun after the last of those offs ended, answered
//     off (2). Anything else is an error that names phase and cause; "unknown" is never off.
//   - Evidence says what is covered: node, storage or network (topology.h). What a level proves
//     that is less than the request needs is the answer only when no level proved it all.
//   - A reboot powers on after the proof, and after every switching run of another level has ended:
//     all outlets that may be off by it. Its failure is a fact, no error. What cuts a node off from
//     storage or network is switched on only if the node itself was proved off: else it lives, and
//     would go on.
// Promise, of right:
//   - Nothing is started at or after the request's not_after, and every run is to be killed there
//     at the latest (rule R8). Rights that are lost kill what runs under them.
//   - The own node is never fenced.
//   - Majority guard: the distinct nodes whose off this fencer began within kGuardWindow, and that
//     did not come back as members since, together with the one asked for, are never more than half
//     of the nodes. What would make them more is refused. (An operator is not held back.)
//   - A node that was proved off kMaxReboots times within kLoopWindow is left off.
//   - Both count what other fencers did, as far as this one was told (FencedBefore): a coordinator
//     that takes over goes on with the count of the one before.
// Promise, of order:
//   - A request joins a running one only if node, action and term are the same. One operation a
//     node at a time. Levels in their order; the next begins when the one before failed, or while
//     it still works: after overlap_after or its share of the time, if the two share no device.
//     The first level that proves off ends the others.
//   - Of a device at most action_limit runs live; a fence ends a query or monitor in its way.
//   - A status query switches nothing, needs no quorum, and may run at any time; its begun_at is
//     when the earliest of the answering runs was started (rule R5 counts from there). It is off
//     only when one level's power outlets all say off; several say it twice, the second time when
//     all had said it, so that they were off together.
//   - Devices with a monitor interval are looked after; nothing is switched by it.
// Time:    absolute local instants, handed in; steps come in order of time.
// Errors:  in the answers; texts are fit for an operator.
// Source:  the fence agent protocol: action off 0 = done and seen by the agent; status 0 on, 2 off.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/cib.h"
#include "base/fact.h"
#include "base/lease.h"
#include "base/result.h"
#include "stonith/topology.h"

namespace fencepost::stonith {

inline constexpr std::size_t kMaxRequests = 64;  // waiting or running
inline constexpr std::size_t kMaxHistory = 128;  // operations; older ones are forgotten
inline constexpr Duration kGuardWindow = std::chrono::minutes(5);
inline constexpr Duration kLoopWindow = std::chrono::minutes(10);
inline constexpr std::size_t kMaxReboots = 3;

using RequestId = std::uint64_t;  // chosen by who asks, unique among the unanswered
using RunId = std::uint64_t;

// Grade "powered off and verified" (DESIGN, Evidence), as far as `coverage` goes.
struct Evidence {
  NodeId node;
  std::string device;       // its outlets: "bmc-2", "pdu-a:7 + pdu-b:7"
  MonoTime off_begun_at{};  // start of the first agent run that switched
  MonoTime begun_at{};      // start of the first status run that proves it
  MonoTime ended_at{};
  Coverage coverage = {true, false, false};
};

enum class Power { kOn, kOff, kUnknown };
[[nodiscard]] std::string_view Name(Power power);

struct FenceAsked {
  RequestId id = 0;
  NodeId node;
  FenceAction action = FenceAction::kOff;
  Term term;
  MonoTime not_after{};
  Coverage needed = {};  // nothing: whatever a level covers is enough
};
// Switch on what the node needs before it runs anything (devices with `unfencing`).
struct UnfenceAsked {
  RequestId id = 0;
  NodeId node;
  Term term;
  MonoTime not_after{};
};
struct StatusAsked {
  RequestId id = 0;
  NodeId node;
  MonoTime not_after{};  // when the answer is of no more use
};
struct AgentEnded {
  RunId run = 0;
  bool started = true;
  bool killed = false;
  int exit_code = -1;
  std::string errors;  // its stderr
};
// The right to fence under this term and all lower ones is over: a concession waits for this.
struct RightsLost {
  Term term;
};
struct NodeIsBack {  // it is a member again: the guard counts it no more
  NodeId node;
};
// What another fencer, which had the right, did to a node, and when by the clock of this one. It
// adds to what this one knows: nothing is forgotten by it.
struct FencedBefore {
  NodeId node;
  std::optional<MonoTime> off_begun;  // none: it came back since
  std::vector<MonoTime> proved_off;   // the latest ones, newest first
};
struct Tick {};
using FencerEvent = std::variant<FenceAsked, UnfenceAsked, StatusAsked, AgentEnded, RightsLost,
                                 NodeIsBack, FencedBefore, Tick>;

struct StartAgent {
  RunId run = 0;
  std::string device, agent, action;
  std::string stdin_text;
  MonoTime kill_at{};
  std::string plug = {};
};
struct KillAgent {
  RunId run = 0;
};
struct FenceAnswer {
  RequestId id = 0;
  Result<Evidence> result;
};
struct UnfenceAnswer {
  RequestId id = 0;
  Status result;
};
struct StatusAnswer {
  RequestId id = 0;
  NodeId node;
  Power power = Power::kUnknown;
  std::string reason;  // why it is unknown
  MonoTime begun_at{}, ended_at{};
};
struct WakeAt {  // step a Tick at this instant; replaces the one before
  MonoTime when{};
};
using FencerEffect =
    std::variant<StartAgent, KillAgent, FenceAnswer, UnfenceAnswer, StatusAnswer, WakeAt, Fact>;

struct PhaseRecord {
  std::string device, action;  // the outlet; "off", "status", "on"
  MonoTime begun{}, ended{};
  std::string verdict;  // "done", "off", or phase and cause of the failure
};
struct HistoryRecord {
  NodeId node;
  std::string what;  // "reboot", "off", "unfence"
  Term term;
  MonoTime asked{}, ended{};
  bool proved_off = false;
  int level = 0;  // that proved it; 0: none
  std::vector<PhaseRecord> phases;
};
struct DeviceHealth {
  std::string device;
  bool asked = false, ok = false;
  MonoTime ended{};     // of the last monitor
  std::string trouble;  // why it is not ok
};

class Fencer {
 public:
  explicit Fencer(FencerConfig config);
  [[nodiscard]] std::vector<FencerEffect> Step(MonoTime now, const FencerEvent& event);

  // A switching child lives: nobody may concede now (rule R8).
  [[nodiscard]] bool MaySwitch() const;
  // No request is under way; a monitor may be.
  [[nodiscard]] bool Idle() const { return operations_.empty() && queries_.empty(); }
  [[nodiscard]] const std::deque<HistoryRecord>& history() const { return history_; }
  [[nodiscard]] std::vector<DeviceHealth> Health() const;
  // What the next fencer must know, of all nodes for which it still counts at `now`.
  [[nodiscard]] std::vector<FencedBefore> Fenced(MonoTime now) const;
  [[nodiscard]] bool NeedsUnfencing(NodeId node) const {
    return !UnfencingOutlets(config_, node).empty();
  }

 private:
  enum class RunKind { kSwitch, kVerify, kQuery, kMonitor };  // the later ones give way
  struct LiveRun {
    std::size_t device = 0;
    RunKind kind = RunKind::kSwitch;
    bool ended_by_us = false;
  };
  struct Waiter {
    RequestId id = 0;
    MonoTime not_after{};
  };
  struct OutletRun {
    Outlet outlet;
    bool may_be_off = false;  // it was switched off, or this was ended half-way
    bool off_done = false, verified = false;
    int attempt = 0;
    RunId run = 0;
    bool verifying = false;  // what `run` does
    MonoTime retry_at{}, off_begun{}, run_begun{}, verify_begun{};
  };
  struct LevelRun {
    Level plan;
    bool begun = false, failed = false, proved = false;
    std::vector<OutletRun> outlets;
  };
  struct OnRun {
    Outlet outlet;
    int wave = 0;  // those of the level that proved it come first
    bool ended = false, ok = false;
    int attempt = 0;
    RunId run = 0;
    MonoTime retry_at{}, run_begun{};
  };
  enum class Stage { kOff, kCancel, kOn, kEnded };
  struct Operation {
    NodeId node;
    bool unfence = false;
    FenceAction action = FenceAction::kOff;
    Term term;
    Coverage needed;                  // by any of its waiters
    std::optional<Evidence> partial;  // what a level proved that covers less
    std::vector<Waiter> waiters;
    MonoTime not_after{};  // the latest of its waiters
    Stage stage = Stage::kOff;
    bool moving = false;   // it is its node's turn
    MonoTime first_off{};  // when the first level began
    std::vector<LevelRun> levels;
    std::vector<OnRun> ons;
    std::optional<Error> last_error;
    HistoryRecord record;
    [[nodiscard]] bool off_proved() const { return record.proved_off; }
  };
  struct Query {
    StatusAsked asked;
    std::vector<Level> levels;
    std::size_t level = 0;
    struct Asking {
      Outlet outlet;
      RunId run = 0;
      bool answered = false;
      Power power = Power::kUnknown;
      MonoTime begun{};
    };
    std::vector<Asking> asking;     // the power outlets of this level
    std::optional<MonoTime> twice;  // all said off once; when that began
    std::string reason;
    bool over = false;
  };
  struct Watched {  // a device with a monitor interval
    std::size_t device = 0;
    RunId run = 0;
    MonoTime next{};
    DeviceHealth health;
  };

  // fencer.cc: requests, rights, the book of runs.
  void Ask(const FenceAsked& asked);
  void Ask(const UnfenceAsked& asked);
  void Ask(const StatusAsked& asked);
  [[nodiscard]] std::optional<Error> WhyRefused(NodeId node, Term term, MonoTime not_after) const;
  [[nodiscard]] std::optional<Error> WhyGuarded(NodeId node) const;
  Operation* Join(NodeId node, bool unfence, FenceAction action, Term term, Waiter waiter);
  Operation& Enter(NodeId node, Term term, Waiter waiter);
  void End(const AgentEnded& ended);
  void Lose(Term term);
  void Advance();
  void Remember(const FencedBefore& before);
  void ExpireWaiters(Operation* op);
  void AnswerAll(Operation* op, const Result<Evidence>& result);
  void Finish(Operation* op);
  [[nodiscard]] bool HasRun(const Operation& op) const;
  // 0: not now; the device is busy, or there is no time.
  RunId Start(const Outlet& outlet, NodeId node, std::string_view action, RunKind kind,
              Duration limit, MonoTime not_after);
  [[nodiscard]] bool MakeRoom(std::size_t device, RunKind kind);
  void KillRun(RunId run);
  void PlanWakeUp();
  [[nodiscard]] std::string NodeName(NodeId node) const;
  [[nodiscard]] const Device& DeviceOf(const Outlet& outlet) const {
    return config_.devices[outlet.device];
  }
  void Note(Severity severity, std::string_view name, const Operation& op, std::string why);

  // fence_levels.cc: one operation.
  void AdvanceOperation(Operation* op);
  void AdvanceLevels(Operation* op);
  [[nodiscard]] bool LevelMayBegin(const Operation& op, std::size_t index) const;
  [[nodiscard]] MonoTime OverlapAt(const Operation& op, std::size_t index) const;
  void AdvanceLevel(Operation* op, LevelRun* level);
  void LevelFailed(Operation* op, LevelRun* level, const Error& error);
  void LevelProved(Operation* op, LevelRun* level);
  [[nodiscard]] Evidence EvidenceOf(const Operation& op, const LevelRun& level) const;
  void PrepareOn(Operation* op);
  [[nodiscard]] bool IsLeftOff(NodeId node);
  void AdvanceOn(Operation* op);
  void EndOn(Operation* op, OnRun* on, const AgentEnded& ended);
  void EndOutlet(Operation* op, LevelRun* level, OutletRun* outlet, const AgentEnded& ended);
  void OutletFailed(Operation* op, LevelRun* level, OutletRun* outlet, Error error);
  bool EndOfOperation(Operation* op, const AgentEnded& ended);
  void WakeForOperation(const Operation& op, MonoTime* next) const;

  // fence_queries.cc: what switches nothing.
  void AdvanceQuery(Query* query);
  void NextLevel(Query* query);
  void JudgeLevel(Query* query);
  void AnswerQuery(Query* query, Power power);
  bool EndOfQuery(const AgentEnded& ended, bool ended_by_us);
  void AdvanceMonitors();
  bool EndOfMonitor(const AgentEnded& ended, bool ended_by_us);

  FencerConfig config_;
  MonoTime now_{};
  RunId next_run_ = 1;
  std::optional<Term> lost_;  // the highest term whose rights are over
  std::deque<Operation> operations_;
  std::deque<Query> queries_;
  std::vector<Watched> watched_;
  bool watching_ = false;  // the first step was made
  std::map<RunId, LiveRun> live_;
  std::map<NodeId, MonoTime> shot_;                // off begun, not back since
  std::map<NodeId, std::deque<MonoTime>> proofs_;  // the last kMaxReboots, newest last
  std::deque<HistoryRecord> history_;
  std::vector<FencerEffect> effects_;
};

// What an agent is told: one name=value a line. Pure.
std::string AgentInput(const Device& device, std::string_view plug, std::string_view node_name,
                       std::string_view action, MonoTime not_after);
// What went wrong in a run that did not end as hoped: the agent's own last line if it is one of
// ours, else what can be seen from outside.
Error AgentError(std::string_view what, const AgentEnded& ended);
// "12.7s: bmc-2 off 2.1s done, bmc-2 status 180ms off": what an operation did, and how long.
std::string PhasesInWords(const HistoryRecord& record);

}  // namespace fencepost::stonith
