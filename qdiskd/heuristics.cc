#include "qdiskd/heuristics.h"

#include <algorithm>
#include <limits>

namespace fencepost::qdiskd {
namespace {

// One for each interval that it took, at least one.
std::uint32_t MissesOf(Duration took, Duration interval) {
  const auto whole = std::max<std::int64_t>(1, (took + interval - Duration(1)) / interval);
  return static_cast<std::uint32_t>(std::min<std::int64_t>(whole, config::kMaxHeuristicTko));
}

std::uint32_t Add(std::uint32_t a, std::uint32_t b) {
  return a > std::numeric_limits<std::uint32_t>::max() - b ? a : a + b;
}

}  // namespace

std::string_view Name(HeuristicState state) {
  switch (state) {
    case HeuristicState::kUnknown:
      return "unknown";
    case HeuristicState::kUp:
      return "up";
    case HeuristicState::kDown:
      return "down";
  }
  return "?";
}

Heuristics::Heuristics(config::FitnessConfig config, MonoTime started)
    : config_(std::move(config)),
      all_(config_.heuristics.size()),
      fit_(config_.heuristics.empty()) {
  for (One& one : all_) one.next = started;
}

HeuristicsEffects Heuristics::Step(MonoTime now, const HeuristicsEvent& event) {
  out_ = {};
  if (const auto* ended = std::get_if<event::RunEnded>(&event)) Ended(now, *ended);
  for (std::size_t i = 0; i < all_.size(); ++i) Advance(now, i);
  Judge();
  SetWake();
  return std::move(out_);
}

HeuristicsEffects Heuristics::Reload(MonoTime now, config::FitnessConfig config) {
  out_ = {};
  std::vector<One> all(config.heuristics.size());
  std::vector<bool> taken(all_.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].next = now;
    for (std::size_t old = 0; old < all_.size(); ++old) {
      if (taken[old] || config_.heuristics[old].program != config.heuristics[i].program) continue;
      taken[old] = true;
      all[i] = std::move(all_[old]);
      all[i].next = std::min(all[i].next, now + config.heuristics[i].interval);
      break;
    }
  }
  for (std::size_t old = 0; old < all_.size(); ++old) {
    if (!taken[old] && all_[old].run) out_.kills.push_back(all_[old].run->id);
  }
  all_ = std::move(all);
  config_ = std::move(config);
  for (std::size_t i = 0; i < all_.size(); ++i) Advance(now, i);
  Judge();
  SetWake();
  return std::move(out_);
}

void Heuristics::Ended(MonoTime now, const event::RunEnded& e) {
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [&](const One& one) { return one.run && one.run->id == e.run; });
  if (found == all_.end()) return;  // of a heuristic that is gone
  const auto index = static_cast<std::size_t>(found - all_.begin());
  const Run run = *found->run;
  found->run.reset();
  if (run.given_up) return;
  found->last = e.how;
  found->last_at = now;
  if (e.ok) return Succeeded(index);
  Failed(index, MissesOf(now - run.started, config_.heuristics[index].interval));
}

void Heuristics::Advance(MonoTime now, std::size_t index) {
  One& one = all_[index];
  const config::HeuristicConfig& config = config_.heuristics[index];
  if (one.run && !one.run->given_up && now >= one.run->kill_at + kHeuristicKillGrace) {
    one.run->given_up = true;
    one.last = "was killed and does not end";
    one.last_at = now;
    one.next = now + config.interval;
    Failed(index, MissesOf(now - one.run->started, config.interval));
  } else if (one.run && one.run->given_up && now >= one.next) {
    one.next = now + config.interval;
    Failed(index, 1);
  }
  if (one.run || now < one.next) return;
  one.run = Run{++last_run_, now, now + config.timeout};
  one.next = now + config.interval;
  out_.runs.push_back({one.run->id, config.program, one.run->kill_at});
}

void Heuristics::Succeeded(std::size_t index) {
  One& one = all_[index];
  one.misses = 0;
  one.hits = Add(one.hits, 1);
  const bool first = one.state == HeuristicState::kUnknown;
  if (one.state == HeuristicState::kUp) return;
  if (!first && one.hits < config_.heuristics[index].tko_up) return;
  one.state = HeuristicState::kUp;
  Say(Severity::kNotice, "heuristic-up").With("heuristic", config_.heuristics[index].name);
}

void Heuristics::Failed(std::size_t index, std::uint32_t misses) {
  One& one = all_[index];
  one.hits = 0;
  one.misses = Add(one.misses, misses);
  const bool first = one.state == HeuristicState::kUnknown;
  if (one.state == HeuristicState::kDown) return;
  if (!first && one.misses < config_.heuristics[index].tko) return;
  one.state = HeuristicState::kDown;
  Say(Severity::kWarning, "heuristic-down")
      .With("heuristic", config_.heuristics[index].name)
      .With("why", one.last)
      .With("misses", one.misses);
}

std::int32_t Heuristics::Score() const {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].state == HeuristicState::kUp) sum += config_.heuristics[i].score;
  }
  return sum;
}

void Heuristics::Judge() {
  const std::int32_t score = Score();
  std::int32_t possible = score;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].state == HeuristicState::kUnknown) possible += config_.heuristics[i].score;
  }
  const bool least = score >= config_.min_score, most = possible >= config_.min_score;
  if (least != most || least == fit_) return;
  fit_ = least;
  Say(fit_ ? Severity::kNotice : Severity::kError, fit_ ? "node-fit" : "node-unfit")
      .With("score", score)
      .With("highest", config_.Highest())
      .With("min_score", config_.min_score);
}

void Heuristics::SetWake() {
  for (const One& one : all_) {
    const bool waits = one.run && !one.run->given_up;
    out_.wake_at =
        std::min(out_.wake_at, waits ? one.run->kill_at + kHeuristicKillGrace : one.next);
  }
}

Fitness Heuristics::View(MonoTime now) const {
  Fitness out{Score(), config_.Highest(), config_.min_score, fit_, {}};
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const One& one = all_[i];
    const Duration age = one.last.empty() ? Duration() : now - one.last_at;
    out.heuristics.push_back(
        {config_.heuristics[i].name, one.state, config_.heuristics[i].score, one.last, age});
  }
  return out;
}

Fact& Heuristics::Say(Severity severity, std::string_view name) {
  return out_.facts.emplace_back(Fact{severity, name, {}});
}

}  // namespace fencepost::qdiskd
