#include "tests/sim/ports/timeline.h"

#include <algorithm>

namespace fencepost::sim {

Duration Timeline::Between(Duration low, Duration high) {
  if (high <= low) return low;
  const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
  return low + Duration(static_cast<std::int64_t>(rng_.Below(span)));
}

EventId Timeline::At(TrueTime when, std::function<void()> call) {
  const EventId id = ++last_;
  const TrueTime due = std::max(when, now_);
  queue_.emplace(std::pair(due, id), std::move(call));
  when_.emplace(id, due);
  return id;
}

void Timeline::Cancel(EventId event) {
  const auto found = when_.find(event);
  if (found == when_.end()) return;
  queue_.erase({found->second, event});
  when_.erase(found);
}

bool Timeline::RunOne(TrueTime limit) {
  if (queue_.empty() || queue_.begin()->first.first > limit) return false;
  auto event = queue_.extract(queue_.begin());
  now_ = event.key().first;
  when_.erase(event.key().second);
  ++events_run_;
  event.mapped()();
  return true;
}

void Timeline::RunUntil(TrueTime limit) {
  while (RunOne(limit)) {
  }
  now_ = std::max(now_, limit);
}

}  // namespace fencepost::sim
