#include "fence-agents/snmp/value.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::snmp {

std::string OidText(const Oid& oid) {
  std::string out;
  for (const std::uint32_t part : oid) out += Cat(".", part);
  return out;
}

std::optional<Oid> ParseOid(std::string_view text) {
  if (text.starts_with('.')) text.remove_prefix(1);
  Oid out;
  for (const std::string& part : Split(text, '.')) {
    const auto number = ParseInt(part, 0, UINT32_MAX);
    if (!number || out.size() == kMaxOid) return std::nullopt;
    out.push_back(static_cast<std::uint32_t>(*number));
  }
  return out;
}

bool IsBelow(const Oid& root, const Oid& name) {
  return name.size() > root.size() && std::equal(root.begin(), root.end(), name.begin());
}

}  // namespace fencepost::snmp
