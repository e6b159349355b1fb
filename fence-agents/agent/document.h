// What an agent says about itself, rendered from its table: metadata for hosts, help and manual
// page for people.
//
// Promise: the metadata validates against the fence-agents project's schema; every character that
//          XML or roff would take for markup is escaped. Pure functions of the table.
// Errors:  none.
#pragma once
#include <string>
#include <string_view>

#include "fence-agents/agent/spec.h"

namespace fencepost::agent {

std::string XmlEscape(std::string_view text);
std::string Metadata(const Spec& spec);
std::string Help(const Spec& spec);
std::string ManPage(const Spec& spec);  // mdoc

}  // namespace fencepost::agent
