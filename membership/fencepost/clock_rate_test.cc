#include "membership/fencepost/clock_rate.h"

#include <gmock/gmock.h>

namespace fencepost::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ClockRate, ReadsWhatChronyIsTold) {
  EXPECT_EQ(MaxSlewIn("pool x iburst\n"), std::nullopt);
  EXPECT_EQ(MaxSlewIn("# maxslewrate 500\n! maxslewrate 500\n"), std::nullopt);
  EXPECT_EQ(MaxSlewIn("  MaxSlewRate\t 400.5 \n"), 400.5);
  EXPECT_EQ(MaxSlewIn("maxslewrate 500\nmaxslewrate 1000\n"), 1000.0);
  EXPECT_EQ(MaxSlewIn("maxslewrate fast\nmaxslewrate\n"), std::nullopt);
  EXPECT_THAT(ConfDirsIn("confdir /a /b\nsourcedir /c\n"), ElementsAre("/a", "/b"));
}

TEST(ClockRate, WarnsOfWhatBreaksTheBoundOnDrift) {
  ClockFacts facts;
  EXPECT_THAT(ClockWarnings(facts, 1000), IsEmpty()) << "nothing is seen";
  facts.chrony = true;
  facts.chrony_file = "/etc/chrony/chrony.conf";
  EXPECT_THAT(ClockWarnings(facts, 1000),
              ElementsAre(HasSubstr("not set and so 83333 ppm; leases hold only while no clock is "
                                    "off by more than 500 ppm")));
  facts.max_slew = 500;
  EXPECT_THAT(ClockWarnings(facts, 1000), IsEmpty());
  EXPECT_THAT(ClockWarnings(facts, 999), ElementsAre(HasSubstr("add \"maxslewrate 499\"")));
  facts.rate_ppm = -20000;
  EXPECT_THAT(ClockWarnings(facts, 1000), ElementsAre(HasSubstr("slewed by -20000 ppm now")));
  facts.rate_ppm = 30;
  EXPECT_THAT(ClockWarnings(facts, 1000), IsEmpty());
}

}  // namespace
}  // namespace fencepost::command
