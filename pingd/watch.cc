#include "pingd/watch.h"

#include <algorithm>

#include "base/check.h"

namespace fencepost::ping {

std::string_view Name(TargetState state) {
  switch (state) {
    case TargetState::kUnknown:
      return "unknown";
    case TargetState::kUp:
      return "up";
    case TargetState::kDown:
      return "down";
  }
  return "?";
}

std::string_view Name(PublishReason reason) {
  switch (reason) {
    case PublishReason::kFirst:
      return "first";
    case PublishReason::kSettled:
      return "settled";
    case PublishReason::kHeld:
      return "held-too-long";
  }
  return "?";
}

Watch::Watch(config::PingConfig config)
    : config_(std::move(config)),
      targets_(config_.targets.size()),
      score_(config_),
      dampener_(config_.dampen, config_.hold),
      unknown_(config_.targets.size()) {}

std::vector<Effect> Watch::Step(MonoTime now, const Event& event) {
  out_.clear();
  changed_ = false;
  std::visit([&](const auto& e) { On(now, e); }, event);
  if (changed_ && unknown_ == 0) Publish(dampener_.Observe(score_.value(), now));  // once a step
  return std::move(out_);
}

MonoTime Watch::NextWake() const {
  return std::min(due_.empty() ? kNever : due_.begin()->first, dampener_.NextWake());
}

std::optional<std::int64_t> Watch::RawScore() const {
  if (unknown_ > 0) return std::nullopt;
  return score_.value();
}

void Watch::SetDue(TargetIndex index, MonoTime due) {
  Target& target = targets_[index];
  due_.erase({target.due, index});
  target.due = due;
  due_.insert({due, index});
}

// Not all at once: a burst of hundreds of echoes would meet full queues and rate limits, and look
// like loss.
void Watch::On(MonoTime now, const Start&) {
  for (TargetIndex i = 0; i < targets_.size(); ++i) {
    Target& target = targets_[i];
    target.view.since = now;
    if (config_.targets[i].numeric) {
      target.addresses = {config_.targets[i].host};
      target.view.address = config_.targets[i].host;
    } else {
      target.resolving = true;
      out_.emplace_back(std::in_place_type<Resolve>, Resolve{i});
    }
    const Duration offset = kSlot * static_cast<std::int64_t>(i / kTargetsPerSlot);
    SetDue(i, now + std::min(offset, config_.interval / 2));
  }
}

void Watch::On(MonoTime now, const Tick&) {
  while (!due_.empty() && due_.begin()->first <= now) Attend(now, due_.begin()->second);
  Publish(dampener_.Tick(now));
}

void Watch::Attend(MonoTime now, TargetIndex index) {
  Target& target = targets_[index];
  if (target.resolve_at <= now) AskAgain(index);
  if (target.attempt == 0) {
    target.round_start = now;
    target.repeated = false;
    target.trouble.clear();
    target.sent.clear();
    target.attempt = 1;
    target.first_probe = last_probe_ + 1;
    Probe(now, index);
    return;
  }
  if (!target.repeated && now - target.due > config_.timeout / 2) {
    target.repeated = true;
    Probe(now, index);
    return;
  }
  if (target.attempt < config_.attempts) {
    ++target.attempt;
    Probe(now, index);
    return;
  }
  EndRound(now, index, false);
}

void Watch::Probe(MonoTime now, TargetIndex index) {
  Target& target = targets_[index];
  SetDue(index, now + config_.timeout);
  if (target.addresses.empty()) return;  // the round goes on: it may resolve in time
  const ProbeId probe = ++last_probe_;
  const auto left = static_cast<std::int64_t>(config_.attempts - target.attempt + 1);
  target.sent.emplace_back(probe, now);
  ++target.view.sent;
  target.view.address = target.addresses[target.address];
  out_.push_back(SendProbe{index, probe, target.view.address, now + left * config_.timeout});
}

void Watch::On(MonoTime now, const Answered& event) {
  if (event.target >= targets_.size()) return;
  Target& target = targets_[event.target];
  if (target.attempt == 0 || event.probe < target.first_probe) return;
  for (const auto& [probe, sent] : target.sent) {
    if (probe != event.probe) continue;
    target.view.rtt = now - sent;
    ++target.view.answered;
    EndRound(now, event.target, true);
    return;
  }
}

void Watch::On(MonoTime now, const Resolved& event) {
  if (event.target >= targets_.size()) return;
  Target& target = targets_[event.target];
  if (!target.resolving) return;
  target.resolving = false;
  const bool answers = target.view.state == TargetState::kUp && !event.addresses.empty();
  target.resolve_at = now + (answers ? kResolveAgain : kResolveAgainLost);
  if (event.addresses.empty()) {  // what it was called before is still the best we know
    target.unresolved = event.trouble.empty() ? "the name does not resolve" : event.trouble;
    return;
  }
  std::vector<std::string> found = event.addresses;
  if (found.size() > kMaxAddresses) found.resize(kMaxAddresses);
  const bool was_silent = target.addresses.empty();
  const std::string before = was_silent ? "" : target.addresses[target.address];
  const auto same = std::find(found.begin(), found.end(), before);
  target.address = same == found.end() ? 0 : static_cast<std::size_t>(same - found.begin());
  target.addresses = std::move(found);
  if (was_silent && target.attempt > 0) Probe(now, event.target);
}

void Watch::On(MonoTime, const Trouble& event) {
  if (event.target >= targets_.size()) return;
  Target& target = targets_[event.target];
  if (target.attempt == 0 || event.probe < target.first_probe) return;
  target.trouble = event.what;
}

void Watch::AskAgain(TargetIndex index) {
  Target& target = targets_[index];
  target.resolve_at = kNever;
  if (target.resolving) return;
  target.resolving = true;
  out_.emplace_back(std::in_place_type<Resolve>, Resolve{index});
}

void Watch::EndRound(MonoTime now, TargetIndex index, bool good) {
  Target& target = targets_[index];
  TargetView& view = target.view;
  target.attempt = 0;
  ++view.rounds;
  if (!good) {
    ++view.lost_rounds;
    if (target.addresses.empty()) target.trouble = target.unresolved;
    if (target.addresses.size() > 1) {  // the next of its addresses may answer
      target.address = (target.address + 1) % target.addresses.size();
    }
  }
  view.trouble = good ? "" : target.trouble;
  SetDue(index, std::max(now, target.round_start + config_.interval));
  const TargetState seen = good ? TargetState::kUp : TargetState::kDown;
  if (view.state == seen) {
    target.run = 0;
    return;
  }
  const std::uint32_t wanted = good ? config_.return_after : config_.lose_after;
  if (view.state == TargetState::kUnknown || ++target.run >= wanted) SetState(now, index, seen);
}

void Watch::SetState(MonoTime now, TargetIndex index, TargetState state) {
  Target& target = targets_[index];
  const bool first = target.view.state == TargetState::kUnknown;
  const Duration lasted = now - target.view.since;
  target.run = 0;
  target.view.state = state;
  target.view.since = now;
  if (first) --unknown_;
  const bool up = state == TargetState::kUp;
  score_.Set(index, up);
  if (!up && !config_.targets[index].numeric && !target.resolving) {
    target.resolve_at = std::min(target.resolve_at, now + kResolveAgainLost);
  }
  if (!first || !up) {
    Fact fact{up ? Severity::kNotice : Severity::kWarning,
              up ? "ping-target-back" : "ping-target-lost",
              {}};
    fact.With("target", config_.targets[index].name);
    if (!target.view.address.empty()) fact.With("address", target.view.address);
    if (!first) fact.With("after", lasted);
    if (!up) fact.With("cause", target.view.trouble.empty() ? "no answer" : target.view.trouble);
    out_.push_back(std::move(fact));
  }
  changed_ = true;
}

void Watch::Publish(const std::optional<Publication>& publication) {
  if (!publication) return;
  std::size_t up = 0;
  for (const Target& target : targets_) up += target.view.state == TargetState::kUp ? 1 : 0;
  const bool failed = publication->score < config_.failure_score;
  out_.push_back(Fact{failed ? Severity::kWarning : Severity::kNotice, "ping-score", {}}
                     .With("score", publication->score)
                     .With("because", std::string(Name(publication->reason)))
                     .With("answering", up)
                     .With("targets", targets_.size()));
  out_.emplace_back(std::in_place_type<Publication>, *publication);
}

}  // namespace fencepost::ping
