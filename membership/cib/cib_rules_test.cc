// Rules of location constraints, as they are read and refused.
#include <set>

#include "membership/cib/cib_testing.h"

namespace fencepost::cib {
namespace {

TEST(Cib, RulesAreReadWithTheirExpressionsAndInnerRules) {
  Parts parts;
  parts.resources = Dummy("");
  parts.nodes =
      "<node id='1' uname='a'><instance_attributes id='i'><nvpair id='n' name='site' value='east'/>"
      "</instance_attributes></node>";
  parts.constraints =
      "<rsc_location id='l' rsc='r'>"
      "<rule id='x' score='-INFINITY' boolean-op='or'>"
      "<expression id='e1' attribute='pingd' operation='not_defined'/>"
      "<rule id='y'><expression id='e2' attribute='pingd' operation='lte' value='0' "
      "type='integer'/>"
      "<expression id='e3' attribute='#uname' operation='ne' value='b'/></rule></rule>"
      "<rule id='z' score-attribute='pingd'>"
      "<expression id='e4' attribute='pingd' operation='defined'/></rule></rsc_location>";
  const Cib cib = Parsed(parts.Text());
  EXPECT_EQ(cib.nodes.at(0).attributes, (Attributes{{"site", "east"}}));
  const Rule inner{"y",
                   false,
                   {{"pingd", Comparison::kLte, ValueType::kInteger, "0"},
                    {"#uname", Comparison::kNe, std::nullopt, "b"}},
                   {}};
  const Rule x{"x", true, {{"pingd", Comparison::kNotDefined, std::nullopt, ""}}, {inner}};
  const Rule z{"z", false, {{"pingd", Comparison::kDefined, std::nullopt, ""}}, {}};
  ASSERT_EQ(cib.locations.size(), 1U);
  EXPECT_EQ(cib.locations[0],
            (Location{"l", "r", NodeId(), 0, {{x, -kInfinity, ""}, {z, 0, "pingd"}}}));
  std::set<Bytes> seen = {CanonicalBytes(cib)};
  const auto expect_new = [&](const char* field, auto change) {
    Cib changed = cib;
    change(changed.locations[0].rules);
    EXPECT_TRUE(seen.insert(CanonicalBytes(changed)).second) << field;
  };
  using Rules = std::vector<LocationRule>;
  expect_new("id", [](Rules& r) { r[0].rule.id += "x"; });
  expect_new("and", [](Rules& r) { r[0].rule.any = false; });
  expect_new("score", [](Rules& r) { r[0].score = 1; });
  expect_new("score-attribute", [](Rules& r) { r[1].score_attribute = "speed"; });
  expect_new("attribute", [](Rules& r) { r[0].rule.expressions[0].attribute += "x"; });
  expect_new("operation",
             [](Rules& r) { r[0].rule.expressions[0].operation = Comparison::kDefined; });
  expect_new("type", [](Rules& r) { r[0].rule.rules[0].expressions[0].type = std::nullopt; });
  expect_new("string",
             [](Rules& r) { r[0].rule.rules[0].expressions[1].type = ValueType::kString; });
  expect_new("value", [](Rules& r) { r[0].rule.rules[0].expressions[0].value = "1"; });
  expect_new("inner", [](Rules& r) { r[0].rule.rules.clear(); });
  Cib other = cib;
  other.nodes[0].attributes["site"] = "west";
  EXPECT_TRUE(seen.insert(CanonicalBytes(other)).second) << "node attribute";
}

std::vector<Refusal> RefusalsOfRules() {
  const auto rule = [](std::string_view attributes, std::string_view inside) {
    Parts parts;
    parts.resources = Dummy("");
    parts.constraints = Cat("<rsc_location id='l' rsc='r'><rule id='x' ", attributes, ">", inside,
                            "</rule></rsc_location>");
    return parts;
  };
  const auto expression = [&](std::string_view attributes) {
    return rule("score='1'", Cat("<expression id='e' ", attributes, "/>"));
  };
  const std::string_view fine = "<expression id='e' attribute='p' operation='defined'/>";
  return {
      {"NoScore", rule("", fine), "line 5", "has no score", "score-attribute"},
      {"BothScores", rule("score='1' score-attribute='p'", fine), "line 5", "both", "or"},
      {"AScoreThatIsNone", rule("score='much'", fine), "line 5", "\"much\"", "INFINITY"},
      {"NoExpression", rule("score='1'", ""), "line 5", "rule x has no expression", "add"},
      {"AnotherOperator", rule("score='1' boolean-op='xor'", fine), "line 5", "\"xor\"", "or or"},
      {"ARole", rule("score='1' role='Promoted'", fine), "line 5", "attribute role", "remove"},
      {"ADate", rule("score='1'", "<date_expression id='d' operation='in_range'/>"), "line 5",
       "<date_expression>", "expression"},
      {"AScoreOfAnInnerRule", rule("score='1'", Cat("<rule id='y' score='5'>", fine, "</rule>")),
       "line 5", "attribute score", "boolean-op"},
      {"NoAttribute", expression("operation='defined'"), "line 5", "no attribute", "add"},
      {"ABuiltInThatIsNotHere", expression("attribute='#site-name' operation='defined'"), "line 5",
       "#site-name", "#uname, #id or #kind"},
      {"AnotherOperation", expression("attribute='p' operation='like' value='x'"), "line 5",
       "\"like\"", "not_defined"},
      {"AnotherType", expression("attribute='p' operation='eq' type='date' value='x'"), "line 5",
       "\"date\"", "version"},
      {"AValueSource", expression("attribute='p' operation='eq' value-source='meta' value='x'"),
       "line 5", "value-source", "remove"},
      {"NoValue", expression("attribute='p' operation='lt'"), "line 5", "no value", "defined"},
      {"AnEmptyValue", expression("attribute='p' operation='eq' value=''"), "line 5", "no value",
       "defined"},
      {"AValueTooMany", expression("attribute='p' operation='defined' value='1'"), "line 5",
       "takes no value", "eq"},
  };
}

TEST(CibRefuses, RulesThatAreNotUnderstoodByNameAndLineWithARemedy) {
  for (const Refusal& refusal : RefusalsOfRules()) {
    SCOPED_TRACE(refusal.name);
    ExpectRefused(refusal.parts.Text(), refusal.where, refusal.cause, refusal.remedy);
  }
}

}  // namespace
}  // namespace fencepost::cib
