// What a member does with attributes of nodes: its own, those it hears, and the view of all that
// the scheduler gets.
#include <algorithm>

#include "membership/node/member.h"
#include "membership/policy/rules.h"

namespace fencepost::node {

void Member::On(const event::SetAttribute& e) {
  const auto found = attributes_.find(e.name);
  lapses_.erase(e.name);
  if (!e.value) {
    if (found == attributes_.end()) return;
    attributes_.erase(found);
    Say(Severity::kNotice, "attribute-removed").With("attribute", e.name);
  } else {
    if (found == attributes_.end() && attributes_.size() == kMaxTransientAttributes) {
      Say(Severity::kWarning, "attribute-refused").With("attribute", e.name);
      return;
    }
    if (e.lapses_after > Duration()) lapses_[e.name] = now_ + e.lapses_after;
    if (found != attributes_.end() && found->second == *e.value) return;
    attributes_.insert_or_assign(e.name, *e.value);
    Say(Severity::kNotice, "attribute-set").With("attribute", e.name).With("value", *e.value);
  }
  next_heartbeat_ = now_;
}

void Member::LapseAttributes() {
  std::erase_if(lapses_, [this](const auto& lapse) {
    const auto& [name, at] = lapse;
    if (now_ < at) return false;
    Say(Severity::kWarning, "attribute-lapsed")
        .With("attribute", name)
        .With("value", attributes_.at(name))
        .With("why", "who tells it was silent for too long");
    attributes_.erase(name);
    next_heartbeat_ = now_;
    return true;
  });
}

void Member::SettleAttributes() {
  std::map<NodeId, Attributes> current{{settings_.self, attributes_}};
  for (const auto& [id, peer] : peers_) {
    if (peer.IsHeard(now_, settings_.peer_timeout)) current[id] = peer.heartbeat().attributes;
  }
  settled_.See(now_, current);
}

// As it enters the election of a side: what the configuration says, and what the node sees of the
// world. Not settled: the disk is read by all at once, and the attribute has its own dampening.
std::int32_t Member::OwnScore() const {
  std::int32_t score = 0;
  for (const MemberNode& node : settings_.nodes) {
    if (node.id == settings_.self) score = node.score;
  }
  const auto found = attributes_.find(settings_.score_attribute);
  return found == attributes_.end() ? score : score + policy::ScoreOfText(found->second);
}

}  // namespace fencepost::node
