// What is known of a node by name: "pingd" is "1000". Permanent ones stand in the CIB, transient
// ones are set at run time and forgotten with the daemon that holds them.
//
// Promise: names and values that pass the checks here fit everywhere: in XML, JSON, a log line, and
//          all of one node in a heartbeat.
// Errors:  the checks say in words what is wrong.
// Source:  names with a meaning of their own: Pacemaker Explained 2.1, "Node Attributes".
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fencepost {

inline constexpr std::size_t kMaxTransientAttributes = 32;  // of one node
inline constexpr std::size_t kMaxAttributeNameBytes = 64;
inline constexpr std::size_t kMaxAttributeValueBytes = 128;
inline constexpr std::string_view kStandbyAttribute = "standby";

// Sorted, so that equal ones have equal bytes.
using Attributes = std::map<std::string, std::string, std::less<>>;

// Why a name may not be set, as a predicate ("is ..."); nullopt: it may. Letters, digits, '_', '-',
// '.' and ':', beginning with a letter, a digit or '_'. Names by which Pacemaker keeps its own
// state are refused: here they would do nothing.
[[nodiscard]] std::optional<std::string> WhyNotAttributeName(std::string_view name);
// Likewise of a value: not empty, no control characters, at most kMaxAttributeValueBytes.
[[nodiscard]] std::optional<std::string> WhyNotAttributeValue(std::string_view value);

}  // namespace fencepost
