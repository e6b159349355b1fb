#include "base/attributes.h"

#include <gtest/gtest.h>

namespace fencepost {
namespace {

TEST(Attributes, NamesThatFitEverywhere) {
  for (const char* name : {"pingd", "ping-2", "site.name", "master-r:0", "_x", "9"}) {
    EXPECT_EQ(WhyNotAttributeName(name), std::nullopt) << name;
  }
  const std::string longest(kMaxAttributeNameBytes, 'x');
  EXPECT_EQ(WhyNotAttributeName(longest), std::nullopt);
  for (const std::string& name :
       {std::string(), longest + "x", std::string("#uname"), std::string("a b"), std::string("-x"),
        std::string("\xC3\xA9"), std::string("maintenance"), std::string("fail-count-ip")}) {
    EXPECT_NE(WhyNotAttributeName(name), std::nullopt) << name;
  }
}

TEST(Attributes, ValuesThatFitEverywhere) {
  const std::string longest(kMaxAttributeValueBytes, 'x');
  EXPECT_EQ(WhyNotAttributeValue(longest), std::nullopt);
  EXPECT_EQ(WhyNotAttributeValue("1000 <of> \"many\""), std::nullopt);
  for (const std::string& value : {std::string(), longest + "x", std::string("a\nb"),
                                   std::string("a\0b", 3), std::string("\x7F")}) {
    EXPECT_NE(WhyNotAttributeValue(value), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace fencepost
