// Dampening: from the score as it is now to the score that others are told.
//
// Promise: a score that has stood for `dampen` is the published one. While it keeps changing,
//          nothing is published, but for `hold` at most: then the value that stood longest during
//          the last `dampen` is published (of equals the lowest), if it is another one. So
//          a flap is held back, a score that differs from the published one throughout `hold` ends
//          in a change at its end at the latest, and nothing is published that was not true during
//          the last `dampen`. The first score is published at once. No value is published twice in
//          a row.
// Time:    local instants, not decreasing. Memory: kMaxChanges.
// Errors:  none. REQUIRES: 0 <= dampen <= hold.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.h"

namespace fencepost::ping {

inline constexpr std::size_t kMaxChanges = 4096;  // remembered of the last `dampen`

enum class PublishReason { kFirst, kSettled, kHeld };

struct Publication {
  std::int64_t score = 0;
  PublishReason reason = PublishReason::kFirst;
};

class Dampener {
 public:
  Dampener(Duration dampen, Duration hold);

  // The score is `raw` from now on. What was due before `now` is decided first.
  std::optional<Publication> Observe(std::int64_t raw, MonoTime now);
  // Decides what is due.
  std::optional<Publication> Tick(MonoTime now);
  [[nodiscard]] MonoTime NextWake() const;  // kNever: nothing is pending

  [[nodiscard]] std::optional<std::int64_t> published() const { return published_; }
  [[nodiscard]] bool Pending() const { return holding_; }

 private:
  struct Change {
    MonoTime at;
    std::int64_t score = 0;
  };
  std::optional<Publication> Publish(std::int64_t score, PublishReason reason);
  std::optional<Publication> EndHold(MonoTime now);
  [[nodiscard]] std::int64_t Longest(MonoTime now) const;

  Duration dampen_, hold_;
  std::optional<std::int64_t> published_;
  std::deque<Change> changes_;  // the last one is what holds now; never empty after the first score
  bool holding_ = false;
  MonoTime hold_from_{};   // when the hold began
  MonoTime away_since_{};  // when the score last left the published one; meaningful while away
};

}  // namespace fencepost::ping
