// True time of a simulated world, and everything that will happen in it, in one order.
//
// Promise: one seed, one history: events run by instant, equal ones in the order in which they were
//          asked for. Nothing here reads the machine. Everything else of tests/sim/ports takes its
//          time and its dice from the one Timeline of its world.
// Time:    TrueTime is nobody's clock: a node sees it through its Machine, with drift and offset.
// Errors:  none.
//
// The world, in short (each header says what it may do to you):
//   Timeline world(seed);
//   Machine node(world, {.node = NodeId(1), .rate_ppm = 500});   // hardware: clock, boot, power
//   std::shared_ptr<Life> life = node.StartLife();               // one run of one daemon
//   SimClock clock(node, life);                                  // ports, made anew for each life
//   SimPath path(disk, node, life); SimLocalServer server(hub, "qdiskd", life); ...
//   SimDisk disk(world, {}); LocalHub hub(world); DurableState state(world);  // outlive lives
//   world.RunFor(Millis(500));
//   life->End();        // kill -9: nothing is called back any more; destroy daemon and ports after
//   node.PowerOff();    // ends all its lives; tell disk and state (their headers say how)
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/prng.h"
#include "base/time.h"

namespace fencepost::sim {

struct TrueClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<TrueClock>;
  static constexpr bool is_steady = true;
};
using TrueTime = TrueClock::time_point;
using EventId = std::uint64_t;  // 0 is no event

class Timeline {
 public:
  explicit Timeline(std::uint64_t seed) : rng_(seed) {}
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  [[nodiscard]] TrueTime Now() const { return now_; }
  [[nodiscard]] Prng& rng() { return rng_; }
  // A duration in [low, high].
  Duration Between(Duration low, Duration high);

  // An instant that is over is now. Never from inside At.
  EventId At(TrueTime when, std::function<void()> call);
  EventId After(Duration delay, std::function<void()> call) {
    return At(now_ + delay, std::move(call));
  }
  void Cancel(EventId event);

  // The next event, if it is not later than `limit`; false: there is none.
  bool RunOne(TrueTime limit);
  void RunUntil(TrueTime limit);  // Now() is limit afterwards
  void RunFor(Duration d) { RunUntil(now_ + d); }
  [[nodiscard]] std::uint64_t events_run() const { return events_run_; }

 private:
  Prng rng_;
  TrueTime now_{};
  EventId last_ = 0;
  std::uint64_t events_run_ = 0;
  std::map<std::pair<TrueTime, EventId>, std::function<void()>> queue_;
  std::unordered_map<EventId, TrueTime> when_;
};

}  // namespace fencepost::sim
