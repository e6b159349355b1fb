#include "membership/node/settled_attributes.h"

#include <algorithm>

namespace fencepost::node {

bool SettledAttributes::See(MonoTime now, const std::map<NodeId, Attributes>& current) {
  const bool forgot =
      std::erase_if(view_, [&](const auto& entry) { return current.count(entry.first) == 0; }) != 0;
  if (current != current_) {
    current_ = current;
    changed_ = now;
  }
  if (current_ == view_) {
    since_ = kNever;
    return forgot;
  }
  if (since_ == kNever) since_ = now;
  if (now < wake_at()) return forgot;
  view_ = current_;
  since_ = kNever;
  return true;
}

const Attributes& SettledAttributes::Of(NodeId node) const {
  static const Attributes kNone;
  const auto found = view_.find(node);
  return found == view_.end() ? kNone : found->second;
}

MonoTime SettledAttributes::wake_at() const {
  if (since_ == kNever) return kNever;
  return std::min(changed_ + settle_, since_ + kMaxSettles * settle_);
}

}  // namespace fencepost::node
