#include "pingd/watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/config/ping.h"
#include "base/prng.h"

namespace fencepost::ping {
namespace {

using std::chrono::seconds;

config::PingConfig Config(std::vector<std::string> hosts) {
  config::PingConfig config;
  config.multiplier = 100;
  for (const std::string& host : hosts) {
    config.targets.push_back(config::ParsePingHost(host).value());
  }
  return config;
}

// A Watch, and a world that decides about each probe whether and when it is answered.
class World {
 public:
  using Answer = std::function<std::optional<Duration>(MonoTime, const SendProbe&)>;
  World(config::PingConfig config, Answer answer) : watch(std::move(config)), answer_(answer) {
    Perform(watch.Step(now, Start{}));
  }
  void Run(Duration time) {
    const MonoTime end = now + time;
    while (true) {
      const MonoTime wake = watch.NextWake();
      const MonoTime arrival = arriving.empty() ? kNever : arriving.begin()->first;
      const MonoTime next = std::min(wake, arrival);
      if (next > end) break;
      now = std::max(now, next);
      if (arrival <= wake) {
        const Answered event = arriving.begin()->second;
        arriving.erase(arriving.begin());
        Perform(watch.Step(now, event));
      } else {
        Perform(watch.Step(now, Tick{}));
      }
    }
    now = end;
  }
  void Perform(std::vector<Effect> effects) {
    for (Effect& effect : effects) {
      if (const auto* probe = std::get_if<SendProbe>(&effect)) {
        ++sent[probe->target];
        EXPECT_GT(probe->probe, last_probe) << "a probe's number is used once";
        last_probe = probe->probe;
        addresses[probe->target] = probe->address;
        if (const auto delay = answer_(now, *probe)) {
          arriving.emplace(now + *delay, Answered{probe->target, probe->probe});
        }
      } else if (const auto* resolve = std::get_if<Resolve>(&effect)) {
        asked.push_back(resolve->target);
      } else if (const auto* publication = std::get_if<Publication>(&effect)) {
        told.emplace_back(now, publication->score);
      } else {
        facts.push_back(std::get<Fact>(effect).Text());
      }
    }
  }
  [[nodiscard]] bool Said(const std::string& part) const {
    return std::any_of(facts.begin(), facts.end(), [&](const std::string& fact) {
      return fact.find(part) != std::string::npos;
    });
  }

  MonoTime now{seconds(1000)};
  Watch watch;
  std::multimap<MonoTime, Answered> arriving;
  std::map<TargetIndex, int> sent;
  std::map<TargetIndex, std::string> addresses;
  std::vector<TargetIndex> asked;
  std::vector<std::pair<MonoTime, std::int64_t>> told;
  std::vector<std::string> facts;
  ProbeId last_probe = 0;

 private:
  Answer answer_;
};

constexpr MonoTime kBegin{seconds(1000)};
std::optional<Duration> Always(MonoTime, const SendProbe&) { return Millis(1); }
std::optional<Duration> Never(MonoTime, const SendProbe&) { return std::nullopt; }

TEST(Watch, FirstScoreComesWhenEveryTargetIsKnown) {
  World world(Config({"10.0.0.1", "10.0.0.2"}), [](MonoTime, const SendProbe& p) {
    return p.target == 0 ? std::optional<Duration>(Millis(1)) : std::nullopt;
  });
  world.Run(Millis(3999));
  EXPECT_TRUE(world.told.empty()) << "half of the world is not known yet";
  EXPECT_FALSE(world.watch.RawScore());
  world.Run(Millis(1));  // 2 attempts of 2 s
  ASSERT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.told[0].second, 100);
  EXPECT_TRUE(world.Said("ping-target-lost target=10.0.0.2"));
}

TEST(Watch, ARoundEachIntervalAndNoPublicationWithoutCause) {
  World world(Config({"10.0.0.1"}), Always);
  world.Run(seconds(100));
  EXPECT_NEAR(world.sent[0], 100, 2);
  EXPECT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.watch.target(0).rtt, Duration(Millis(1)));
}

TEST(Watch, LossAndReturnAreToldOnceEach) {
  bool cut = false;
  World world(Config({"10.0.0.1"}), [&](MonoTime, const SendProbe&) {
    return cut ? std::nullopt : std::optional<Duration>(Millis(1));
  });
  world.Run(seconds(10));
  cut = true;
  world.Run(seconds(20));
  cut = false;
  world.Run(seconds(20));
  ASSERT_EQ(world.told.size(), 3U);
  EXPECT_EQ(world.told[1].second, 0);
  EXPECT_LE(world.told[1].first, kBegin + seconds(10 + 1 + 4 + 5)) << "interval, round, dampen";
  EXPECT_EQ(world.told[2].second, 100);
  EXPECT_LE(world.told[2].first, kBegin + seconds(30 + 4 + 1 + 5));
  EXPECT_TRUE(world.Said("ping-target-back"));
}

