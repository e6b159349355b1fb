#include "stonith/fencer.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::stonith {
namespace {

constexpr int kAgentDone = 0, kAgentOn = 0, kAgentOff = 2;

std::string_view Name(FenceAction action) {
  return action == FenceAction::kReboot ? "reboot" : "off";
}

Error TooLate(std::string what, const std::optional<Error>& last) {
  return {std::move(what),
          Cat("phase=run cause=deadline: not_after was reached before off was proved",
              last ? Cat("; before that: ", last->Text()) : ""),
          "decide anew, under a renewed lease"};
}

}  // namespace

std::string_view Name(Power power) {
  switch (power) {
    case Power::kOn:
      return "on";
    case Power::kOff:
      return "off";
    case Power::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<FencerEffect> Fencer::Step(MonoTime now, const FencerEvent& event) {
  FENCEPOST_CHECK(now >= now_);
  now_ = now;
  effects_.clear();
  if (const auto* fence = std::get_if<FenceAsked>(&event)) Ask(*fence);
  if (const auto* status = std::get_if<StatusAsked>(&event)) Ask(*status);
  if (const auto* ended = std::get_if<AgentEnded>(&event)) End(*ended);
  if (const auto* lost = std::get_if<RightsLost>(&event)) Lose(lost->term);
  Advance();
  PlanWakeUp();
  return std::move(effects_);
}

bool Fencer::MaySwitch() const {
  return std::any_of(operations_.begin(), operations_.end(),
                     [](const Operation& op) { return op.run != 0 && op.stage != Stage::kVerify; });
}

std::string Fencer::NodeName(NodeId node) const {
  const auto it = config_.node_names.find(node);
  return it == config_.node_names.end() ? Cat("node ", node) : it->second;
}

std::vector<const Device*> Fencer::DevicesOf(NodeId node) const {
  std::vector<const Device*> out;
  for (const Device& device : config_.devices) {
    if (device.config.targets.contains(node)) out.push_back(&device);
  }
  return out;
}

void Fencer::Note(Severity severity, std::string_view name, const Operation& op, std::string why) {
  Fact fact{severity, name, {}};
  fact.With("node", NodeName(op.node)).With("action", Name(op.action)).With("term", op.term);
  if (!why.empty()) fact.With("why", why);
  effects_.emplace_back(std::move(fact));
}

void Fencer::Ask(const FenceAsked& asked) {
  const std::string what = Cat("fencing ", NodeName(asked.node));
  const auto refuse = [&](std::string cause, std::string remedy) {
    effects_.emplace_back(FenceAnswer{asked.id, Error{what, std::move(cause), std::move(remedy)}});
  };
  if (now_ >= asked.not_after) {
    effects_.emplace_back(FenceAnswer{asked.id, TooLate(what, std::nullopt)});
    return;
  }
  if (lost_ && asked.term <= *lost_) {
    return refuse("phase=select cause=rights-lost: its term is over",
                  "the next coordinator decides");
  }
  if (DevicesOf(asked.node).empty()) {
    return refuse("phase=select cause=no-device: no fence device is configured for it",
                  "configure one, or confirm by hand that the node is off");
  }
  std::size_t waiting = 0;
  for (const Operation& op : operations_) waiting += op.waiters.size();
  if (waiting >= kMaxRequests) {
    return refuse("phase=select cause=busy: too many requests wait", "ask again");
  }
  for (Operation& op : operations_) {
    const bool same = op.node == asked.node && op.action == asked.action && op.term == asked.term;
    if (same && !op.off_proved) {
      op.waiters.push_back({asked.id, asked.not_after});
      op.not_after = std::max(op.not_after, asked.not_after);
      return;
    }
  }
  Operation op;
  op.node = asked.node;
  op.action = asked.action;
  op.term = asked.term;
  op.waiters.push_back({asked.id, asked.not_after});
  op.not_after = asked.not_after;
  op.record = {asked.node, asked.action, asked.term, now_, {}, false, {}};
  Note(Severity::kWarning, "fence-asked", op, "");
  operations_.push_back(std::move(op));
}

void Fencer::Ask(const StatusAsked& asked) {
  if (queries_.size() >= kMaxRequests) {
    effects_.emplace_back(
        StatusAnswer{asked.id, asked.node, Power::kUnknown, "too many queries wait", now_, now_});
    return;
  }
  queries_.push_back({asked, 0, 0, {}, ""});
  AskNextDevice(&queries_.back());
}

// An operation whose right ends while its agent lives is answered at once; the agent is killed by
// its kill_at, and the operation is kept until that end is known.
void Fencer::ExpireWaiters(Operation* op) {
  std::erase_if(op->waiters, [&](const Waiter& w) {
    if (now_ < w.not_after) return false;
    effects_.emplace_back(
        FenceAnswer{w.id, TooLate(Cat("fencing ", NodeName(op->node)), op->last_error)});
    return true;
  });
}

void Fencer::Lose(Term term) {
  lost_ = lost_ ? std::max(*lost_, term) : term;
  for (Operation& op : operations_) {
    if (op.term > term) continue;
    AnswerAll(&op, Error{Cat("fencing ", NodeName(op.node)),
                         "phase=run cause=rights-lost: the lease it was asked under is over",
                         "the next coordinator decides"});
    op.not_after = now_;
    if (op.run != 0) effects_.emplace_back(KillAgent{op.run});
  }
}

void Fencer::AnswerAll(Operation* op, const Result<Evidence>& result) {
  for (const Waiter& w : op->waiters) effects_.emplace_back(FenceAnswer{w.id, result});
  op->waiters.clear();
}

void Fencer::Advance() {
  for (Operation& op : operations_) ExpireWaiters(&op);
  std::erase_if(operations_, [&](Operation& op) {
    const bool over =
        op.run == 0 && op.waiters.empty() && (now_ >= op.not_after || op.stage == Stage::kIdle);
    if (over) Finish(&op);
    return over;
  });
  std::vector<NodeId> busy;  // operations of one node go one after the other, the oldest first
  for (Operation& op : operations_) {
    const bool first = std::find(busy.begin(), busy.end(), op.node) == busy.end();
    if (first && op.run == 0) AdvanceOne(&op);
    busy.push_back(op.node);
  }
}

void Fencer::AdvanceOne(Operation* op) {
  FENCEPOST_CHECK(now_ < op->not_after);  // or it would have been finished
  const auto devices = DevicesOf(op->node);
  switch (op->stage) {
    case Stage::kIdle:
      if (!op->waiters.empty() && now_ >= op->retry_at) {
        Attempt(op, *devices[op->device], Stage::kOff);
      }
      return;
    case Stage::kVerify:
    case Stage::kOn:
      return Attempt(op, *devices[op->device], op->stage);
    case Stage::kOff:
      return;
  }
}

void Fencer::Attempt(Operation* op, const Device& device, Stage stage) {
  op->stage = stage;
  op->run_begun = now_;
  if (stage == Stage::kOff) {
    op->off_begun = now_;
    op->run = Start(device, op->node, "off", now_ + device.off_limit, op->not_after);
  } else if (stage == Stage::kVerify) {
    op->run = Start(device, op->node, "status", now_ + device.status_limit, op->not_after);
  } else {
    op->run = Start(device, op->node, "on", now_ + device.on_limit, op->not_after);
  }
}

RunId Fencer::Start(const Device& device, NodeId node, std::string_view action, MonoTime limit,
                    MonoTime not_after) {
  StartAgent start;
  start.run = next_run_++;
  start.device = device.config.id;
  start.agent = device.config.agent;
  start.action = action;
  start.stdin_text = AgentInput(device, node, NodeName(node), action, not_after);
  start.kill_at = std::min(limit, not_after);
  effects_.emplace_back(start);
  return start.run;
}

void Fencer::End(const AgentEnded& ended) {
  for (auto it = queries_.begin(); it != queries_.end(); ++it) {
    if (it->run != ended.run) continue;
    EndQuery(&*it, ended);
    return;
  }
  for (Operation& op : operations_) {
    if (op.run != ended.run || ended.run == 0) continue;
    op.run = 0;
    const auto* device = DevicesOf(op.node)[op.device];
    const char* action = op.stage == Stage::kOff      ? "off"
                         : op.stage == Stage::kVerify ? "status"
                                                      : "on";
    op.record.phases.push_back({device->config.id, action, op.run_begun, now_, ""});
    if (op.stage == Stage::kOff) return EndOff(&op, ended);
    if (op.stage == Stage::kVerify) return EndVerify(&op, ended);
    return EndOn(&op, ended);
  }
}

void Fencer::EndOff(Operation* op, const AgentEnded& ended) {
  const Device* device = DevicesOf(op->node)[op->device];
  if (ended.started && !ended.killed && ended.exit_code == kAgentDone) {
    op->record.phases.back().verdict = "done";
    op->stage = Stage::kVerify;
    return;
  }
  AttemptFailed(
      op, AgentError(Cat("device ", device->config.id, ", off of ", NodeName(op->node)), ended));
}

void Fencer::EndVerify(Operation* op, const AgentEnded& ended) {
  const Device* device = DevicesOf(op->node)[op->device];
  const std::string what = Cat("device ", device->config.id, ", status of ", NodeName(op->node));
  if (!ended.started || ended.killed) return AttemptFailed(op, AgentError(what, ended));
  if (ended.exit_code == kAgentOn) {
    return AttemptFailed(op, {what, "phase=verify cause=wrong-state: the machine is on after off",
                              "look at the machine and its power device"});
  }
  if (ended.exit_code != kAgentOff) return AttemptFailed(op, AgentError(what, ended));
  op->record.phases.back().verdict = "off";
  op->record.proved_off = op->off_proved = true;
  Note(Severity::kWarning, "fence-proved", *op, Cat("off by ", device->config.id));
  AnswerAll(op, Evidence{op->node, device->config.id, op->off_begun, op->run_begun, now_});
  op->stage = op->action == FenceAction::kReboot ? Stage::kOn : Stage::kIdle;
}

// The node was proved to be off: that it does not come back harms nobody.
void Fencer::EndOn(Operation* op, const AgentEnded& ended) {
  op->stage = Stage::kIdle;
  if (ended.started && !ended.killed && ended.exit_code == kAgentDone) {
    op->record.phases.back().verdict = "done";
    return;
  }
  const Error error = AgentError(Cat("power on of ", NodeName(op->node)), ended);
  op->record.phases.back().verdict = error.cause;
  Note(Severity::kWarning, "fence-on-failed", *op, error.Text());
}

void Fencer::AttemptFailed(Operation* op, Error error) {
  op->record.phases.back().verdict = error.cause;
  Note(Severity::kError, "fence-attempt-failed", *op, error.Text());
  op->last_error = error;
  op->stage = Stage::kIdle;
  const auto devices = DevicesOf(op->node);
  const Device& device = *devices[op->device];
  op->retry_at = now_ + device.retry_gap;
  if (++op->attempt < device.attempts) return;
  op->attempt = 0;
  if (++op->device < devices.size()) return;
  op->device = 0;
  AnswerAll(op, std::move(error));
}

void Fencer::Finish(Operation* op) {
  op->record.ended = now_;
  if (!op->off_proved) {
    Note(Severity::kError, "fence-failed", *op, op->last_error ? op->last_error->Text() : "");
  }
  history_.push_back(std::move(op->record));
  if (history_.size() > kMaxHistory) history_.pop_front();
}

void Fencer::AskNextDevice(Query* query) {
  const auto devices = DevicesOf(query->asked.node);
  if (query->device < devices.size() && now_ < query->asked.not_after) {
    const Device& device = *devices[query->device];
    query->begun = now_;
    query->run = Start(device, query->asked.node, "status", now_ + device.status_limit,
                       query->asked.not_after);
    return;
  }
  if (devices.empty()) query->reason = "no fence device is configured for it";
  if (query->reason.empty()) query->reason = "no time was left to ask";
  const RequestId id = query->asked.id;
  effects_.emplace_back(
      StatusAnswer{id, query->asked.node, Power::kUnknown, query->reason, query->begun, now_});
  std::erase_if(queries_, [id](const Query& q) { return q.asked.id == id; });
}

void Fencer::EndQuery(Query* query, const AgentEnded& ended) {
  const bool answered = ended.started && !ended.killed &&
                        (ended.exit_code == kAgentOn || ended.exit_code == kAgentOff);
  if (answered) {
    const Power power = ended.exit_code == kAgentOff ? Power::kOff : Power::kOn;
    effects_.emplace_back(
        StatusAnswer{query->asked.id, query->asked.node, power, "", query->begun, now_});
    std::erase_if(queries_, [&](const Query& q) { return q.run == ended.run; });
    return;
  }
  const auto devices = DevicesOf(query->asked.node);
  query->reason = AgentError(Cat("device ", devices[query->device]->config.id), ended).Text();
  query->run = 0;
  ++query->device;
  AskNextDevice(query);
}

void Fencer::PlanWakeUp() {
  MonoTime next = kNever;
  for (const Operation& op : operations_) {
    for (const Waiter& w : op.waiters) next = std::min(next, w.not_after);
    if (op.run == 0) next = std::min(next, op.not_after);
    if (op.run == 0 && op.stage == Stage::kIdle && op.retry_at > now_) {
      next = std::min(next, op.retry_at);
    }
  }
  if (next != kNever) effects_.emplace_back(WakeAt{std::max(next, now_)});
}

}  // namespace fencepost::stonith
