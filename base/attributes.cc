#include "base/attributes.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fencepost {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool IsPacemakersOwn(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {
      "maintenance", "terminate", "shutdown", "probe_complete", "resource-discovery-enabled"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.starts_with("fail-count-") || name.starts_with("last-failure-");
}

}  // namespace

std::optional<std::string> WhyNotAttributeName(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxAttributeNameBytes) {
    return Cat("is longer than ", kMaxAttributeNameBytes, " bytes");
  }
  const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
    return IsWordCharacter(c) || c == '-' || c == '.' || c == ':';
  });
  if (!fits || !IsWordCharacter(name[0])) {
    return "is no name of letters, digits, '_', '-', '.' and ':'";
  }
  if (IsPacemakersOwn(name)) return "has a meaning in Pacemaker that it does not have here";
  return std::nullopt;
}

std::optional<std::string> WhyNotAttributeValue(std::string_view value) {
  if (value.empty()) return "is empty";
  if (value.size() > kMaxAttributeValueBytes) {
    return Cat("is longer than ", kMaxAttributeValueBytes, " bytes");
  }
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7F;
  });
  if (!plain) return "has a control character";
  return std::nullopt;
}

}  // namespace fencepost
