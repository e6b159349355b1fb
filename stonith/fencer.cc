// Requests, rights, and the book of runs.
#include "stonith/fencer.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::stonith {
namespace {

constexpr Term kAnyTerm = Term::FromValue(UINT64_MAX);  // above whatever was lost
constexpr std::string_view kDecideAnew = "decide anew, under a renewed lease";
constexpr std::string_view kNextDecides = "the next coordinator decides";

std::string_view Name(FenceAction action) {
  return action == FenceAction::kReboot ? "reboot" : "off";
}

Error TooLate(std::string what, const std::optional<Error>& last) {
  return {std::move(what),
          Cat("phase=run cause=deadline: not_after was reached before off was proved",
              last ? Cat("; before that: ", last->Text()) : ""),
          std::string(kDecideAnew)};
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

Fencer::Fencer(FencerConfig config) : config_(std::move(config)) {
  for (std::size_t i = 0; i < config_.devices.size(); ++i) {
    const FenceDevice& device = config_.devices[i].config;
    if (device.monitor_interval <= Duration()) continue;
    if (device.targets.size() == 1 && device.targets.contains(config_.self)) continue;
    watched_.push_back({i, 0, {}, {device.id, false, false, {}, ""}});
  }
}

std::vector<FencerEffect> Fencer::Step(MonoTime now, const FencerEvent& event) {
  FENCEPOST_CHECK(now >= now_);
  now_ = now;
  effects_.clear();
  if (const auto* fence = std::get_if<FenceAsked>(&event)) Ask(*fence);
  if (const auto* unfence = std::get_if<UnfenceAsked>(&event)) Ask(*unfence);
  if (const auto* status = std::get_if<StatusAsked>(&event)) Ask(*status);
  if (const auto* ended = std::get_if<AgentEnded>(&event)) End(*ended);
  if (const auto* lost = std::get_if<RightsLost>(&event)) Lose(lost->term);
  if (const auto* back = std::get_if<NodeIsBack>(&event)) shot_.erase(back->node);
  if (const auto* before = std::get_if<FencedBefore>(&event)) Remember(*before);
  Advance();
  PlanWakeUp();
  return std::move(effects_);
}

bool Fencer::MaySwitch() const {
  return std::any_of(live_.begin(), live_.end(),
                     [](const auto& run) { return run.second.kind == RunKind::kSwitch; });
}

std::string Fencer::NodeName(NodeId node) const {
  const auto it = config_.node_names.find(node);
  return it == config_.node_names.end() ? Cat("node ", node) : it->second;
}

void Fencer::Note(Severity severity, std::string_view name, const Operation& op, std::string why) {
  Fact fact{severity, name, {}};
  fact.With("node", NodeName(op.node)).With("action", op.record.what).With("term", op.term);
  if (!why.empty()) fact.With("why", why);
  effects_.emplace_back(std::move(fact));
}

std::optional<Error> Fencer::WhyRefused(NodeId node, Term term, MonoTime not_after) const {
  const std::string what = Cat("fencing ", NodeName(node));
  if (now_ >= not_after) return TooLate(what, std::nullopt);
  if (lost_ && term <= *lost_) {
    return Error{what, "phase=select cause=rights-lost: its term is over",
                 std::string(kNextDecides)};
  }
  std::size_t waiting = 0;
  for (const Operation& op : operations_) waiting += op.waiters.size();
  if (waiting >= kMaxRequests) {
    return Error{what, "phase=select cause=busy: too many requests wait", "ask again"};
  }
  return std::nullopt;
}

std::optional<Error> Fencer::WhyGuarded(NodeId node) const {
  const std::string what = Cat("fencing ", NodeName(node));
  if (node == config_.self) {
    return Error{what, "phase=select cause=self: a node does not fence itself",
                 "another node does it; this one stops what it runs"};
  }
  if (LevelsOf(config_, node).empty()) {
    return Error{what, "phase=select cause=no-device: no fence device is configured for it",
                 "configure one, or confirm by hand that the node is off"};
  }
  if (config_.guard_nodes == 0) return std::nullopt;
  std::map<NodeId, bool> shot{{node, true}};
  for (const auto& [other, when] : shot_) {
    if (now_ - when < kGuardWindow && other != config_.self) shot[other] = true;
  }
  for (const Operation& op : operations_) {
    if (!op.unfence) shot[op.node] = true;
  }
  if (static_cast<int>(shot.size()) * 2 <= config_.guard_nodes) return std::nullopt;
  std::string names;
  for (const auto& [other, yes] : shot) {
    if (other != node) names += Cat(names.empty() ? "" : ", ", NodeName(other));
  }
  return Error{what,
               Cat("phase=select cause=majority-guard: with ", names, ", fenced within the last ",
                   ToText(kGuardWindow), " and not back, it would be more than half of ",
                   config_.guard_nodes, " nodes"),
               "look at them: bring one back, or fence by hand with fence_node"};
}

// The same fence is told again and again, each time with the times of that message: of two accounts
// the one that knows more proofs is kept, and the later instants.
void Fencer::Remember(const FencedBefore& before) {
  if (before.off_begun) {
    const auto [at, fresh] = shot_.try_emplace(before.node, *before.off_begun);
    if (!fresh) at->second = std::max(at->second, *before.off_begun);
  }
  auto& proofs = proofs_[before.node];
  if (before.proved_off.size() >= proofs.size()) {
    proofs.assign(before.proved_off.rbegin(), before.proved_off.rend());
  }
}

std::vector<FencedBefore> Fencer::Fenced(MonoTime now) const {
  std::map<NodeId, FencedBefore> out;
  for (const auto& [node, when] : shot_) {
    if (now - when < kGuardWindow) out[node].off_begun = when;
  }
  for (const auto& [node, proofs] : proofs_) {
    for (auto when = proofs.rbegin(); when != proofs.rend(); ++when) {
      if (now - *when < kLoopWindow) out[node].proved_off.push_back(*when);
    }
  }
  std::vector<FencedBefore> all;
  for (auto& [node, before] : out) {
    before.node = node;
    all.push_back(std::move(before));
  }
  return all;
}

Fencer::Operation* Fencer::Join(NodeId node, bool unfence, FenceAction action, Term term,
                                Waiter waiter) {
  for (Operation& op : operations_) {
    const bool same = op.node == node && op.unfence == unfence && op.term == term &&
                      (unfence || op.action == action);
    if (!same || op.off_proved() || op.stage == Stage::kEnded) continue;
    op.waiters.push_back(waiter);
    op.not_after = std::max(op.not_after, waiter.not_after);
    return &op;
  }
  return nullptr;
}

Fencer::Operation& Fencer::Enter(NodeId node, Term term, Waiter waiter) {
  Operation op;
  op.node = node;
  op.term = term;
  op.waiters.push_back(waiter);
  op.not_after = waiter.not_after;
  op.record.node = node;
  op.record.term = term;
  op.record.asked = now_;
  operations_.push_back(std::move(op));
  return operations_.back();
}

void Fencer::Ask(const FenceAsked& asked) {
  auto refused = WhyRefused(asked.node, asked.term, asked.not_after);
  const Waiter waiter{asked.id, asked.not_after};
  if (!refused) {
    if (Operation* joined = Join(asked.node, false, asked.action, asked.term, waiter)) {
      return joined->needed.Add(asked.needed);
    }
  }
  if (!refused) refused = WhyGuarded(asked.node);
  if (refused) {
    effects_.emplace_back(FenceAnswer{asked.id, std::move(*refused)});
    return;
  }
  Operation& op = Enter(asked.node, asked.term, waiter);
  op.action = asked.action;
  op.needed = asked.needed;
  op.record.what = Name(asked.action);
  for (Level& level : LevelsOf(config_, asked.node)) {
    LevelRun run;
    for (const Outlet& outlet : level.outlets) run.outlets.emplace_back().outlet = outlet;
    run.plan = std::move(level);
    op.levels.push_back(std::move(run));
  }
  Note(Severity::kWarning, "fence-asked", op, "");
}

// The authority may be another's, under a lower term than one that this node lost.
void Fencer::Ask(const UnfenceAsked& asked) {
  auto refused = WhyRefused(asked.node, kAnyTerm, asked.not_after);
  const Waiter waiter{asked.id, asked.not_after};
  if (!refused && Join(asked.node, true, FenceAction::kOff, asked.term, waiter) != nullptr) return;
  if (refused) {
    effects_.emplace_back(UnfenceAnswer{asked.id, std::move(*refused)});
    return;
  }
  Operation& op = Enter(asked.node, asked.term, waiter);
  op.unfence = true;
  op.stage = Stage::kOn;
  op.record.what = "unfence";
  for (const Outlet& outlet : UnfencingOutlets(config_, asked.node)) {
    op.ons.emplace_back().outlet = outlet;
  }
}

void Fencer::Ask(const StatusAsked& asked) {
  if (queries_.size() >= kMaxRequests) {
    effects_.emplace_back(
        StatusAnswer{asked.id, asked.node, Power::kUnknown, "too many queries wait", now_, now_});
    return;
  }
  Query query;
  query.asked = asked;
  for (Level& level : LevelsOf(config_, asked.node)) {
    if (level.coverage.node) query.levels.push_back(std::move(level));
  }
  if (query.levels.empty()) query.reason = "no power device is configured for it";
  queries_.push_back(std::move(query));
  NextLevel(&queries_.back());
}

// An operation whose right ends while its agents live is answered at once; they are killed by
// their kill_at, and the operation is kept until their end is known.
void Fencer::ExpireWaiters(Operation* op) {
  std::erase_if(op->waiters, [&](const Waiter& w) {
    if (now_ < w.not_after) return false;
    Error error = TooLate(Cat("fencing ", NodeName(op->node)), op->last_error);
    if (op->unfence) {
      effects_.emplace_back(UnfenceAnswer{w.id, std::move(error)});
    } else {
      effects_.emplace_back(FenceAnswer{w.id, std::move(error)});
    }
    return true;
  });
}

void Fencer::Lose(Term term) {
  lost_ = lost_ ? std::max(*lost_, term) : term;
  for (Operation& op : operations_) {
    if (op.term > term) continue;
    AnswerAll(&op, Error{Cat("fencing ", NodeName(op.node)),
                         "phase=run cause=rights-lost: the lease it was asked under is over",
                         std::string(kNextDecides)});
    op.not_after = now_;
    for (const LevelRun& level : op.levels) {
      for (const OutletRun& outlet : level.outlets) KillRun(outlet.run);
    }
    for (const OnRun& on : op.ons) KillRun(on.run);
  }
}

void Fencer::AnswerAll(Operation* op, const Result<Evidence>& result) {
  for (const Waiter& w : op->waiters) {
    if (op->unfence) {
      effects_.emplace_back(
          UnfenceAnswer{w.id, result.ok() ? Status(Ok{}) : Status(result.error())});
    } else {
      effects_.emplace_back(FenceAnswer{w.id, result});
    }
  }
  op->waiters.clear();
}

bool Fencer::HasRun(const Operation& op) const {
  const auto runs = [](const auto& each) { return each.run != 0; };
  for (const LevelRun& level : op.levels) {
    if (std::any_of(level.outlets.begin(), level.outlets.end(), runs)) return true;
  }
  return std::any_of(op.ons.begin(), op.ons.end(), runs);
}

void Fencer::Advance() {
  for (Operation& op : operations_) ExpireWaiters(&op);
  std::vector<NodeId> busy;  // operations of one node go one after the other, the oldest first
  for (Operation& op : operations_) {
    op.moving = std::find(busy.begin(), busy.end(), op.node) == busy.end();
    if (op.moving && now_ < op.not_after) AdvanceOperation(&op);
    busy.push_back(op.node);
  }
  const std::size_t before = operations_.size();
  std::erase_if(operations_, [&](Operation& op) {
    const bool no_more = now_ >= op.not_after || op.stage == Stage::kEnded;
    const bool over = no_more && op.waiters.empty() && !HasRun(op);
    if (over) Finish(&op);
    return over;
  });
  if (operations_.size() != before) return Advance();  // the next one of its node begins
  for (Query& query : queries_) AdvanceQuery(&query);
  std::erase_if(queries_, [](const Query& query) { return query.over; });
  AdvanceMonitors();
}

// What gives way is killed and not waited for: no fence hangs on a process that does not die.
bool Fencer::MakeRoom(std::size_t device, RunKind kind) {
  const int limit = config_.devices[device].config.action_limit;
  if (limit <= 0) return true;
  int live = 0;
  RunId least = 0;
  for (const auto& [run, about] : live_) {
    if (about.device != device || about.ended_by_us) continue;
    ++live;
    const bool gives_way = about.kind > kind && about.kind >= RunKind::kQuery;
    if (gives_way && (least == 0 || about.kind > live_.at(least).kind)) least = run;
  }
  if (live < limit) return true;
  if (least == 0) return false;
  KillRun(least);
  return true;
}

void Fencer::KillRun(RunId run) {
  const auto live = live_.find(run);
  if (live == live_.end() || live->second.ended_by_us) return;
  live->second.ended_by_us = true;
  effects_.emplace_back(KillAgent{run});
}

RunId Fencer::Start(const Outlet& outlet, NodeId node, std::string_view action, RunKind kind,
                    Duration limit, MonoTime not_after) {
  if (now_ >= not_after || !MakeRoom(outlet.device, kind)) return 0;
  const Device& device = DeviceOf(outlet);
  StartAgent start;
  start.run = next_run_++;
  start.device = device.config.id;
  start.agent = device.config.agent;
  start.action = action;
  start.plug = outlet.plug;
  const std::string name = node == NodeId() ? "" : NodeName(node);
  start.stdin_text = AgentInput(device, outlet.plug, name, action, not_after);
  start.kill_at = std::min(now_ + limit, not_after);
  live_[start.run] = {outlet.device, kind, false};
  effects_.emplace_back(start);
  return start.run;
}

void Fencer::End(const AgentEnded& ended) {
  const auto live = live_.find(ended.run);
  if (live == live_.end()) return;
  const LiveRun about = live->second;
  live_.erase(live);
  if (about.kind == RunKind::kQuery) {
    EndOfQuery(ended, about.ended_by_us);
  } else if (about.kind == RunKind::kMonitor) {
    EndOfMonitor(ended, about.ended_by_us);
  } else {
    for (Operation& op : operations_) {
      if (EndOfOperation(&op, ended)) return;
    }
  }
}

void Fencer::Finish(Operation* op) {
  op->record.ended = now_;
  if (!op->off_proved() && !op->unfence) {
    Note(Severity::kError, "fence-failed", *op, op->last_error ? op->last_error->Text() : "");
  }
  history_.push_back(std::move(op->record));
  if (history_.size() > kMaxHistory) history_.pop_front();
}

void Fencer::PlanWakeUp() {
  MonoTime next = kNever;
  for (const Operation& op : operations_) {
    for (const Waiter& w : op.waiters) next = std::min(next, w.not_after);
    if (!HasRun(op)) next = std::min(next, op.not_after);
    if (op.moving) WakeForOperation(op, &next);
  }
  for (const Query& query : queries_) {
    if (query.asked.not_after > now_) next = std::min(next, query.asked.not_after);
  }
  for (const Watched& watched : watched_) {
    if (watched.run == 0) next = std::min(next, watched.next);
  }
  if (next != kNever) effects_.emplace_back(WakeAt{std::max(next, now_)});
}

}  // namespace fencepost::stonith
