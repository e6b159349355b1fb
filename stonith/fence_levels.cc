// One operation: levels, outlets, proof, and power on again.
#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "stonith/fencer.h"

namespace fencepost::stonith {
namespace {

constexpr int kAgentDone = 0, kAgentOn = 0, kAgentOff = 2;

bool Done(const AgentEnded& ended) {
  return ended.started && !ended.killed && ended.exit_code == kAgentDone;
}

}  // namespace

void Fencer::AdvanceOperation(Operation* op) {
  if (op->stage == Stage::kOff) AdvanceLevels(op);
  if (op->stage == Stage::kCancel) {
    // What another level has begun ends first: a late off would undo the power on.
    for (LevelRun& level : op->levels) {
      for (OutletRun& outlet : level.outlets) KillRun(outlet.run);
    }
    if (!HasRun(*op)) {
      PrepareOn(op);
      op->stage = op->ons.empty() ? Stage::kEnded : Stage::kOn;
    }
  }
  if (op->stage == Stage::kOn) AdvanceOn(op);
}

MonoTime Fencer::OverlapAt(const Operation& op, std::size_t index) const {
  const Duration share = (op.not_after - op.first_off) / static_cast<int>(op.levels.size());
  return op.first_off + static_cast<int>(index) * std::min(config_.overlap_after, share);
}

bool Fencer::LevelMayBegin(const Operation& op, std::size_t index) const {
  if (op.waiters.empty()) return false;
  const bool all_failed =
      std::all_of(op.levels.begin(), op.levels.begin() + static_cast<std::ptrdiff_t>(index),
                  [](const LevelRun& level) { return level.failed; });
  if (all_failed) return true;
  if (now_ < OverlapAt(op, index)) return false;
  return std::none_of(op.levels.begin(), op.levels.begin() + static_cast<std::ptrdiff_t>(index),
                      [&](const LevelRun& before) {
                        return !before.failed && ShareADevice(before.plan, op.levels[index].plan);
                      });
}

void Fencer::AdvanceLevels(Operation* op) {
  if (!op->levels[0].begun) op->first_off = now_;
  for (std::size_t i = 0; i < op->levels.size() && op->stage == Stage::kOff; ++i) {
    LevelRun& level = op->levels[i];
    if (!level.begun && !LevelMayBegin(*op, i)) break;
    level.begun = true;
    if (!level.failed) AdvanceLevel(op, &level);
  }
  const bool all_failed = std::all_of(op->levels.begin(), op->levels.end(),
                                      [](const LevelRun& level) { return level.failed; });
  if (!all_failed) return;
  if (op->partial) {
    AnswerAll(op, *op->partial);
  } else {
    AnswerAll(op, *op->last_error);
  }
  if (!HasRun(*op)) op->stage = Stage::kEnded;
}

// All off; and only then, for each outlet, a status run that begins after the last off ended.
void Fencer::AdvanceLevel(Operation* op, LevelRun* level) {
  const bool all_off = std::all_of(level->outlets.begin(), level->outlets.end(),
                                   [](const OutletRun& outlet) { return outlet.off_done; });
  for (OutletRun& outlet : level->outlets) {
    if (outlet.run != 0 || now_ < outlet.retry_at) continue;
    const FenceDevice& device = DeviceOf(outlet.outlet).config;
    if (!outlet.off_done) {
      if (op->waiters.empty()) continue;
      outlet.run = Start(outlet.outlet, op->node, "off", RunKind::kSwitch, device.off_timeout,
                         op->not_after);
      if (outlet.run == 0) continue;
      outlet.verifying = false;
      outlet.off_begun = now_;
      shot_[op->node] = now_;
    } else if (all_off && !outlet.verified) {
      outlet.run = Start(outlet.outlet, op->node, "status", RunKind::kVerify, device.status_timeout,
                         op->not_after);
      if (outlet.run == 0) continue;
      outlet.verifying = true;
      outlet.verify_begun = now_;
    }
    outlet.run_begun = now_;
  }
}

bool Fencer::EndOfOperation(Operation* op, const AgentEnded& ended) {
  for (LevelRun& level : op->levels) {
    for (OutletRun& outlet : level.outlets) {
      if (outlet.run != ended.run) continue;
      outlet.run = 0;
      op->record.phases.push_back(
          {outlet.outlet.name, outlet.verifying ? "status" : "off", outlet.run_begun, now_, ""});
      EndOutlet(op, &level, &outlet, ended);
      return true;
    }
  }
  for (OnRun& on : op->ons) {
    if (on.run != ended.run) continue;
    on.run = 0;
    op->record.phases.push_back({on.outlet.name, "on", on.run_begun, now_, ""});
    EndOn(op, &on, ended);
    return true;
  }
  return false;
}

void Fencer::EndOutlet(Operation* op, LevelRun* level, OutletRun* outlet, const AgentEnded& ended) {
  std::string& verdict = op->record.phases.back().verdict;
  if (level->failed || op->stage != Stage::kOff) {  // it does not matter any more
    verdict = "ended early";
    if (!level->failed && !outlet->verifying) outlet->may_be_off = true;
    return;
  }
  const std::string what = Cat("device ", outlet->outlet.name, ", ",
                               outlet->verifying ? "status" : "off", " of ", NodeName(op->node));
  if (!outlet->verifying) {
    if (!Done(ended)) return OutletFailed(op, level, outlet, AgentError(what, ended));
    verdict = "done";
    outlet->off_done = outlet->may_be_off = true;
    return;
  }
  if (!ended.started || ended.killed) {
    return OutletFailed(op, level, outlet, AgentError(what, ended));
  }
  if (ended.exit_code == kAgentOn) {
    return OutletFailed(op, level, outlet,
                        {what, "phase=verify cause=wrong-state: the machine is on after off",
                         "look at the machine and its power device"});
  }
  if (ended.exit_code != kAgentOff) {
    return OutletFailed(op, level, outlet, AgentError(what, ended));
  }
  verdict = "off";
  outlet->verified = true;
  const bool all = std::all_of(level->outlets.begin(), level->outlets.end(),
                               [](const OutletRun& each) { return each.verified; });
  if (all) LevelProved(op, level);
}

// What was verified before is verified again: all must be off at one time.
void Fencer::OutletFailed(Operation* op, LevelRun* level, OutletRun* outlet, Error error) {
  op->record.phases.back().verdict = error.cause;
  Note(Severity::kError, "fence-attempt-failed", *op, error.Text());
  op->last_error = error;
  outlet->off_done = false;
  for (OutletRun& each : level->outlets) each.verified = false;
  const Device& device = DeviceOf(outlet->outlet);
  outlet->retry_at = now_ + device.retry_gap;
  if (++outlet->attempt >= device.config.off_attempts) LevelFailed(op, level, error);
}

void Fencer::LevelFailed(Operation* op, LevelRun* level, const Error& error) {
  level->failed = true;
  for (const OutletRun& outlet : level->outlets) KillRun(outlet.run);
  if (op->levels.size() > 1) {
    Note(Severity::kWarning, "fence-level-failed", *op,
         Cat("level ", level->plan.index, ": ", error.cause));
  }
}

Evidence Fencer::EvidenceOf(const Operation& op, const LevelRun& level) const {
  Evidence evidence;
  evidence.node = op.node;
  evidence.coverage = level.plan.coverage;
  evidence.off_begun_at = evidence.begun_at = kNever;
  for (const OutletRun& outlet : level.outlets) {
    evidence.device += Cat(evidence.device.empty() ? "" : " + ", outlet.outlet.name);
    evidence.off_begun_at = std::min(evidence.off_begun_at, outlet.off_begun);
    evidence.begun_at = std::min(evidence.begun_at, outlet.verify_begun);
  }
  evidence.ended_at = now_;
  return evidence;
}

// What proves less than is needed is kept for the answer, and the next level has its turn.
void Fencer::LevelProved(Operation* op, LevelRun* level) {
  const Evidence evidence = EvidenceOf(*op, *level);
  const bool enough = evidence.coverage.Covers(op->needed);
  Note(Severity::kWarning, enough ? "fence-proved" : "fence-proved-in-part", *op,
       Cat("off by ", evidence.device, ", covers the ", ToText(evidence.coverage)));
  if (!enough) {
    if (!op->partial || evidence.coverage.Covers(op->partial->coverage)) op->partial = evidence;
    const std::string less =
        Cat("proves its ", ToText(evidence.coverage), " off; ", ToText(op->needed), " is needed");
    op->last_error = Error{Cat("level ", level->plan.index),
                           Cat("phase=verify cause=scope: ", less), "add a power device"};
    return LevelFailed(op, level, *op->last_error);
  }
  level->proved = true;
  op->record.proved_off = true;
  op->record.level = level->plan.index;
  AnswerAll(op, evidence);
  op->stage = Stage::kCancel;
}

bool Fencer::IsLeftOff(NodeId node) {
  auto& proofs = proofs_[node];
  proofs.push_back(now_);
  while (proofs.size() > kMaxReboots) proofs.pop_front();
  return proofs.size() == kMaxReboots && now_ - proofs.front() < kLoopWindow;
}

void Fencer::PrepareOn(Operation* op) {
  if (op->action != FenceAction::kReboot) return;
  if (IsLeftOff(op->node)) {
    Note(Severity::kError, "fence-left-off", *op,
         Cat("it was fenced ", kMaxReboots, " times within ", kLoopWindow,
             ": it stays off until somebody looks"));
    return;
  }
  const bool node_was_off =
      std::any_of(op->levels.begin(), op->levels.end(),
                  [](const LevelRun& level) { return level.proved && level.plan.coverage.node; });
  for (const LevelRun& level : op->levels) {
    for (const OutletRun& outlet : level.outlets) {
      const bool power = DeviceOf(outlet.outlet).config.scope == FenceScope::kNode;
      if (!outlet.may_be_off || (!power && !node_was_off)) continue;
      const bool twice = std::any_of(op->ons.begin(), op->ons.end(),
                                     [&](const OnRun& on) { return on.outlet == outlet.outlet; });
      if (twice) continue;
      OnRun on;
      on.outlet = outlet.outlet;
      on.wave = level.proved ? 0 : 1;
      op->ons.push_back(std::move(on));
    }
  }
}

void Fencer::AdvanceOn(Operation* op) {
  const bool first_wave = std::any_of(op->ons.begin(), op->ons.end(),
                                      [](const OnRun& on) { return on.wave == 0 && !on.ended; });
  for (OnRun& on : op->ons) {
    if (on.ended || on.run != 0 || now_ < on.retry_at || (first_wave && on.wave != 0)) continue;
    on.run = Start(on.outlet, op->node, "on", RunKind::kSwitch,
                   DeviceOf(on.outlet).config.on_timeout, op->not_after);
    on.run_begun = now_;
  }
  const bool over =
      std::all_of(op->ons.begin(), op->ons.end(), [](const OnRun& on) { return on.ended; });
  if (!over) return;
  op->stage = Stage::kEnded;
  if (!op->unfence) return;
  const bool ok =
      std::all_of(op->ons.begin(), op->ons.end(), [](const OnRun& on) { return on.ok; });
  if (ok) return AnswerAll(op, Evidence{});
  AnswerAll(op, *op->last_error);
}

// After a fence the node was proved to be off: that it does not come back harms nobody.
void Fencer::EndOn(Operation* op, OnRun* on, const AgentEnded& ended) {
  if (Done(ended)) {
    op->record.phases.back().verdict = "done";
    on->ended = on->ok = true;
    return;
  }
  const Device& device = DeviceOf(on->outlet);
  const int attempts = op->unfence ? device.config.off_attempts : 1;
  Error error =
      AgentError(Cat("device ", on->outlet.name, ", power on of ", NodeName(op->node)), ended);
  op->record.phases.back().verdict = error.cause;
  on->retry_at = now_ + device.retry_gap;
  if (++on->attempt < attempts) return;
  on->ended = true;
  Note(Severity::kWarning, op->unfence ? "unfence-failed" : "fence-on-failed", *op, error.Text());
  op->last_error = std::move(error);
}

void Fencer::WakeForOperation(const Operation& op, MonoTime* next) const {
  const auto wake = [&](MonoTime when) {
    if (when > now_) *next = std::min(*next, when);
  };
  for (std::size_t i = 0; i < op.levels.size(); ++i) {
    const LevelRun& level = op.levels[i];
    if (!level.begun && op.stage == Stage::kOff) wake(OverlapAt(op, i));
    for (const OutletRun& outlet : level.outlets) {
      if (outlet.run == 0) wake(outlet.retry_at);
    }
  }
  for (const OnRun& on : op.ons) {
    if (on.run == 0) wake(on.retry_at);
  }
}

}  // namespace fencepost::stonith
