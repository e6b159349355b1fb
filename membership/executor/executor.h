// The member's hands: runs the agents of this node's resources, as the coordinator orders and as
// the configuration asks (recurring monitors), and publishes the state of each.
//
// Promise: at most one process for a resource at any time; an ordered operation waits for the
//          monitor before it, a stop does not wait but kills what runs and takes its place.
//          (R8) Nothing but a stop begins at or after its order's not_after, and a start still
//          running when its authority ends is killed. Losing authority never prevents, delays or
//          ends a stop.
//          What a process says after it was told to die is not believed.
//          "Stopped" is published only as base/resource.h promises it.
// Time:    Step() is handed the time; call it with Tick no later than NextDeadline().
//          not_after is an instant of this node's clock. Process time-outs come from the Cib.
// Errors:  a failed agent is an Outcome; an order that cannot be obeyed is answered with
//          kRefused or kExpired. Unknown process numbers are ignored.
// Source:  environment and return codes: OCF Resource Agent API 1.1; paths: resource-agents 4.12.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/cib.h"
#include "base/fact.h"
#include "base/lease.h"
#include "base/resource.h"
#include "base/time.h"
#include "membership/executor/agent_command.h"

namespace fencepost::executor {

using ProcessNumber = std::uint64_t;  // given by the executor, never used twice

// Events.
struct Begin {};  // probe every resource whose state is unknown; needs no authority
struct Order {
  std::uint64_t operation = 0;  // the coordinator's number; comes back in OrderDone
  Term term;                    // of the coordinator's grant
  std::string resource;
  ResourceAction action = ResourceAction::kProbe;  // kProbe, kStart or kStop
  MonoTime not_after{};
};
// The grant of this term was renewed on this node: its starts may run until not_after.
struct Authority {
  Term term;
  MonoTime not_after{};
};
struct Revoke {};  // there is no authority from now on: kill starts, forget queued ones
struct ProcessEnded {
  ProcessNumber process = 0;
  bool started = true;   // false: the program could not be executed
  bool missing = false;  // because there is no such program: it is not installed
  bool killed = false;   // at its kill_at or by KillProcess
  int exit_code = -1;    // -1: ended by a signal
};
struct Tick {};
// no-quorum-policy=stop, or a clean leave: stop everything, in reverse order within each group, and
// begin no start until Resume. Again: retry what failed to stop.
struct StopAll {};
struct Resume {};
struct Forget {  // the operator's cleanup: failures of this resource no longer count; probe again
  std::string resource;
};
using Event =
    std::variant<Begin, Order, Authority, Revoke, ProcessEnded, Tick, StopAll, Resume, Forget>;

// Effects, in the order in which they are to be performed.
struct StartProcess {
  ProcessNumber process = 0;
  std::string resource;
  ResourceAction action = ResourceAction::kProbe;
  std::string path;               // absolute
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::pair<std::string, std::string>> environment;
  MonoTime kill_at{};  // the operation's time-out
};
struct KillProcess {  // its group, now; ProcessEnded must still follow
  ProcessNumber process = 0;
};
struct OrderDone {
  std::uint64_t operation = 0;
  Term term;
  std::string resource;
  ResourceAction action = ResourceAction::kProbe;
  Outcome outcome;
};
struct StatusChanged {
  ResourceStatus status;
};
struct Quiesced {};   // StopAll: every resource is known to be stopped
struct NotQuiesced {  // StopAll: nothing is left to try, and these are not known to be stopped
  std::vector<std::string> resources;
};
using Effect =
    std::variant<StartProcess, KillProcess, OrderDone, StatusChanged, Quiesced, NotQuiesced, Fact>;

class Executor {
 public:
  // `ocf_root`: see agent_command.h.
  explicit Executor(const Cib& cib, std::string ocf_root = kOcfRoot);
  [[nodiscard]] std::vector<Effect> Step(const Event& event, MonoTime now);
  [[nodiscard]] MonoTime NextDeadline() const;  // kNever if only an event can change anything
  [[nodiscard]] std::vector<ResourceStatus> Statuses() const;  // all, in the order of the Cib
  // Every resource is known to be stopped, and no start can begin before Resume.
  [[nodiscard]] bool IsQuiesced() const;

 private:
  struct Job {  // operation 0 is nobody's order
    ResourceAction action = ResourceAction::kProbe;
    std::uint64_t operation = 0;
    Term term;
    MonoTime not_after = kNever;
  };
  struct Process {
    ProcessNumber number = 0;
    Job job;
    ResourceState before{};               // the resource's state when it began
    std::optional<Outcome::Kind> doomed;  // told to die, for this reason
  };
  struct Resource {
    Primitive primitive;
    std::size_t group = 0;
    ResourceStatus status;
    ResourceStatus published;
    std::optional<Process> process;
    std::optional<Job> next;     // waits for the process to end
    MonoTime check_at = kNever;  // next monitor while running, next probe while unknown
    bool stop_tried = false;     // by the StopAll in progress
  };

  void On(const Begin& event);
  void On(const Order& event);
  void On(const Authority& event);
  void On(const Revoke& event);
  void On(const ProcessEnded& event);
  void On(const Tick& event);
  void On(const StopAll& event);
  void On(const Resume& event);
  void On(const Forget& event);

  void CutOff();  // what may not go on, and what may not begin any more
  void Advance();
  void AdvanceStopAll();
  [[nodiscard]] bool StopNextOf(std::size_t group);
  void ReportStopAll();
  void Publish();

  void Launch(Resource& resource, const Job& job);
  void LaunchNext(Resource& resource);
  void Kill(Resource& resource, Outcome::Kind why);
  void Answer(const Resource& resource, const Job& job, Outcome outcome);
  void Finish(Resource& resource, const Process& process, Outcome outcome, bool missing);
  void FinishStart(Resource& resource, Outcome outcome, bool missing);
  void FinishStop(Resource& resource, const Process& process, Outcome outcome, bool missing);
  void FinishProbe(Resource& resource, Outcome outcome, bool missing);
  void FinishMonitor(Resource& resource, Outcome outcome);
  void SetRunning(Resource& resource);
  void SetFailed(Resource& resource, ResourceState state, ResourceAction action, Outcome outcome,
                 bool counts);
  [[nodiscard]] Resource* Find(const std::string& id);

  std::string ocf_root_;
  std::vector<Resource> resources_;  // in the order of the Cib
  std::size_t groups_ = 0;
  ProcessNumber last_process_ = 0;
  bool stopping_ = false;  // between StopAll and Resume
  bool reported_ = false;  // the result of the latest StopAll
  MonoTime now_{};         // of the step in progress
  std::vector<Effect> effects_;
};

}  // namespace fencepost::executor
