// Rules of location constraints: whether one holds for a node, and what it is worth.
//
// Promise: pure; the answers of Pacemaker 2.1 for the same attributes. Among them those that
//          surprise: what is not defined is never less or greater than anything, and it is not
//          equal ("ne" holds); texts are compared without regard to case; numbers that are none
//          are compared as texts; score-attribute of a node without it is -INFINITY.
// Errors:  none.
// Source:  Pacemaker Explained 2.1, "Rules"; docs/cib.md.
#pragma once
#include <string>
#include <string_view>

#include "base/cib.h"

namespace fencepost::policy {

// Of a node: those of the CIB, beaten by the transient ones, and #uname, #id, #kind.
[[nodiscard]] Attributes AllAttributes(const CibNode& node, const Attributes& transient);

[[nodiscard]] bool Holds(const Rule& rule, const Attributes& attributes);
// REQUIRES: the rule holds.
[[nodiscard]] Score ScoreOf(const LocationRule& rule, const Attributes& attributes);

// The score that an attribute's value is: "1000", "-INFINITY"; what is no number is 0.
[[nodiscard]] Score ScoreOfText(std::string_view text);
// Whether it depends on anything that may change while the nodes stay the same.
[[nodiscard]] bool LooksAtAttributes(const LocationRule& rule);

// What the rule looked at, for people: "pingd is 0, #uname is alpha", "pingd is not defined".
[[nodiscard]] std::string SeenBy(const LocationRule& rule, const Attributes& attributes);

// As Pacemaker reads a boolean; what is none is false.
[[nodiscard]] bool IsTrue(std::string_view text);

}  // namespace fencepost::policy