// The classic daemon probed one host after the other: 100 dead hosts delayed everything by minutes.
TEST(Watch, HowLongALossTakesDoesNotDependOnHowManyAreLost) {
  std::vector<std::string> hosts;
  for (int i = 1; i <= 500; ++i) hosts.push_back(Cat("10.0.", i / 250, ".", i % 250 + 1));
  bool cut = false;
  World world(Config(hosts), [&](MonoTime, const SendProbe& p) {
    return cut || p.target == 3 ? std::nullopt : std::optional<Duration>(Millis(1));
  });
  world.Run(seconds(10));
  cut = true;
  world.Run(seconds(11));
  ASSERT_EQ(world.told.size(), 2U);
  EXPECT_EQ(world.told[1].second, 0);
}

TEST(Watch, OneAnswerOfARoundIsEnough) {
  int n = 0;
  World world(Config({"10.0.0.1"}), [&](MonoTime, const SendProbe&) {
    return ++n % 2 == 0 ? std::optional<Duration>(Millis(5)) : std::nullopt;
  });
  world.Run(seconds(60));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
  EXPECT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.watch.target(0).lost_rounds, 0U);
}

TEST(Watch, AnAnswerToTheFirstAttemptCountsDuringTheSecond) {
  World world(Config({"10.0.0.1"}),
              [](MonoTime, const SendProbe&) { return std::optional<Duration>(Millis(2500)); });
  world.Run(seconds(30));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
}

TEST(Watch, AnAnswerToAnOlderRoundDoesNotCount) {
  config::PingConfig config = Config({"10.0.0.1"});
  config.attempts = 1;
  World world(config,
              [](MonoTime, const SendProbe&) { return std::optional<Duration>(Millis(2100)); });
  world.Run(seconds(30));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kDown);
  EXPECT_EQ(world.watch.target(0).answered, 0U);
}

TEST(Watch, HysteresisWantsRoundsInARow) {
  config::PingConfig config = Config({"10.0.0.1"});
  config.attempts = 1;
  config.timeout = Millis(500);
  config.lose_after = 3;
  config.return_after = 2;
  std::vector<int> lost;  // rounds
  int round = 0;
  World world(config, [&](MonoTime, const SendProbe&) {
    return std::count(lost.begin(), lost.end(), round++) > 0 ? std::nullopt
                                                             : std::optional<Duration>(Millis(1));
  });
  lost = {5, 6, 8, 9};
  world.Run(seconds(12));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp) << "never three in a row";
  lost = {20, 21, 22, 24};
  world.Run(Millis(10'700));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kDown);
  world.Run(seconds(3));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kDown) << "23 good, 24 not";
  world.Run(seconds(1));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
}

TEST(Watch, ANameThatDoesNotResolveIsATargetThatDoesNotAnswer) {
  World world(Config({"10.0.0.1", "no-such.example"}), Always);
  ASSERT_EQ(world.asked, std::vector<TargetIndex>{1});
  world.Run(Millis(500));
  world.Perform(world.watch.Step(world.now, Resolved{1, {}, "no such name"}));
  world.Run(seconds(4));
  ASSERT_EQ(world.told.size(), 1U) << "it withholds the score no longer than a lost target";
  EXPECT_EQ(world.told[0].second, 100);
  EXPECT_EQ(world.sent.count(1), 0U);
  EXPECT_TRUE(world.Said("target=no-such.example cause=\"no such name\"")) << world.facts[0];
  world.Run(seconds(10));
  EXPECT_GE(world.asked.size(), 2U) << "it is asked again";
  world.Perform(world.watch.Step(world.now, Resolved{1, {"10.0.0.7"}, ""}));
  world.Run(seconds(12));
  EXPECT_EQ(world.told.back().second, 200);
  EXPECT_EQ(world.addresses[1], "10.0.0.7");
}

TEST(Watch, ANameServerThatIsAwayDoesNotLoseATarget) {
  World world(Config({"router.example"}), Always);
  world.Perform(world.watch.Step(world.now, Resolved{0, {"10.0.0.1"}, ""}));
  for (int i = 0; i < 300; ++i) {
    world.Run(seconds(1));
    if (world.asked.size() > 1) {
      world.asked.resize(1);
      world.Perform(world.watch.Step(world.now, Resolved{0, {}, "name server timed out"}));
    }
  }
  EXPECT_EQ(world.told.size(), 1U);
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
}

