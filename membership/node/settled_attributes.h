// The attributes of all nodes as the scheduler is to see them: one view, changed at once for all
// nodes, and only after changes have come to rest. Two nodes that lose the same router do not say
// so at the same instant; between the two instants nothing is to move.
//
// Promise: a change becomes visible when no attribute of any node has changed for `settle`, at the
//          latest kMaxSettles * settle after the view first differed: nobody can hold it up. What
//          goes back in the meantime to what is visible was no change.
//          A node that is heard anew is unknown (IsKnown is false) until its attributes settled.
// Time:    handed in. Errors: none.
#pragma once
#include <map>

#include "base/attributes.h"
#include "base/id.h"
#include "base/time.h"

namespace fencepost::node {

class SettledAttributes {
 public:
  static constexpr int kMaxSettles = 4;

  explicit SettledAttributes(Duration settle) : settle_(settle) {}

  // `current`: of the nodes that are heard now, this one included. Others are forgotten. True: the
  // view has changed.
  bool See(MonoTime now, const std::map<NodeId, Attributes>& current);

  [[nodiscard]] bool IsKnown(NodeId node) const { return view_.count(node) != 0; }
  [[nodiscard]] const Attributes& Of(NodeId node) const;  // empty where it is not known
  [[nodiscard]] bool IsSettling() const { return since_ != kNever; }
  // When See() has something to do even if nothing changes; kNever: it has not.
  [[nodiscard]] MonoTime wake_at() const;

 private:
  Duration settle_;
  std::map<NodeId, Attributes> view_, current_;
  MonoTime since_ = kNever;  // the view differs
  MonoTime changed_{};       // the last change of `current_`
};

}  // namespace fencepost::node
