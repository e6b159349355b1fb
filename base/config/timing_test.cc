#include "base/config/timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace fencepost::config {
namespace {

using testing::ElementsAre;

std::vector<std::string> Broken(const Timing& timing) {
  std::vector<std::string> out;
  for (const Inequality& i : CheckTiming(timing)) {
    if (!i.Holds()) out.emplace_back(i.name);
  }
  return out;
}

TEST(StockTiming, EveryProfileHoldsWithItsWatchdogAndWithout) {
  for (const std::string_view name : kProfileNames) {
    auto timing = StockTiming(name);
    ASSERT_TRUE(timing.has_value()) << name;
    EXPECT_THAT(Broken(*timing), ElementsAre()) << name;
    EXPECT_GT(timing->watchdog, Duration{}) << name;
    timing->watchdog = Duration{};
    EXPECT_THAT(Broken(*timing), ElementsAre()) << name << " without a watchdog";
  }
  EXPECT_FALSE(StockTiming("Fast").has_value());
}

TEST(StockTiming, HasTheTimesThatTheDesignNames) {
  struct Case {
    std::string_view profile;
    int interval, io_timeout, lease, guard;
  };
  for (const Case& c :
       {Case{"fast", 250, 400, 4100, 200}, Case{"default", 1000, 1500, 16000, 500},
        Case{"san", 2000, 5000, 33000, 500}, Case{"slow-san", 2000, 10000, 53000, 500}}) {
    const Timing t = StockTiming(c.profile).value();
    EXPECT_EQ(t.interval, Millis(c.interval)) << c.profile;
    EXPECT_EQ(t.io_timeout, Millis(c.io_timeout)) << c.profile;
    EXPECT_EQ(t.lease, Millis(c.lease)) << c.profile;
    EXPECT_EQ(t.guard, Millis(c.guard)) << c.profile;
    EXPECT_EQ(t.eps, t.guard) << c.profile;
    EXPECT_EQ(t.lease_max, t.lease) << c.profile;
  }
}

TEST(StockTiming, SanRidesOutAPathFailoverOf22Seconds) {  // and not a millisecond more
  Timing t = StockTiming("san").value();
  t.path_failover = Millis(22000);
  EXPECT_THAT(Broken(t), ElementsAre());
  t.path_failover = Millis(22001);
  EXPECT_THAT(Broken(t), ElementsAre("path-failover-unnoticed"));
}

struct Breaking {
  std::string_view name;
  void (*make)(Timing&);  // brings this inequality to exactly zero slack
  void (*one_more)(Timing&);
};

const Breaking kBreaking[] = {
    {"guard-covers-lateness", [](Timing& t) { t.eps = t.guard; },
     [](Timing& t) { t.eps -= Millis(1); }},
    {"restart-wait-covers-lease", [](Timing& t) { t.lease_max = t.lease; },
     [](Timing& t) { t.lease_max -= Millis(1); }},
    {"lease-outlives-failures",  // 16 - 8 = 1 + k*3 + 3 + G with k = 1
     [](Timing& t) { t.guard = t.eps = Millis(1000); }, [](Timing& t) { t.lease -= Millis(1); }},
    {"silence-seen-before-expiry", [](Timing& t) { t.peer_timeout = Millis(6500); },
     [](Timing& t) { t.peer_timeout += Millis(1); }},
    {"fence-fits-lease", [](Timing& t) { t.fence_timeout = Millis(12500); },
     [](Timing& t) { t.fence_timeout += Millis(1); }},
    {"stale-after-three-cycles", [](Timing& t) { t.tko = 12; }, [](Timing& t) { t.tko = 11; }},
    {"silence-after-three-heartbeats", [](Timing& t) { t.peer_timeout = Millis(3500); },
     [](Timing& t) { t.peer_timeout -= Millis(1); }},
    {"watchdog-outlives-two-turns", [](Timing& t) { t.watchdog = Millis(3000); },
     [](Timing& t) { t.watchdog -= Millis(1); }},
    {"path-failover-unnoticed", [](Timing& t) { t.path_failover = Millis(7000); },
     [](Timing& t) { t.path_failover += Millis(1); }},
};

TEST(CheckTiming, RefusesEachInequalityAtOneMillisecondTooLittleAndNoOther) {
  for (const Breaking& b : kBreaking) {
    Timing t = StockTiming("default").value();
    b.make(t);
    EXPECT_THAT(Broken(t), ElementsAre()) << b.name << " at its edge";
    b.one_more(t);
    EXPECT_THAT(Broken(t), ElementsAre(b.name)) << b.name << " beyond its edge";
  }
}

TEST(CheckTiming, HasNoInequalityThatTheTableAboveDoesNotBreak) {
  Timing t = StockTiming("default").value();
  t.path_failover = Millis(1000);
  std::set<std::string_view> known, tested;
  for (const Inequality& i : CheckTiming(t)) {
    known.insert(i.name);
    EXPECT_FALSE(i.breaks.empty() || i.remedy.empty() || i.formula.empty()) << i.name;
  }
  for (const Breaking& b : kBreaking) tested.insert(b.name);
  EXPECT_EQ(known, tested);
}

TEST(CheckTiming, CountsAFailedCycleAsAWholeIntervalWhereTheIntervalIsLonger) {
  Timing t = StockTiming("default").value();
  t.interval = Millis(4000);  // longer than 2*O = 3s: 16 - 8 < 4 + 4 + 3 + 0.5
  t.watchdog = Millis(10000);
  const auto all = CheckTiming(t);
  EXPECT_EQ(all[2].name, "lease-outlives-failures");
  EXPECT_EQ(all[2].right, Millis(11500));
}

TEST(Timing, HandsTheLeaseItsOwnTimes) {
  const Timing t = StockTiming("fast").value();
  EXPECT_EQ(t.Lease(), (LeaseTimes{Millis(4100), Millis(4100), 1000, Millis(200)}));
  EXPECT_EQ(MonoTime{} + t.VoterWait(), VoterDeadline(MonoTime{}, t.Lease()));
}

TEST(WorstFailover, AddsUpTheStepsOfEachFault) {
  const Timing t = StockTiming("default").value();
  // C = 4s, V = 16s * 1.001 + 0.5s, rounded up by Inflate; bid = max(4.5, 12 + 4, V) = V.
  const Duration v = t.VoterWait(), c = Millis(4000), f = Millis(10000);
  const auto worst = WorstFailover(t);
  ASSERT_EQ(worst.size(), 4U);
  EXPECT_EQ(worst[0].worst, v + c + f + c);
  EXPECT_EQ(worst[1].worst, v + c + v + 2 * c + f);
  EXPECT_EQ(worst[2].worst, Millis(4500) + 6 * c + f);
  EXPECT_EQ(worst[3].worst, worst[1].worst);
  const Timing san = StockTiming("san").value();  // here staleness decides: 36 + 12 > V
  EXPECT_EQ(WorstFailover(san)[0].worst, Millis(48000 + 12000 + 20000 + 12000));
}

}  // namespace
}  // namespace fencepost::config
