#include "tests/sim/ports/state.h"

#include "base/text.h"

namespace fencepost::sim {

SimStateStore::SimStateStore(DurableState& state, std::shared_ptr<Life> life)
    : state_(state), life_(std::move(life)) {}

Result<std::optional<Bytes>> SimStateStore::Load(std::string_view name) {
  const std::string key(name);
  if (state_.rotten_.count(key) != 0) {
    return Error{Cat("state ", key), "has a wrong checksum", "restore it"};
  }
  const auto found = state_.values_.find(key);
  if (found == state_.values_.end()) return std::optional<Bytes>();
  return std::optional<Bytes>(found->second);
}

void SimStateStore::Store(std::string_view name, Bytes value, std::function<void(Status)> done) {
  ++state_.stores_;
  Timeline& world = state_.world_;
  const auto pending =
      std::make_shared<Pending>(Pending{std::string(name), std::move(value), false});
  life_->OnEnd([&state = state_, &world, pending] {
    if (!pending->over && world.rng().OneIn(2)) state.values_[pending->name] = pending->value;
    pending->over = true;
  });
  const bool full = state_.full_;
  world.After(world.Between(state_.low_, state_.high_),
              [&state = state_, life = life_, pending, full, done = std::move(done)] {
                if (pending->over) return;
                pending->over = true;
                if (!full || life->world().rng().OneIn(4)) {
                  state.values_[pending->name] = pending->value;
                }
                life->Post([pending, full, done] {
                  if (!full) return done(Ok{});
                  done(Error{Cat("state ", pending->name), "no space left", "make room"});
                });
              });
}

}  // namespace fencepost::sim
