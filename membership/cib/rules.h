// The <rule>s of a location constraint.
//
// Promise: what is filled in is what Pacemaker would understand; what depends on time, on a role or
//          on another element's parameters is refused by name.
// Errors:  reported to the Xml, which keeps the first.
// Limits:  kMaxRules and kMaxExpressions of a whole CIB.
// Source:  Pacemaker Explained 2.1, "Rules".
#pragma once
#include <cstddef>

#include "base/cib.h"
#include "membership/cib/xml.h"

namespace fencepost::cib {

struct RuleCount {  // in this CIB so far
  std::size_t rules = 0, expressions = 0;
};

[[nodiscard]] LocationRule ReadLocationRule(Xml& xml, pugi::xml_node at, RuleCount& count);

}  // namespace fencepost::cib
