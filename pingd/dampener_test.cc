#include "pingd/dampener.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"

namespace fencepost::ping {
namespace {

using std::chrono::seconds;

constexpr Duration kDampen = seconds(5), kHold = seconds(15);
MonoTime At(double s) { return MonoTime(Millis(static_cast<std::int64_t>(s * 1000))); }

TEST(Dampener, TellsTheFirstScoreAtOnce) {
  Dampener d(kDampen, kHold);
  EXPECT_EQ(d.NextWake(), kNever);
  const auto first = d.Observe(0, At(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->reason, PublishReason::kFirst);
  EXPECT_FALSE(d.Observe(0, At(2))) << "the same score again";
}

TEST(Dampener, AChangeThatStandsIsToldAfterDampen) {
  Dampener d(kDampen, kHold);
  d.Observe(1000, At(0));
  EXPECT_FALSE(d.Observe(0, At(10)));
  EXPECT_EQ(d.NextWake(), At(15));
  EXPECT_FALSE(d.Tick(At(14.999)));
  const auto told = d.Tick(At(15));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->score, 0);
  EXPECT_EQ(told->reason, PublishReason::kSettled);
  EXPECT_EQ(d.NextWake(), kNever);
}

TEST(Dampener, ADipThatHealsIsNeverTold) {
  Dampener d(kDampen, kHold);
  d.Observe(1000, At(0));
  d.Observe(0, At(10));
  d.Observe(1000, At(13));
  EXPECT_FALSE(d.Tick(At(18)));
  EXPECT_EQ(d.published(), 1000);
  EXPECT_EQ(d.NextWake(), kNever);
}

TEST(Dampener, WithoutDampeningEveryChangeIsTold) {
  Dampener d(Duration{}, Duration{});
  d.Observe(1, At(0));
  EXPECT_EQ(d.Observe(2, At(0))->score, 2);
  EXPECT_EQ(d.Observe(3, At(1))->score, 3);
}

// The classic fault: a value that changes faster than dampen restarts the wait for ever.
TEST(Dampener, AScoreThatNeverComesToRestIsToldWhenTheHoldEnds) {
  Dampener d(kDampen, kHold);
  d.Observe(1000, At(0));
  std::optional<Publication> told;
  for (int i = 0; i < 40 && !told; ++i) told = d.Observe(i % 2 == 0 ? 100 : 200, At(1 + i));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->reason, PublishReason::kHeld);
  EXPECT_TRUE(told->score == 100 || told->score == 200) << told->score;
}

struct Flap {
  const char* what;
  int up_ms, down_ms;
  std::int64_t told;  // in the end
};
TEST(Dampener, AFlapEndsWithTheStateThatLastsLonger) {
  for (const Flap& flap : std::vector<Flap>{{"mostly up, fast", 900, 100, 1000},
                                            {"mostly up, slow", 4000, 900, 1000},
                                            {"mostly down, fast", 100, 900, 0},
                                            {"mostly down, slow", 900, 4000, 0},
                                            {"half and half counts as down", 500, 500, 0}}) {
    Dampener d(kDampen, kHold);
    d.Observe(1000, At(0));
    int publications = 0;
    MonoTime now = At(1);
    for (int i = 0; now < At(120); ++i) {
      const bool up = i % 2 == 1;
      publications += d.Observe(up ? 1000 : 0, now) ? 1 : 0;
      const MonoTime next = now + Millis(up ? flap.up_ms : flap.down_ms);
      while (d.NextWake() < next) {
        const MonoTime wake = d.NextWake();
        publications += d.Tick(wake) ? 1 : 0;
        ASSERT_GT(d.NextWake(), wake) << flap.what << ": it would spin";
      }
      now = next;
    }
    EXPECT_EQ(d.published(), flap.told) << flap.what;
    EXPECT_LE(publications, 1) << flap.what << ": the flap came through";
  }
}

// An observer that remembers everything and knows only the promise.
class Witness {
 public:
  void Raw(std::int64_t score, MonoTime now) {
    if (raw_.empty() || raw_.back().second != score) raw_.emplace_back(now, score);
  }
  void Told(std::int64_t score, MonoTime now) {
    ASSERT_TRUE(told_.empty() || told_.back().second != score) << "told twice";
    ASSERT_TRUE(WasTrue(score, now - kDampen, now)) << "told without cause: " << score;
    told_.emplace_back(now, score);
  }
  // Called at every instant at which something may be overdue.
  void Check(MonoTime now) {
    const auto [since, score] = raw_.back();
    if (now - since > kDampen) {
      ASSERT_EQ(told_.back().second, score) << "stood for longer than dampen";
    }
    MonoTime away = now;  // since when the raw score has not been the told one
    for (auto r = raw_.rbegin(); r != raw_.rend() && r->second != told_.back().second; ++r) {
      away = r->first;
    }
    away = std::max(away, told_.back().first);
    ASSERT_LE(now - away, kHold) << "a change was starved";
    longest_away_ = std::max(longest_away_, now - away);
  }
  [[nodiscard]] Duration longest_away() const { return longest_away_; }
  [[nodiscard]] std::size_t told() const { return told_.size(); }

 private:
  [[nodiscard]] bool WasTrue(std::int64_t score, MonoTime from, MonoTime until) const {
    for (std::size_t i = 0; i < raw_.size(); ++i) {
      const MonoTime end = i + 1 < raw_.size() ? raw_[i + 1].first : until;
      if (raw_[i].second == score && end >= from) return true;
    }
    return false;
  }
  std::vector<std::pair<MonoTime, std::int64_t>> raw_, told_;
  Duration longest_away_{};
};

TEST(Dampener, NeverStarvesAndNeverInvents) {
  Duration worst{};
  std::size_t held = 0, settled = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(seed);
    Prng random(seed);
    Dampener d(kDampen, kHold);
    Witness witness;
    MonoTime now = At(0);
    const std::uint64_t values = 2 + random.Below(4), pace = 1 + random.Below(9000);
    for (int i = 0; i < 60; ++i) {
      const auto score = static_cast<std::int64_t>(random.Below(values)) * 100;
      witness.Raw(score, now);
      if (const auto told = d.Observe(score, now)) witness.Told(told->score, now);
      const MonoTime next = now + Millis(1 + random.Below(pace));
      while (d.NextWake() <= next) {
        now = d.NextWake();
        if (const auto told = d.Tick(now)) {
          witness.Told(told->score, now);
          ++(told->reason == PublishReason::kHeld ? held : settled);
        }
        witness.Check(now);
        if (HasFatalFailure()) return;
      }
      now = next;
      witness.Check(now);
      if (HasFatalFailure()) return;
    }
    worst = std::max(worst, witness.longest_away());
  }
  EXPECT_GT(held, 500U) << "holds ended too rarely to prove anything";
  EXPECT_GT(settled, 500U);
  EXPECT_GT(worst, kHold - Millis(500)) << "the bound was never approached";
}

}  // namespace
}  // namespace fencepost::ping
