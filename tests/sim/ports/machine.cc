#include "tests/sim/ports/machine.h"

#include <algorithm>

namespace fencepost::sim {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr Duration kBootShows = Millis(5000);  // what a clock shows when the first daemon may start

}  // namespace

EventId Life::PostAt(TrueTime when, std::function<void()> call) {
  return world_.At(when, [self = shared_from_this(), call = std::move(call)]() mutable {
    self->Arrive(std::move(call));
  });
}

void Life::Arrive(std::function<void()> call) {
  if (ended_) return;
  waiting_.push_back(std::move(call));
  if (!frozen_) SchedulePump();
}

void Life::SchedulePump() {
  const bool at_once =
      lateness_ == Duration() && waiting_.size() == 1 && not_before_ <= world_.Now();
  if (at_once) return Pump();
  not_before_ = std::max(not_before_, world_.Now() + world_.Between(Duration(), lateness_));
  world_.At(not_before_, [self = shared_from_this()] { self->Pump(); });
}

void Life::Pump() {
  if (ended_ || frozen_ || waiting_.empty()) return;
  const std::function<void()> call = std::move(waiting_.front());
  waiting_.pop_front();
  call();
}

void Life::Thaw() {
  if (!frozen_) return;
  frozen_ = false;
  for (std::size_t i = waiting_.size(); i > 0; --i) {
    world_.At(world_.Now(), [self = shared_from_this()] { self->Pump(); });
  }
}

void Life::End() {
  if (ended_) return;
  ended_ = true;
  waiting_.clear();
  const std::vector<std::function<void()>> closing = std::move(on_end_);
  for (const auto& close : closing) close();
}

Machine::Machine(Timeline& world, Settings settings)
    : world_(world), settings_(settings), base_true_(world.Now()) {
  NewBoot();
  base_local_ = MonoTime(settings.offset);
}

void Machine::NewBoot() {
  for (std::size_t i = 0; i < boot_.bytes.size(); i += 8) {
    std::uint64_t random = world_.rng().Next();
    for (std::size_t j = 0; j < 8; ++j, random >>= 8) {
      boot_.bytes[i + j] = static_cast<std::uint8_t>(random);
    }
  }
  boot_.bytes[0] = settings_.node.value();  // never none, and a person sees whose it is
}

Duration Machine::Elapsed(Duration d) const {
  const std::int64_t ns = d.count();
  return d + Duration(ns / kMillion * settings_.rate_ppm +
                      ns % kMillion * settings_.rate_ppm / kMillion);
}

MonoTime Machine::Now() const {
  return paused_ ? base_local_ : base_local_ + Elapsed(world_.Now() - base_true_);
}

TrueTime Machine::When(MonoTime local) const {
  const TrueTime from = paused_ ? world_.Now() : base_true_;
  if (local <= base_local_) return from;
  const std::int64_t need = (local - base_local_).count();
  const std::int64_t rate = kMillion + settings_.rate_ppm;
  Duration d(need / rate * kMillion + need % rate * kMillion / rate);
  while (Elapsed(d) < Duration(need)) d += Duration(1);
  return from + d;
}

std::shared_ptr<Life> Machine::StartLife() {
  FENCEPOST_CHECK(powered_);
  std::erase_if(lives_, [](const std::weak_ptr<Life>& life) { return life.expired(); });
  auto life = std::make_shared<Life>(world_);
  if (paused_) life->Freeze();
  lives_.push_back(life);
  return life;
}

void Machine::PowerOff() {
  powered_ = false;
  const std::vector<std::weak_ptr<Life>> lives = std::move(lives_);
  lives_.clear();
  for (const auto& life : lives) {
    if (const auto living = life.lock()) living->End();
  }
}

void Machine::PowerOn() { PowerOn(settings_.rate_ppm); }

void Machine::PowerOn(std::int64_t rate_ppm) {
  if (powered_) return;
  powered_ = true;
  paused_ = false;
  settings_.rate_ppm = rate_ppm;
  base_true_ = world_.Now();
  base_local_ = MonoTime(kBootShows);
  NewBoot();
}

void Machine::Pause() {
  if (paused_ || !powered_) return;
  base_local_ = Now();
  paused_ = true;
  for (const auto& life : lives_) {
    if (const auto living = life.lock()) living->Freeze();
  }
}

void Machine::Resume() {
  if (!paused_) return;
  paused_ = false;
  base_true_ = world_.Now();
  for (const auto& life : lives_) {
    if (const auto living = life.lock()) living->Thaw();
  }
}

SimClock::SimClock(Machine& machine, std::shared_ptr<Life> life)
    : machine_(machine), life_(std::move(life)) {}

SimClock::~SimClock() { *alive_ = false; }

TimerId SimClock::CallAt(MonoTime when, std::function<void()> call) {
  const TimerId id = ++last_;
  Timer& timer = timers_[id];
  timer.when = when;
  timer.call = std::move(call);
  Arm(id, timer);
  return id;
}

void SimClock::Arm(TimerId id, Timer& timer) {
  if (timer.when == kNever) return;
  timer.event = life_->PostAt(machine_.When(timer.when), [this, id, alive = alive_] {
    if (*alive) Fire(id);
  });
}

void SimClock::Cancel(TimerId id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  machine_.world().Cancel(found->second.event);
  timers_.erase(found);
}

void SimClock::Fire(TimerId id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  if (machine_.Now() < found->second.when) return Arm(id, found->second);  // the clock had stopped
  const std::function<void()> call = std::move(found->second.call);
  timers_.erase(found);
  call();
}

Result<BootId> SimIdentity::Boot() {
  if (broken_) return Error{"boot identity", "cannot be read", "repair the node"};
  return machine_.boot();
}

}  // namespace fencepost::sim
