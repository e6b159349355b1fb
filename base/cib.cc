#include "base/cib.h"

namespace fencepost {

std::string ToText(const Coverage& coverage) {
  if (coverage.node) return "node";
  if (coverage.storage && coverage.network) return "storage and network";
  return coverage.storage ? "storage" : coverage.network ? "network" : "nothing";
}

}  // namespace fencepost
