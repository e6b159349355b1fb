// SNMP's names and values, as data.
//
// Promise: an Oid prints as ".1.3.6". Errors: ParseOid gives nullopt for anything but numbers with
//          dots, at most kMaxOid of them.
// Source:  RFC 2578: a name has at most 128 parts of 32 bits.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fencepost::snmp {

inline constexpr std::size_t kMaxOid = 128;
using Oid = std::vector<std::uint32_t>;
std::string OidText(const Oid& oid);
std::optional<Oid> ParseOid(std::string_view text);
// Does name stand below root?
bool IsBelow(const Oid& root, const Oid& name);

struct Value {
  enum class Kind { kNone, kInteger, kText, kOid, kOther };  // kNone: there is no such object
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  std::string text{};
  Oid oid{};
};
struct Binding {
  Oid name;
  Value value;
};

}  // namespace fencepost::snmp
