// The disk of a node for small state (StateStore), and what power-off does to it.
//
// Promise: as env/state_store.h: after `done` said success the value survives everything.
// Cruelty: until then a kill or a power-off leaves the old value or the new one, by chance; a store
//          that fails may have taken effect all the same.
// Errors:  SetFull: every Store fails. SetRotten(name): Load of it is an error, never "none".
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "env/state_store.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

class DurableState {  // one for each node and daemon; survives its lives
 public:
  explicit DurableState(Timeline& world) : world_(world) {}
  void SetLatency(Duration low, Duration high) {
    low_ = low;
    high_ = high;
  }
  void SetFull(bool full) { full_ = full; }
  void SetRotten(const std::string& name) { rotten_.insert(name); }
  void Lose() { values_.clear(); }  // somebody removed the directory
  [[nodiscard]] const std::map<std::string, Bytes>& values() const { return values_; }
  [[nodiscard]] int stores() const { return stores_; }

 private:
  friend class SimStateStore;
  Timeline& world_;
  Duration low_ = Millis(1), high_ = Millis(5);
  bool full_ = false;
  std::set<std::string> rotten_;
  std::map<std::string, Bytes> values_;
  int stores_ = 0;
};

class SimStateStore final : public StateStore {
 public:
  SimStateStore(DurableState& state, std::shared_ptr<Life> life);
  Result<std::optional<Bytes>> Load(std::string_view name) override;
  void Store(std::string_view name, Bytes value, std::function<void(Status)> done) override;

 private:
  struct Pending {
    std::string name;
    Bytes value;
    bool over = false;
  };
  DurableState& state_;
  std::shared_ptr<Life> life_;
};

}  // namespace fencepost::sim
