// What nodes see of the world moves services: never twice for one loss, never when all lost alike;
// and it decides which side of a split should win.
#include <gtest/gtest.h>

#include "base/text.h"
#include "tests/sim/scene_testing.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

class Pinged : public Scene {
 protected:
  void Bring(ClusterSettings settings) {
    Make(settings);
    cluster_->StartAll();
    cluster_->Run(seconds(1));
    for (const auto& node : cluster_->nodes()) Sees(*node, 1000);
    ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->Healthy(); }))
        << cluster_->WhyNotHealthy();
    cluster_->Run(seconds(10));
    active_ = cluster_->Active();
    ASSERT_NE(active_, 0);
    passive_ = active_ == 1 ? 2 : 1;
    stopped_ = Stopped();
  }
  void BringWithRule() {
    ClusterSettings settings;
    settings.follow_pingd = true;
    Bring(settings);
  }
  static void Sees(Node& node, int targets) { node.SetAttribute("pingd", ToText(targets)); }
  [[nodiscard]] int Stopped() const { return cluster_->Told("SERVICE-STOPPED"); }
  // Each move stops both services once.
  [[nodiscard]] int Moves() const { return (Stopped() - stopped_) / 2; }

  int stopped_ = 0;
};

TEST_F(Pinged, BothLoseTheRouterOneAfterTheOtherAndNothingMovesOrStops) {
  for (const bool active_first : {true, false}) {
    BringWithRule();
    for (const int skew_ms : {0, 300, 1500, 2500}) {
      Sees(active_first ? active() : passive(), 0);
      cluster_->Run(Millis(skew_ms));
      Sees(active_first ? passive() : active(), 0);
      cluster_->Run(seconds(20));
      Sees(active_first ? passive() : active(), 1000);
      cluster_->Run(Millis(skew_ms));
      Sees(active_first ? active() : passive(), 1000);
      cluster_->Run(seconds(20));
      EXPECT_EQ(Stopped(), stopped_) << "skew " << skew_ms;
      EXPECT_TRUE(cluster_->AllOn(active_));
    }
    for (const std::string& violation : cluster_->violations()) ADD_FAILURE() << violation;
  }
}

TEST_F(Pinged, OneLosesItAndTheServicesMoveOnceAndStayWhenItIsBack) {
  BringWithRule();
  Sees(active(), 0);
  const auto took = cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(passive_); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, seconds(8));
  EXPECT_GE(*took, seconds(3)) << "it waits for the other to say the same";
  cluster_->Run(seconds(20));
  Sees(active(), 1000);
  cluster_->Run(seconds(60));
  EXPECT_TRUE(cluster_->AllOn(passive_));
  EXPECT_EQ(Moves(), 1);
  EXPECT_EQ(cluster_->oracle().shots(), 0);
}

TEST_F(Pinged, AFlappingTargetMovesAtMostOnce) {
  for (const int half_ms : {200, 1000, 2900, 3500, 10'000}) {
    BringWithRule();
    for (Duration ran{}; ran < seconds(90); ran += 2 * Millis(half_ms)) {
      Sees(active(), 0);
      cluster_->Run(Millis(half_ms));
      Sees(active(), 1000);
      cluster_->Run(Millis(half_ms));
    }
    cluster_->Run(seconds(20));
    EXPECT_LE(Moves(), 1) << "half a period is " << half_ms << " ms";
    EXPECT_NE(cluster_->Active(), 0);
    for (const std::string& violation : cluster_->violations()) ADD_FAILURE() << violation;
  }
}

TEST_F(Pinged, FencepostdStartedAnewIsGivenTimeToBeToldOfAttributes) {
  BringWithRule();
  for (Node* node : {&active(), &passive()}) {
    node->KillMember();
    cluster_->Run(Millis(300));
    node->StartMember();
    cluster_->Run(seconds(2));
    Sees(*node, 1000);  // pingd has noticed, and says it again
    cluster_->Run(seconds(15));
  }
  ExpectHealthySoon();
  EXPECT_EQ(Stopped(), stopped_) << "services were stopped for want of an attribute";
}

TEST_F(Pinged, OfTwoSidesTheOneThatStillSeesTheWorldWins) {
  for (const bool lost_before : {true, false}) {
    ClusterSettings settings;
    settings.score_attribute = "pingd";
    Bring(settings);
    if (lost_before) {
      Sees(active(), 0);
      cluster_->Run(seconds(10));
      ASSERT_TRUE(cluster_->AllOn(active_)) << "no rule moves anything";
    }
    cluster_->Split(NodeId(1), NodeId(2));
    if (!lost_before) {
      cluster_->Run(seconds(5));
      ASSERT_TRUE(cluster_->AllOn(active_)) << "alike, the holder stays";
      Sees(active(), 0);
    }
    const auto took = cluster_->RunUntil(seconds(30), [&] { return cluster_->AllOn(passive_); });
    ASSERT_TRUE(took) << "lost before: " << lost_before;
    for (const auto& [by, target] : cluster_->oracle().shot()) EXPECT_NE(target, passive().id());
    for (const std::string& violation : cluster_->violations()) ADD_FAILURE() << violation;
  }
}

}  // namespace
}  // namespace fencepost::sim
