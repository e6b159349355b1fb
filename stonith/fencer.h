// The fencer: turns "make node 2 be off" into runs of fence agents, and says what was proved.
//
// Promise: evidence is given only when a run of the agent with action off ended with 0 and a
//          separate status run, begun after that end, answered off (2). Anything else is an error
//          that names phase and cause; "unknown" is never off. Nothing is started at or after the
//          request's not_after, and every run is to be killed there at the latest (rule R8). A
//          request joins a running one only if node, action and term are the same. One operation a
//          node at a time. A reboot answers when off is proved and powers on afterwards.
//          A status query switches nothing, needs no quorum, and may run at any time; its begun_at
//          is when the answering run was started (rule R5 counts from there).
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

namespace fencepost::stonith {

inline constexpr std::size_t kMaxRequests = 64;  // waiting or running
inline constexpr std::size_t kMaxHistory = 128;  // operations; older ones are forgotten

using RequestId = std::uint64_t;  // chosen by who asks, unique among the unanswered
using RunId = std::uint64_t;

// A device as the configuration has it, with what running its agent needs.
struct Device {
  FenceDevice config;
  bool understands_not_after = true;  // false for agents of other projects
  Duration off_limit = std::chrono::seconds(60);
  Duration on_limit = std::chrono::seconds(60);
  Duration status_limit = std::chrono::seconds(20);
  int attempts = 2;                  // of off, within the request's not_after
  Duration retry_gap = Millis(200);  // between two attempts
};

struct FencerConfig {
  std::vector<Device> devices;  // of a node: tried in this order
  std::map<NodeId, std::string> node_names;
};

// Grade "powered off and verified" (DESIGN, Evidence).
struct Evidence {
  NodeId node;
  std::string device;
  MonoTime off_begun_at{};  // start of the agent run that switched
  MonoTime begun_at{};      // start of the status run that proves it
  MonoTime ended_at{};
};

enum class Power { kOn, kOff, kUnknown };
[[nodiscard]] std::string_view Name(Power power);

struct FenceAsked {
  RequestId id = 0;
  NodeId node;
  FenceAction action = FenceAction::kOff;
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
struct Tick {};
using FencerEvent = std::variant<FenceAsked, StatusAsked, AgentEnded, RightsLost, Tick>;

struct StartAgent {
  RunId run = 0;
  std::string device, agent, action;
  std::string stdin_text;
  MonoTime kill_at{};
};
struct KillAgent {
  RunId run = 0;
};
struct FenceAnswer {
  RequestId id = 0;
  Result<Evidence> result;
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
using FencerEffect = std::variant<StartAgent, KillAgent, FenceAnswer, StatusAnswer, WakeAt, Fact>;

struct PhaseRecord {
  std::string device, action;  // "off", "status", "on"
  MonoTime begun{}, ended{};
  std::string verdict;  // "done", "off", or phase and cause of the failure
};
struct HistoryRecord {
  NodeId node;
  FenceAction action = FenceAction::kOff;
  Term term;
  MonoTime asked{}, ended{};
  bool proved_off = false;
  std::vector<PhaseRecord> phases;
};

class Fencer {
 public:
  explicit Fencer(FencerConfig config) : config_(std::move(config)) {}
  [[nodiscard]] std::vector<FencerEffect> Step(MonoTime now, const FencerEvent& event);

  // A switching child lives: nobody may concede now (rule R8).
  [[nodiscard]] bool MaySwitch() const;
  [[nodiscard]] bool Idle() const { return operations_.empty() && queries_.empty(); }
  [[nodiscard]] const std::deque<HistoryRecord>& history() const { return history_; }

 private:
  enum class Stage { kIdle, kOff, kVerify, kOn };
  struct Waiter {
    RequestId id = 0;
    MonoTime not_after{};
  };
  struct Operation {
    NodeId node;
    FenceAction action = FenceAction::kOff;
    Term term;
    std::vector<Waiter> waiters;
    MonoTime not_after{};  // the latest of its waiters
    Stage stage = Stage::kIdle;
    RunId run = 0;
    std::size_t device = 0;  // index among those of the node
    int attempt = 0;         // on this device
    MonoTime retry_at{};
    MonoTime off_begun{}, run_begun{};
    bool off_proved = false;
    std::optional<Error> last_error;
    HistoryRecord record;
  };
  struct Query {
    StatusAsked asked;
    std::size_t device = 0;
    RunId run = 0;
    MonoTime begun{};
    std::string reason;
  };

  void Ask(const FenceAsked& asked);
  void Ask(const StatusAsked& asked);
  void End(const AgentEnded& ended);
  void EndOff(Operation* op, const AgentEnded& ended);
  void EndVerify(Operation* op, const AgentEnded& ended);
  void EndOn(Operation* op, const AgentEnded& ended);
  void EndQuery(Query* query, const AgentEnded& ended);
  void Lose(Term term);
  void Advance();
  void AdvanceOne(Operation* op);
  void AskNextDevice(Query* query);
  void ExpireWaiters(Operation* op);
  void Attempt(Operation* op, const Device& device, Stage stage);
  void AttemptFailed(Operation* op, Error error);
  void AnswerAll(Operation* op, const Result<Evidence>& result);
  void Finish(Operation* op);
  RunId Start(const Device& device, NodeId node, std::string_view action, MonoTime limit,
              MonoTime not_after);
  void PlanWakeUp();
  [[nodiscard]] std::vector<const Device*> DevicesOf(NodeId node) const;
  [[nodiscard]] std::string NodeName(NodeId node) const;
  void Note(Severity severity, std::string_view name, const Operation& op, std::string why);

  FencerConfig config_;
  MonoTime now_{};
  RunId next_run_ = 1;
  std::optional<Term> lost_;  // the highest term whose rights are over
  std::deque<Operation> operations_;
  std::deque<Query> queries_;
  std::deque<HistoryRecord> history_;
  std::vector<FencerEffect> effects_;
};

// What an agent is told: one name=value a line. Pure.
std::string AgentInput(const Device& device, NodeId node, std::string_view node_name,
                       std::string_view action, MonoTime not_after);
// What went wrong in a run that did not end as hoped: the agent's own last line if it is one of
// ours, else what can be seen from outside.
Error AgentError(std::string_view what, const AgentEnded& ended);

}  // namespace fencepost::stonith
