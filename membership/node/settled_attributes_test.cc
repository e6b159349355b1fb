#include "membership/node/settled_attributes.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::node {
namespace {

constexpr NodeId kA{1}, kB{2};
constexpr Duration kSettle = Millis(3000);

struct View {
  SettledAttributes settled{kSettle};
  std::map<NodeId, Attributes> current;
  MonoTime now{};

  View() {
    current[kA]["pingd"] = current[kB]["pingd"] = "1000";
    settled.See(now, current);
    After(kSettle);
  }
  bool After(Duration d) { return settled.See(now += d, current); }
  std::string Seen(NodeId node) { return settled.Of(node).find("pingd")->second; }
};

TEST(SettledAttributes, ANodeThatIsHeardAnewIsUnknownUntilItsAttributesSettled) {
  SettledAttributes settled(kSettle);
  EXPECT_FALSE(settled.See(MonoTime(), {{kA, {}}}));
  EXPECT_FALSE(settled.IsKnown(kA)) << "what sets them may not have come to it";
  EXPECT_EQ(settled.wake_at(), MonoTime(kSettle));
  EXPECT_TRUE(settled.See(MonoTime(kSettle), {{kA, {}}}));
  EXPECT_TRUE(settled.IsKnown(kA));
  EXPECT_EQ(settled.wake_at(), kNever);
  EXPECT_TRUE(settled.See(MonoTime(kSettle), {}));
  EXPECT_FALSE(settled.IsKnown(kA)) << "forgotten at once with its node";
}

TEST(SettledAttributes, TwoLossesOneAfterTheOtherAreSeenAtOnce) {
  View v;
  v.current[kA]["pingd"] = "0";
  EXPECT_FALSE(v.After(Millis(100)));
  v.current[kB]["pingd"] = "0";
  EXPECT_FALSE(v.After(Millis(2900)));
  EXPECT_FALSE(v.After(Millis(2900)));
  EXPECT_EQ(v.Seen(kA), "1000");
  EXPECT_TRUE(v.After(Millis(100)));
  EXPECT_EQ(v.Seen(kA), "0");
  EXPECT_EQ(v.Seen(kB), "0");
  EXPECT_FALSE(v.settled.IsSettling());
}

TEST(SettledAttributes, WhatGoesBackWasNoChange) {
  View v;
  for (int i = 0; i < 50; ++i) {
    v.current[kA]["pingd"] = i % 2 == 0 ? "0" : "1000";
    EXPECT_FALSE(v.After(Millis(2000)));
    EXPECT_EQ(v.Seen(kA), "1000");
  }
}

TEST(SettledAttributes, AChangeThatLastsIsNotHeldUpByOneThatFlaps) {
  View v;
  v.current[kA]["pingd"] = "0";
  Duration waited{};
  for (int i = 0; !v.After(Millis(500)); ++i) {
    v.current[kB]["noise"] = i % 2 == 0 ? "x" : "y";
    waited += Millis(500);
    ASSERT_LE(waited, SettledAttributes::kMaxSettles * kSettle) << "starved";
  }
  EXPECT_EQ(v.Seen(kA), "0");
}

TEST(SettledAttributes, EveryViewWasTrueWhenItWasTakenAndComesInTime) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Prng random(seed);
    View v;
    MonoTime differs = kNever;
    for (int i = 0; i < 2000; ++i) {
      if (random.OneIn(3)) {
        v.current[random.OneIn(2) ? kA : kB]["pingd"] = random.OneIn(2) ? "0" : "1000";
      }
      const bool changed = v.After(Millis(static_cast<std::int64_t>(random.Below(2500))));
      const bool same =
          v.Seen(kA) == v.current[kA]["pingd"] && v.Seen(kB) == v.current[kB]["pingd"];
      if (changed) {
        ASSERT_TRUE(same);
      }
      if (same) {
        differs = kNever;
      } else if (differs == kNever) {
        differs = v.now;
      }
      ASSERT_TRUE(same || v.now - differs < SettledAttributes::kMaxSettles * kSettle);
    }
  }
}

}  // namespace
}  // namespace fencepost::node
