#include "membership/cib/rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

template <class E, std::size_t N>
using Words = std::array<std::pair<std::string_view, E>, N>;

constexpr Words<Comparison, 8> kOperations = {{{"lt", Comparison::kLt},
                                               {"lte", Comparison::kLte},
                                               {"eq", Comparison::kEq},
                                               {"ne", Comparison::kNe},
                                               {"gt", Comparison::kGt},
                                               {"gte", Comparison::kGte},
                                               {"defined", Comparison::kDefined},
                                               {"not_defined", Comparison::kNotDefined}}};
constexpr Words<ValueType, 4> kTypes = {{{"string", ValueType::kString},
                                         {"integer", ValueType::kInteger},
                                         {"number", ValueType::kNumber},
                                         {"version", ValueType::kVersion}}};
// That Pacemaker sets for every node, and that are known here.
constexpr std::array<std::string_view, 3> kBuiltIn = {"#id", "#kind", "#uname"};

template <class E, std::size_t N>
E ReadWord(Xml& xml, pugi::xml_node at, const char* attribute, const Words<E, N>& words) {
  const std::string text = xml.Required(at, attribute);
  std::string known;
  for (const auto& [word, value] : words) {
    if (text == word) return value;
    known += Cat(known.empty() ? "" : ", ", word);
  }
  xml.Fail(at, Cat(attribute, "=\"", text, "\" is not supported"), Cat("write one of ", known));
  return E{};
}

void CheckAttributeName(Xml& xml, pugi::xml_node at, const std::string& name) {
  if (std::find(kBuiltIn.begin(), kBuiltIn.end(), name) != kBuiltIn.end()) return;
  if (const auto why = WhyNotAttributeName(name)) {
    xml.Fail(at, Cat("attribute \"", name, "\" ", *why),
             "name an attribute of a node, or #uname, #id or #kind");
  }
}

Expression ReadExpression(Xml& xml, pugi::xml_node at, RuleCount& count) {
  xml.AllowAttributes(at, {"id", "attribute", "operation", "type", "value"});
  xml.AllowChildren(at, {});
  xml.UniqueId(at);
  Expression out;
  out.attribute = xml.Required(at, "attribute");
  if (xml.Failed()) return out;
  CheckAttributeName(xml, at, out.attribute);
  out.operation = ReadWord(xml, at, "operation", kOperations);
  if (at.attribute("type")) out.type = ReadWord(xml, at, "type", kTypes);
  out.value = at.attribute("value").value();
  const bool alone =
      out.operation == Comparison::kDefined || out.operation == Comparison::kNotDefined;
  if (alone && at.attribute("value")) {
    xml.Fail(at, Cat("operation=\"", at.attribute("operation").value(), "\" takes no value"),
             "remove the value, or write eq or ne");
  }
  if (!alone && out.value.empty()) {  // Pacemaker takes an empty one for none
    xml.Fail(at, "<expression> has no value", "add value=\"...\", or write defined or not_defined");
  }
  if (++count.expressions > kMaxExpressions) {
    xml.Fail(at, Cat("there are more than ", kMaxExpressions, " expressions"), "remove some");
  }
  return out;
}

// What a rule is apart from its score.
Rule ReadRule(Xml& xml, pugi::xml_node at, RuleCount& count) {
  xml.AllowChildren(at, {"rule", "expression"});
  Rule out;
  out.id = xml.UniqueId(at);
  const std::string_view op = at.attribute("boolean-op").value();
  if (at.attribute("boolean-op") && op != "and" && op != "or") {
    xml.Fail(at, Cat("boolean-op=\"", op, "\" is not supported"), "write and or or");
  }
  out.any = op == "or";
  if (++count.rules > kMaxRules) {
    xml.Fail(at, Cat("there are more than ", kMaxRules, " rules"), "remove some");
  }
  for (const pugi::xml_node part : at.children()) {
    if (xml.Failed()) return out;
    if (std::string_view(part.name()) == "expression") {
      out.expressions.push_back(ReadExpression(xml, part, count));
    } else {
      // Pacemaker takes no notice of an inner rule's score: it would only mislead.
      xml.AllowAttributes(part, {"id", "boolean-op"});
      out.rules.push_back(ReadRule(xml, part, count));
    }
  }
  if (out.expressions.empty() && out.rules.empty()) {
    xml.Fail(at, Cat("rule ", out.id, " has no expression"), "add an <expression> or remove it");
  }
  return out;
}

}  // namespace

LocationRule ReadLocationRule(Xml& xml, pugi::xml_node at, RuleCount& count) {
  xml.AllowAttributes(at, {"id", "boolean-op", "score", "score-attribute"});
  LocationRule out;
  const bool fixed = !at.attribute("score").empty();
  if (fixed == !at.attribute("score-attribute").empty()) {
    xml.Fail(at, fixed ? "<rule> has both score and score-attribute" : "<rule> has no score",
             "give it score=\"...\" or score-attribute=\"...\"");
    return out;
  }
  if (fixed) {
    const auto score = ParseScore(at.attribute("score").value());
    if (!score) {
      xml.Fail(at, Cat("score=\"", at.attribute("score").value(), "\" is no score"),
               "write a number, INFINITY or -INFINITY");
    }
    out.score = score.value_or(0);
  } else {
    out.score_attribute = xml.Required(at, "score-attribute");
    if (!xml.Failed()) CheckAttributeName(xml, at, out.score_attribute);
  }
  if (!xml.Failed()) out.rule = ReadRule(xml, at, count);
  return out;
}

}  // namespace fencepost::cib
