#include "pingd/score.h"

#include <map>
#include <string_view>

#include "base/check.h"

namespace fencepost::ping {

Score::Score(const config::PingConfig& config) : multiplier_(config.multiplier) {
  std::map<std::string_view, std::size_t> index;
  for (const config::PingGroup& group : config.groups) {
    index[group.name] = groups_.size();
    groups_.push_back({group.weight, group.need, 0});
  }
  std::vector<std::uint64_t> members(groups_.size());
  for (const config::PingTarget& target : config.targets) {
    std::size_t of = kAlone;
    if (!target.group.empty()) {
      const auto found = index.find(target.group);
      FENCEPOST_CHECK(found != index.end());
      of = found->second;
      ++members[of];
    }
    group_of_.push_back(of);
    weight_.push_back(target.weight);
    answers_.push_back(false);
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].need == config::kAllOfGroup) groups_[i].need = members[i];
  }
}

void Score::Set(std::size_t target, bool answers) {
  FENCEPOST_CHECK(target < answers_.size());
  if (answers_[target] == answers) return;
  answers_[target] = answers;
  if (group_of_[target] == kAlone) {
    sum_ = answers ? sum_ + weight_[target] : sum_ - weight_[target];
    return;
  }
  Group& group = groups_[group_of_[target]];
  const bool before = group.answering >= group.need;
  group.answering = answers ? group.answering + 1 : group.answering - 1;
  const bool after = group.answering >= group.need;
  if (before != after) sum_ = after ? sum_ + group.weight : sum_ - group.weight;
}

}  // namespace fencepost::ping
