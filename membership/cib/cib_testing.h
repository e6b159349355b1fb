// Small configurations for tests of the CIB's parser, and what a refusal must say.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "membership/cib/cib.h"

namespace fencepost::cib {

// A small configuration whose parts can be replaced, one line each.
struct Parts {
  std::string options, nodes = "<node id='1' uname='a'/><node id='2' uname='b'/>", resources,
                       constraints, defaults;
  [[nodiscard]] std::string Text() const {
    return Cat("<cib><configuration>\n<crm_config><cluster_property_set id='o'>", options,
               "</cluster_property_set></crm_config>\n<nodes>", nodes, "</nodes>\n<resources>",
               resources, "</resources>\n<constraints>", constraints,
               "</constraints>\n<rsc_defaults><meta_attributes id='d'>", defaults,
               "</meta_attributes></rsc_defaults>\n</configuration></cib>");
  }
};

inline std::string Dummy(std::string_view inside) {
  return Cat("<primitive id='r' class='ocf' provider='heartbeat' type='Dummy'>", inside,
             "</primitive>");
}
inline std::string Device(std::string_view pairs) {
  return Cat("<primitive id='f' class='stonith' type='fence_dummy'><instance_attributes id='fi'>",
             pairs, "</instance_attributes></primitive>");
}

inline Cib Parsed(const std::string& text) {
  const auto cib = ParseCib(text, "cib.xml");
  EXPECT_TRUE(cib) << (cib ? "" : cib.error().Text());
  return cib ? *cib : Cib{};
}

struct Refusal {
  const char* name;
  Parts parts;
  const char* where;
  const char* cause;
  const char* remedy;
};

inline Parts WithResources(std::string resources) {
  Parts parts;
  parts.resources = std::move(resources);
  return parts;
}

inline void ExpectRefused(const std::string& text, std::string_view where, std::string_view cause,
                          std::string_view remedy) {
  const auto cib = ParseCib(text, "cib.xml");
  ASSERT_FALSE(cib) << text;
  const Error& error = cib.error();
  EXPECT_EQ(error.what, where.empty() ? "cib.xml" : Cat("cib.xml ", where)) << error.Text();
  EXPECT_THAT(error.cause, testing::HasSubstr(std::string(cause)));
  EXPECT_THAT(error.remedy, testing::HasSubstr(std::string(remedy))) << error.Text();
  EXPECT_THAT(error.Text(), testing::Not(testing::HasSubstr("hunter2")))
      << "no secret in a message";
}

}  // namespace fencepost::cib
