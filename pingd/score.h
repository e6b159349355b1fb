// The score: how much of the world this node sees.
//
// Promise: multiplier * (weights of targets that answer and are in no group + weights of groups of
//          which enough targets answer). Never above config::kMaxScore for a checked PingConfig.
// Errors:  none. REQUIRES: groups named by targets exist.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/config/ping_config.h"

namespace fencepost::ping {

class Score {
 public:
  explicit Score(const config::PingConfig& config);  // is copied from

  void Set(std::size_t target, bool answers);
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(sum_) * multiplier_; }

 private:
  static constexpr std::size_t kAlone = static_cast<std::size_t>(-1);
  struct Group {
    std::uint64_t weight = 0, need = 0, answering = 0;
  };
  std::vector<Group> groups_;
  std::vector<std::size_t> group_of_;
  std::vector<std::uint64_t> weight_;
  std::vector<bool> answers_;
  std::uint64_t sum_ = 0;
  std::int64_t multiplier_ = 1;
};

}  // namespace fencepost::ping
