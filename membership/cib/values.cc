#include "membership/cib/values.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace fencepost::cib {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<Duration> UnitOf(std::string_view text) {
  if (text.empty() || text == "s" || text == "sec") return std::chrono::seconds(1);
  if (text == "ms" || text == "msec") return Millis(1);
  if (text == "m" || text == "min") return std::chrono::minutes(1);
  if (text == "h" || text == "hr") return std::chrono::hours(1);
  return std::nullopt;
}

}  // namespace

std::optional<bool> ParseBool(std::string_view text) {
  constexpr std::array<std::string_view, 5> kTrue = {"true", "on", "yes", "y", "1"};
  constexpr std::array<std::string_view, 5> kFalse = {"false", "off", "no", "n", "0"};
  const std::string lower = Lower(text);
  if (IsOneOf(lower, kTrue)) return true;
  if (IsOneOf(lower, kFalse)) return false;
  return std::nullopt;
}

std::optional<Duration> ParseTime(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && IsDigit(text[digits])) ++digits;
  const auto unit = UnitOf(text.substr(digits));
  if (!unit) return std::nullopt;
  const auto count = ParseInt(text.substr(0, digits), 0, kMaxOperationTime / *unit);
  if (!count) return std::nullopt;
  return *unit * *count;
}

std::optional<Score> ParseScore(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text == "INFINITY") return minus ? -kInfinity : kInfinity;
  if (text.empty() || !IsDigit(text[0])) return std::nullopt;
  constexpr std::int64_t kAnyNumber = 1'000'000'000'000;
  const auto number = ParseInt(text, 0, kAnyNumber);
  if (!number) return std::nullopt;
  const auto cut = static_cast<Score>(std::min<std::int64_t>(*number, kInfinity));
  return minus ? -cut : cut;
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  if (text[0] == '-' || text[0] == '.') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || IsDigit(c) || c == '_' || c == '-' || c == '.';
  });
}

bool IsParameterName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || IsDigit(text[0])) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; });
}

bool IsSecretParameter(std::string_view name) {
  if (name.ends_with("_file") || name.ends_with("_script")) return false;
  const std::string lower = Lower(name);
  for (const std::string_view part : {"passw", "secret", "token", "hexadecimal_kg"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return false;
}

}  // namespace fencepost::cib
