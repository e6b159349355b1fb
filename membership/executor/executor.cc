#include "membership/executor/executor.h"

#include <algorithm>

#include "base/text.h"
#include "membership/executor/agent_command.h"

namespace fencepost::executor {
namespace {

// After a probe that could not be carried out: soon, but not in a tight loop.
constexpr Duration kProbeRetry = std::chrono::seconds(1);

Outcome OutcomeOf(const ProcessEnded& ended) {
  if (!ended.started) return {Outcome::Kind::kNotExecuted, 0};
  if (ended.killed) return {Outcome::Kind::kTimedOut, 0};
  if (ended.exit_code < 0) return {Outcome::Kind::kCrashed, 0};
  return {Outcome::Kind::kExited, ended.exit_code};
}

bool Said(const Outcome& outcome, int code) {
  return outcome.kind == Outcome::Kind::kExited && outcome.code == code;
}

bool IsNotInstalled(const Outcome& outcome, bool missing) {
  return missing || Said(outcome, kOcfNotInstalled);
}

bool SaysUnfit(const Outcome& outcome) {
  return outcome.kind == Outcome::Kind::kExited && outcome.code >= kOcfBadArguments &&
         outcome.code <= kOcfNotConfigured;
}

}  // namespace

Executor::Executor(const Cib& cib, std::string ocf_root)
    : ocf_root_(std::move(ocf_root)), groups_(cib.groups.size()) {
  for (std::size_t g = 0; g < cib.groups.size(); ++g) {
    for (const Primitive& member : cib.groups[g].members) {
      Resource resource;
      resource.primitive = member;
      resource.group = g;
      resource.status.resource = resource.published.resource = member.id;
      resources_.push_back(std::move(resource));
    }
  }
}

std::vector<Effect> Executor::Step(const Event& event, MonoTime now) {
  now_ = now;
  effects_.clear();
  CutOff();  // first: an authority that has ended is not revived by a late renewal
  std::visit([this](const auto& e) { On(e); }, event);
  CutOff();
  Advance();
  Publish();
  return std::move(effects_);
}

MonoTime Executor::NextDeadline() const {
  MonoTime deadline = kNever;
  for (const Resource& r : resources_) {
    if (r.process && r.process->job.action == ResourceAction::kStart && !r.process->doomed) {
      deadline = std::min(deadline, r.process->job.not_after);
    }
    if (r.next && r.next->action != ResourceAction::kStop) {
      deadline = std::min(deadline, r.next->not_after);
    }
    if (!r.process && !stopping_) deadline = std::min(deadline, r.check_at);
  }
  return deadline;
}

std::vector<ResourceStatus> Executor::Statuses() const {
  std::vector<ResourceStatus> statuses;
  for (const Resource& r : resources_) statuses.push_back(r.published);
  return statuses;
}

bool Executor::IsQuiesced() const {
  return stopping_ && std::all_of(resources_.begin(), resources_.end(), [](const Resource& r) {
           return r.status.state == ResourceState::kStopped;
         });
}

Executor::Resource* Executor::Find(const std::string& id) {
  const auto found = std::find_if(resources_.begin(), resources_.end(),
                                  [&](const Resource& r) { return r.primitive.id == id; });
  return found == resources_.end() ? nullptr : &*found;
}

void Executor::On(const Begin&) {
  for (Resource& r : resources_) {
    if (r.status.state == ResourceState::kUnknown) r.check_at = now_;
  }
}

void Executor::On(const Order& order) {
  const Job job{order.action, order.operation, order.term, order.not_after};
  Resource* r = Find(order.resource);
  if (r == nullptr || order.action == ResourceAction::kMonitor) {
    effects_.push_back(OrderDone{
        order.operation, order.term, order.resource, order.action, {Outcome::Kind::kRefused, 0}});
    return;
  }
  if (order.action == ResourceAction::kStop) {
    if (r->next) Answer(*r, *r->next, {Outcome::Kind::kSuperseded, 0});
    Kill(*r, Outcome::Kind::kSuperseded);
    r->next = job;
    return;
  }
  const bool behind_change = r->process && (r->process->job.action == ResourceAction::kStart ||
                                            r->process->job.action == ResourceAction::kStop);
  if (r->next || behind_change) {
    Answer(*r, job, {Outcome::Kind::kRefused, 0});
  } else {
    r->next = job;
  }
}

void Executor::On(const Authority& grant) {
  for (Resource& r : resources_) {
    if (r.process && r.process->job.term == grant.term) r.process->job.not_after = grant.not_after;
    if (r.next && r.next->term == grant.term) r.next->not_after = grant.not_after;
  }
}

void Executor::On(const Revoke&) {
  for (Resource& r : resources_) {
    if (r.process) r.process->job.not_after = now_;
    if (r.next) r.next->not_after = now_;
  }
}

void Executor::On(const ProcessEnded& ended) {
  const auto found = std::find_if(resources_.begin(), resources_.end(), [&](const Resource& r) {
    return r.process && r.process->number == ended.process;
  });
  if (found == resources_.end()) return;
  const Process process = *found->process;
  found->process.reset();
  // It may have been condemned in this very step; it needs no killing any more.
  std::erase_if(effects_, [&](const Effect& effect) {
    const auto* kill = std::get_if<KillProcess>(&effect);
    return kill != nullptr && kill->process == ended.process;
  });
  const Outcome outcome = process.doomed ? Outcome{*process.doomed, 0} : OutcomeOf(ended);
  Finish(*found, process, outcome, !process.doomed && ended.missing);
}

void Executor::On(const Tick&) {}

void Executor::On(const StopAll&) {
  stopping_ = true;
  reported_ = false;
  for (Resource& r : resources_) {
    r.stop_tried = false;
    Kill(r, Outcome::Kind::kSuperseded);
  }
}

void Executor::On(const Resume&) { stopping_ = false; }

void Executor::On(const Forget& event) {
  Resource* r = Find(event.resource);
  if (r == nullptr) return;
  r->status.fail_count = 0;
  r->status.start_failed = r->status.unfit = false;
  r->status.failure = {};
  const ResourceState state = r->status.state;
  if (r->process || state == ResourceState::kRunning) return;
  r->status.state = ResourceState::kUnknown;
  r->check_at = now_;
}

void Executor::CutOff() {
  for (Resource& r : resources_) {
    if (r.process && r.process->job.action == ResourceAction::kStart &&
        now_ >= r.process->job.not_after) {
      Kill(r, Outcome::Kind::kCutOff);
    }
    if (!r.next || r.next->action == ResourceAction::kStop) continue;
    if (now_ < r.next->not_after && !stopping_) continue;
    Answer(r, *r.next, {Outcome::Kind::kExpired, 0});
    r.next.reset();
  }
}

void Executor::Advance() {
  for (Resource& r : resources_) {
    if (!r.process && r.next) LaunchNext(r);
    if (r.process || stopping_ || now_ < r.check_at) continue;
    const bool running = r.status.state == ResourceState::kRunning;
    Launch(r, {running ? ResourceAction::kMonitor : ResourceAction::kProbe, 0, {}, kNever});
  }
  if (stopping_) AdvanceStopAll();
}

// The state may have changed while the job waited.
void Executor::LaunchNext(Resource& r) {
  const Job job = *r.next;
  r.next.reset();
  const ResourceState state = r.status.state;
  const bool fits = job.action == ResourceAction::kStop ||
                    (job.action == ResourceAction::kStart && state == ResourceState::kStopped) ||
                    (job.action == ResourceAction::kProbe && state == ResourceState::kUnknown);
  if (fits) {
    Launch(r, job);
  } else {
    Answer(r, job, {Outcome::Kind::kRefused, 0});
  }
}

void Executor::Launch(Resource& r, const Job& job) {
  r.process = Process{++last_process_, job, r.status.state, std::nullopt};
  r.check_at = kNever;
  if (job.action == ResourceAction::kStart) r.status.state = ResourceState::kStarting;
  if (job.action == ResourceAction::kStop) r.status.state = ResourceState::kStopping;
  AgentCommand command = MakeAgentCommand(r.primitive, job.action, ocf_root_);
  effects_.push_back(StartProcess{
      last_process_, r.primitive.id, job.action, std::move(command.path), std::move(command.argv),
      std::move(command.environment), now_ + TimeoutOf(r.primitive, job.action)});
}

// A stop is never killed by us: only its own time-out ends it.
void Executor::Kill(Resource& r, Outcome::Kind why) {
  if (!r.process || r.process->doomed || r.process->job.action == ResourceAction::kStop) return;
  r.process->doomed = why;
  effects_.push_back(KillProcess{r.process->number});
}

void Executor::Answer(const Resource& r, const Job& job, Outcome outcome) {
  if (job.operation == 0) return;
  effects_.push_back(OrderDone{job.operation, job.term, r.primitive.id, job.action, outcome});
}

void Executor::AdvanceStopAll() {
  bool waiting = false;
  for (std::size_t g = 0; g < groups_; ++g) waiting = StopNextOf(g) || waiting;
  if (!waiting && !reported_) ReportStopAll();
}

// Stops the last member of the group that is not known to be stopped; true: something is running.
bool Executor::StopNextOf(std::size_t group) {
  for (std::size_t i = resources_.size(); i-- > 0;) {
    Resource& r = resources_[i];
    if (r.group != group) continue;
    if (r.process) return true;
    if (r.status.state == ResourceState::kStopped || r.stop_tried) continue;
    r.stop_tried = true;
    Launch(r, {ResourceAction::kStop, 0, {}, kNever});
    return true;
  }
  return false;
}

void Executor::ReportStopAll() {
  reported_ = true;
  NotQuiesced left;
  for (const Resource& r : resources_) {
    if (r.status.state != ResourceState::kStopped) left.resources.push_back(r.primitive.id);
  }
  if (left.resources.empty()) {
    effects_.push_back(Quiesced{});
  } else {
    effects_.push_back(std::move(left));
  }
}

void Executor::Publish() {
  for (Resource& r : resources_) {
    const bool changing = r.process && r.process->job.action != ResourceAction::kMonitor;
    const bool probing = r.status.state == ResourceState::kUnknown && r.check_at != kNever;
    r.status.busy = changing || probing || r.next.has_value();
    if (r.status == r.published) continue;
    r.published = r.status;
    effects_.push_back(StatusChanged{r.status});
  }
}

void Executor::Finish(Resource& r, const Process& process, Outcome outcome, bool missing) {
  switch (process.job.action) {
    case ResourceAction::kStart:
      FinishStart(r, outcome, missing);
      break;
    case ResourceAction::kStop:
      FinishStop(r, process, outcome, missing);
      break;
    case ResourceAction::kProbe:
      FinishProbe(r, outcome, missing);
      break;
    case ResourceAction::kMonitor:
      FinishMonitor(r, outcome);
      break;
  }
  Answer(r, process.job, outcome);
}

void Executor::FinishStart(Resource& r, Outcome outcome, bool missing) {
  if (outcome.Succeeded()) return SetRunning(r);
  const bool ours =
      outcome.kind == Outcome::Kind::kCutOff || outcome.kind == Outcome::Kind::kSuperseded;
  const bool untouched =
      outcome.kind == Outcome::Kind::kNotExecuted || IsNotInstalled(outcome, missing);
  SetFailed(r, untouched ? ResourceState::kStopped : ResourceState::kFailed, ResourceAction::kStart,
            outcome, !ours);
  if (ours) return;  // no fault of the resource: it may be tried here again
  r.status.start_failed = true;
  r.status.unfit = r.status.unfit || missing;
}

void Executor::FinishStop(Resource& r, const Process& process, Outcome outcome, bool missing) {
  if (outcome.Succeeded()) {
    r.status.state = ResourceState::kStopped;
    reported_ = false;  // after a StopAll that failed an ordered stop may have been the last one
    return;
  }
  // Not installed and never seen active: as for a probe, there is nothing to stop.
  const bool nothing =
      process.before == ResourceState::kUnknown && IsNotInstalled(outcome, missing);
  if (nothing) return FinishProbe(r, outcome, missing);
  SetFailed(r, ResourceState::kStopFailed, ResourceAction::kStop, outcome, true);
}

void Executor::FinishProbe(Resource& r, Outcome outcome, bool missing) {
  if (outcome.Succeeded()) {
    SetRunning(r);
  } else if (Said(outcome, kOcfNotRunning)) {
    r.status.state = ResourceState::kStopped;
  } else if (IsNotInstalled(outcome, missing)) {
    SetFailed(r, ResourceState::kStopped, ResourceAction::kProbe, outcome, true);
    r.status.unfit = true;
  } else if (outcome.kind == Outcome::Kind::kSuperseded) {
    r.status.state = ResourceState::kUnknown;
  } else if (outcome.kind == Outcome::Kind::kNotExecuted) {
    r.status.state = ResourceState::kUnknown;
    r.check_at = now_ + kProbeRetry;
  } else {
    SetFailed(r, ResourceState::kFailed, ResourceAction::kProbe, outcome, true);
  }
}

void Executor::FinishMonitor(Resource& r, Outcome outcome) {
  if (outcome.Succeeded()) {
    r.check_at = now_ + r.primitive.monitor_interval;
  } else if (outcome.kind == Outcome::Kind::kSuperseded) {
    r.check_at = now_;  // should the stop never come: everything was to stop, and then resumed
  } else {
    SetFailed(r, ResourceState::kFailed, ResourceAction::kMonitor, outcome, true);
  }
}

void Executor::SetRunning(Resource& r) {
  r.status.state = ResourceState::kRunning;
  // At once: the first look after a start finds what the start itself did not.
  r.check_at = r.primitive.monitor_interval == Duration{} ? kNever : now_;
}

void Executor::SetFailed(Resource& r, ResourceState state, ResourceAction action, Outcome outcome,
                         bool counts) {
  r.status.state = state;
  r.status.failed_action = action;
  r.status.failure = outcome;
  r.check_at = kNever;
  if (counts) ++r.status.fail_count;
  r.status.unfit = r.status.unfit || (action != ResourceAction::kStop && SaysUnfit(outcome));
  Fact fact{Severity::kWarning, "resource-failed", {}};
  fact.With("resource", r.primitive.id).With("action", ToText(action));
  fact.With("outcome", ToText(outcome)).With("state", ToText(state));
  effects_.push_back(std::move(fact));
}

}  // namespace fencepost::executor
