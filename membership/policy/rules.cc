#include "membership/policy/rules.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"

namespace fencepost::policy {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int CompareTexts(std::string_view a, std::string_view b) {
  const std::size_t both = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < both; ++i) {
    const auto x = static_cast<unsigned char>(Lower(a[i]));
    const auto y = static_cast<unsigned char>(Lower(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

template <class T>
int Order(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// As strtoll and strtod read: blanks, one sign, then as much of a number as there is.
std::string_view WithoutSign(std::string_view text, bool& negative) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return text.starts_with('-') ? std::string_view() : text;  // from_chars would take a second sign
}

// nullopt: it begins with no number, or one beyond the range.
std::optional<std::int64_t> LeadingInteger(std::string_view text) {
  bool negative = false;
  const std::string_view digits = WithoutSign(text, negative);
  std::int64_t out = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (read.ec != std::errc{}) return std::nullopt;
  return negative ? -out : out;
}

std::optional<double> LeadingNumber(std::string_view text) {
  bool negative = false;
  std::string_view digits = WithoutSign(text, negative);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  double out = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out,
                                    hex ? std::chars_format::hex : std::chars_format::general);
  if (read.ec != std::errc{}) return std::nullopt;
  return negative ? -out : out;
}

// Component by component; one that is missing is 0.
int CompareVersions(std::string_view a, std::string_view b) {
  const auto parts_a = Split(a, '.');
  const auto parts_b = Split(b, '.');
  for (std::size_t i = 0; i < std::max(parts_a.size(), parts_b.size()); ++i) {
    const auto part = [i](const std::vector<std::string>& parts) {
      return i < parts.size() ? LeadingInteger(parts[i]).value_or(0) : 0;
    };
    if (const int order = Order(part(parts_a), part(parts_b)); order != 0) return order;
  }
  return 0;
}

ValueType DefaultType(Comparison operation, std::string_view a, std::string_view b) {
  if (operation == Comparison::kEq || operation == Comparison::kNe) return ValueType::kString;
  const bool point = a.find('.') != a.npos || b.find('.') != b.npos;
  return point ? ValueType::kNumber : ValueType::kInteger;
}

int Compare(const Expression& expression, const std::string& is) {
  const std::string& than = expression.value;
  switch (expression.type.value_or(DefaultType(expression.operation, is, than))) {
    case ValueType::kString:
      return CompareTexts(is, than);
    case ValueType::kInteger:
      if (const auto a = LeadingInteger(is), b = LeadingInteger(than); a && b) return Order(*a, *b);
      return CompareTexts(is, than);
    case ValueType::kNumber:
      if (const auto a = LeadingNumber(is), b = LeadingNumber(than); a && b) return Order(*a, *b);
      return CompareTexts(is, than);
    case ValueType::kVersion:
      return CompareVersions(is, than);
  }
  return 0;
}

bool Holds(const Expression& expression, const Attributes& attributes) {
  const auto found = attributes.find(expression.attribute);
  const bool defined = found != attributes.end();
  switch (expression.operation) {
    case Comparison::kDefined:
      return defined;
    case Comparison::kNotDefined:
      return !defined;
    case Comparison::kNe:
      return !defined || Compare(expression, found->second) != 0;
    case Comparison::kEq:
      return defined && Compare(expression, found->second) == 0;
    case Comparison::kLt:
      return defined && Compare(expression, found->second) < 0;
    case Comparison::kLte:
      return defined && Compare(expression, found->second) <= 0;
    case Comparison::kGt:
      return defined && Compare(expression, found->second) > 0;
    case Comparison::kGte:
      return defined && Compare(expression, found->second) >= 0;
  }
  return false;
}

void Collect(const Rule& rule, std::vector<std::string>& names) {
  for (const Expression& expression : rule.expressions) names.push_back(expression.attribute);
  for (const Rule& inner : rule.rules) Collect(inner, names);
}

}  // namespace

Attributes AllAttributes(const CibNode& node, const Attributes& transient) {
  Attributes out = node.attributes;
  if (node.standby) out.insert_or_assign(std::string(kStandbyAttribute), "true");
  for (const auto& [name, value] : transient) out.insert_or_assign(name, value);
  out.insert_or_assign("#uname", node.name);
  out.insert_or_assign("#id", ToText(node.id));
  out.insert_or_assign("#kind", "cluster");
  return out;
}

bool Holds(const Rule& rule, const Attributes& attributes) {
  const auto expression = [&](const Expression& e) { return Holds(e, attributes); };
  const auto inner = [&](const Rule& r) { return Holds(r, attributes); };
  const auto& parts = rule.expressions;
  const auto& rules = rule.rules;
  if (rule.any) {
    return std::any_of(parts.begin(), parts.end(), expression) ||
           std::any_of(rules.begin(), rules.end(), inner);
  }
  return std::all_of(parts.begin(), parts.end(), expression) &&
         std::all_of(rules.begin(), rules.end(), inner);
}

Score ScoreOf(const LocationRule& rule, const Attributes& attributes) {
  if (rule.score_attribute.empty()) return rule.score;
  const auto found = attributes.find(rule.score_attribute);
  if (found == attributes.end()) return -kInfinity;
  return ScoreOfText(found->second);
}

Score ScoreOfText(std::string_view text) {
  if (CompareTexts(text, "-INFINITY") == 0) return -kInfinity;
  if (CompareTexts(text, "INFINITY") == 0 || CompareTexts(text, "+INFINITY") == 0) return kInfinity;
  const std::int64_t number = LeadingInteger(text).value_or(0);
  return static_cast<Score>(std::clamp<std::int64_t>(number, -kInfinity, kInfinity));
}

bool LooksAtAttributes(const LocationRule& rule) {
  std::vector<std::string> names;
  if (!rule.score_attribute.empty()) names.push_back(rule.score_attribute);
  Collect(rule.rule, names);
  return std::any_of(names.begin(), names.end(), [](const std::string& n) { return n[0] != '#'; });
}

std::string SeenBy(const LocationRule& rule, const Attributes& attributes) {
  std::vector<std::string> names;
  if (!rule.score_attribute.empty()) names.push_back(rule.score_attribute);
  Collect(rule.rule, names);
  std::set<std::string> told;
  std::string out;
  for (const std::string& name : names) {
    if (!told.insert(name).second) continue;
    const auto found = attributes.find(name);
    out += Cat(out.empty() ? "" : ", ", name, " is ",
               found == attributes.end() ? std::string("not defined") : found->second);
  }
  return out;
}

bool IsTrue(std::string_view text) {
  for (const std::string_view yes : {"true", "on", "yes", "y", "1"}) {
    if (CompareTexts(text, yes) == 0) return true;
  }
  return false;
}

}  // namespace fencepost::policy