TEST(Watch, TheNextAddressOfANameIsTriedWhenOneIsLost) {
  World world(Config({"router.example"}), [](MonoTime, const SendProbe& p) {
    return p.address == "10.0.0.3" ? std::optional<Duration>(Millis(1)) : std::nullopt;
  });
  world.Perform(world.watch.Step(world.now, Resolved{0, {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, ""}));
  world.Run(seconds(30));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
  EXPECT_EQ(world.told.back().second, 100);
}

TEST(Watch, APausedProcessDoesNotTakeItsOwnSilenceForLoss) {
  config::PingConfig config = Config({"10.0.0.1"});
  config.attempts = 1;
  World world(config, Always);
  world.Run(Millis(10'000));
  world.arriving.clear();
  ASSERT_EQ(world.watch.NextWake(), world.now + config.timeout) << "a probe was just sent";
  world.now += seconds(60);  // nothing ran meanwhile; its timer is called before its socket
  world.Run(seconds(30));
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUp);
  EXPECT_EQ(world.watch.target(0).lost_rounds, 0U);
  EXPECT_FALSE(world.Said("ping-target-lost"));
}

TEST(Watch, TroubleIsToldAsTheCause) {
  World world(Config({"10.0.0.1"}), Never);
  world.Run(Millis(100));
  world.Perform(world.watch.Step(world.now, Trouble{0, world.last_probe, "no route to host"}));
  world.Run(seconds(5));
  EXPECT_TRUE(world.Said("cause=\"no route to host\""));
}

TEST(Watch, NonsenseFromOutsideIsIgnored) {
  World world(Config({"10.0.0.1"}), Never);
  world.Run(Millis(100));
  for (const Event& event : std::vector<Event>{
           Answered{7, 1}, Answered{0, 999}, Answered{0, 0}, Resolved{7, {"10.0.0.1"}, ""},
           Resolved{0, {"10.9.9.9"}, ""}, Trouble{7, 1, "?"}, Trouble{0, 0, "?"}}) {
    EXPECT_TRUE(world.watch.Step(world.now, event).empty());
  }
  EXPECT_EQ(world.watch.target(0).state, TargetState::kUnknown);
}

// Whatever the network does: a loss or return that stays is told within the promised bound, and
// what is told was true.
TEST(Watch, AStandingChangeIsToldInTime) {
  int changes = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Prng random(seed);
    config::PingConfig config = Config({"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"});
    config.attempts = 1 + static_cast<std::uint32_t>(random.Below(3));
    config.timeout = Millis(100 + random.Below(900));
    config.lose_after = 1 + static_cast<std::uint32_t>(random.Below(3));
    config.return_after = 1 + static_cast<std::uint32_t>(random.Below(3));
    config.dampen = Millis(random.Below(3000));
    config.hold = 3 * config.dampen;
    std::vector<std::uint64_t> loss(4);  // percent
    World world(config, [&](MonoTime, const SendProbe& p) {
      const bool lost = random.Below(100) < loss[p.target];
      const Duration most = config.timeout - Millis(1);
      return lost ? std::nullopt
                  : std::optional<Duration>(
                        Duration(1 + static_cast<std::int64_t>(
                                         random.Below(static_cast<std::uint64_t>(most.count())))));
    });
    const Duration round = std::max(config.interval, config.timeout * config.attempts);
    const auto rounds = std::max(config.lose_after, config.return_after) + 1;
    const Duration bound = round * rounds + config.dampen + Millis(50);
    for (int phase = 0; phase < 6; ++phase) {
      for (auto& percent : loss) percent = random.Below(100);  // unrest
      world.Run(Millis(random.Below(20'000)));
      std::int64_t score = 0;
      for (auto& percent : loss) {
        percent = random.OneIn(2) ? 100 : 0;
        score += percent == 0 ? 100 : 0;
      }
      const std::size_t before = world.told.size();
      world.Run(bound);
      ASSERT_EQ(world.watch.RawScore(), score);
      ASSERT_EQ(world.told.back().second, score);
      changes += world.told.size() > before ? 1 : 0;
      const std::size_t settled = world.told.size();
      world.Run(seconds(30));
      ASSERT_EQ(world.told.size(), settled) << "nothing changed any more";
    }
  }
  EXPECT_GT(changes, 800);
}

}  // namespace
}  // namespace fencepost::ping
