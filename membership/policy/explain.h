// Why a primitive does not run (only) where it should, in words for an operator.
//
// Promise: a reason for everything that is down; the most pressing one if there are several.
// Errors:  none.
#pragma once
#include <cstddef>
#include <string>

#include "membership/policy/place.h"

namespace fencepost::policy {

// Empty if it does. `index` counts the members of the group.
[[nodiscard]] std::string Explain(const Situation& situation, const Group& group,
                                  const GroupTarget& target, std::size_t index);

}  // namespace fencepost::policy
