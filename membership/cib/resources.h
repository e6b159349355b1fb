// The <resources> of a CIB: groups, primitives of class ocf, and fence devices of class stonith.
//
// Promise: what is filled in is consistent with the nodes that were read before.
// Errors:  reported to the Xml, which keeps the first; look at Failed() before using the result.
#pragma once
#include <optional>

#include "base/cib.h"
#include "membership/cib/xml.h"

namespace fencepost::cib {

// Meta attributes that a group hands down to its members, and rsc_defaults to all.
struct Meta {
  Score stickiness = 0;
  std::uint32_t migration_threshold = 0;
  bool enabled = true;
  Coverage requirement = {true, false, false};  // `requires`, as what a lost node must have lost
  std::optional<Coverage> scope = {};           // fencepost_scope, in its place
  // Nothing: no proof is required.
  [[nodiscard]] Coverage Needs() const {
    return requirement.Any() ? scope.value_or(requirement) : Coverage{};
  }
};

// Reads the <meta_attributes> of `at`, on top of what is inherited.
[[nodiscard]] Meta ReadMeta(Xml& xml, pugi::xml_node at, Meta inherited);
// Fills groups and fence_devices. REQUIRES: cib.nodes is filled.
void ReadResources(Xml& xml, pugi::xml_node resources, const Meta& defaults, Cib& cib);
// An attribute that is the name of an agent's file.
[[nodiscard]] std::string RequiredName(Xml& xml, pugi::xml_node at, const char* attribute);
[[nodiscard]] std::optional<NodeId> FindNode(const Cib& cib, std::string_view name);

}  // namespace fencepost::cib
