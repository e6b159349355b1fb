// Text for people: joining pieces, hexadecimal, numbers. No locale, no stream, no allocation traps.
//
// Errors: parsers return Error with the offending text; what was wrong and what is allowed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/time.h"

namespace fencepost {

inline std::string ToText(std::string_view text) { return std::string(text); }
inline std::string ToText(const char* text) { return text; }
inline std::string ToText(bool value) { return value ? "true" : "false"; }
template <class T>
requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) std::string ToText(T value) {
  return std::to_string(value);
}
template <class Tag, class Rep>
std::string ToText(Id<Tag, Rep> id) {
  return std::to_string(id.value());
}
std::string ToText(Duration d);  // "1.250s", "37ms", "0ms"

// Pieces one after the other: Cat("slot ", 3, " of disk ", 0).
template <class... Pieces>
std::string Cat(const Pieces&... pieces) {
  std::string out;
  (out.append(ToText(pieces)), ...);
  return out;
}

std::string Hex(ByteView bytes);                              // lower case, no separators
std::optional<Bytes> FromHex(std::string_view text);          // nullopt: odd length or no digit
std::string UuidText(const std::array<std::uint8_t, 16>& b);  // 8-4-4-4-12
std::optional<std::array<std::uint8_t, 16>> ParseUuid(std::string_view text);
// A whole decimal number in [low, high]; nullopt for anything else, also trailing characters.
std::optional<std::int64_t> ParseInt(std::string_view text, std::int64_t low, std::int64_t high);
std::string_view Trim(std::string_view text);  // without blanks and tabs, CR and LF at both ends
std::vector<std::string> Split(std::string_view text, char separator);

}  // namespace fencepost
