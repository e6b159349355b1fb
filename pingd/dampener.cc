#include "pingd/dampener.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace fencepost::ping {

Dampener::Dampener(Duration dampen, Duration hold) : dampen_(dampen), hold_(hold) {
  FENCEPOST_CHECK(dampen >= Duration{} && hold >= dampen);
}

MonoTime Dampener::NextWake() const {
  if (!holding_) return kNever;
  return std::min(changes_.back().at + dampen_, hold_from_ + hold_);
}

std::optional<Publication> Dampener::Publish(std::int64_t score, PublishReason reason) {
  if (published_ == score) return std::nullopt;
  published_ = score;
  return Publication{score, reason};
}

std::optional<Publication> Dampener::Observe(std::int64_t raw, MonoTime now) {
  if (!published_) {
    changes_.push_back({now, raw});
    return Publish(raw, PublishReason::kFirst);
  }
  const std::optional<Publication> due = Tick(now);
  const std::int64_t before = changes_.back().score;
  if (raw == before) return due;
  if (before == *published_) away_since_ = now;
  changes_.push_back({now, raw});
  if (changes_.size() > kMaxChanges) changes_.pop_front();
  if (!holding_) {
    holding_ = true;
    hold_from_ = now;
  }
  const std::optional<Publication> at_once = Tick(now);  // without dampening
  return at_once ? at_once : due;
}

std::optional<Publication> Dampener::Tick(MonoTime now) {
  if (!holding_) return std::nullopt;
  if (now - changes_.back().at >= dampen_) {
    holding_ = false;
    changes_.erase(changes_.begin(), changes_.end() - 1);
    return Publish(changes_.back().score, PublishReason::kSettled);
  }
  if (now - hold_from_ >= hold_) return EndHold(now);
  return std::nullopt;
}

// What held longest in the last `dampen` stands for an unrest that does not end. The next hold
// counts from when the score left what is published now, so that no change waits longer than one.
std::optional<Publication> Dampener::EndHold(MonoTime now) {
  const std::optional<Publication> out = Publish(Longest(now), PublishReason::kHeld);
  if (changes_.back().score == *published_) {
    holding_ = false;
    return out;
  }
  if (out) {
    away_since_ = now;
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
      if (change->score == *published_) break;
      away_since_ = change->at;
    }
  }
  hold_from_ = away_since_;
  return out;
}

std::int64_t Dampener::Longest(MonoTime now) const {
  std::map<std::int64_t, Duration> stood;  // by score, so that the lowest of equals comes first
  const MonoTime from = now - dampen_;
  MonoTime until = now;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    const MonoTime since = std::max(change->at, from);
    if (until > since) stood[change->score] += until - since;
    until = since;
    if (change->at <= from) break;
  }
  if (stood.empty()) return changes_.back().score;
  const auto longest = std::max_element(
      stood.begin(), stood.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return longest->first;
}

}  // namespace fencepost::ping
