// A cluster brought up, for directed schedules: who runs the services, and what must hold at the
// end whatever happened.
//
// Promise: a test that ends without violation of an oracle; a failure prints the timeline.
#pragma once
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "tests/sim/cluster.h"

namespace fencepost::sim {

class Scene : public testing::Test {
 protected:
  void TearDown() override {
    if (!cluster_) return;
    for (const std::string& violation : cluster_->violations()) ADD_FAILURE() << violation;
    if (HasFailure()) std::printf("%s", cluster_->journal().Text().c_str());
  }
  void Make(const ClusterSettings& settings) { cluster_ = std::make_unique<Cluster>(settings); }
  void Bring(const ClusterSettings& settings = {}) {
    Make(settings);
    cluster_->StartAll();
    ASSERT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->Healthy(); }))
        << cluster_->WhyNotHealthy();
    cluster_->Run(std::chrono::seconds(3));
    active_ = cluster_->Active();
    ASSERT_NE(active_, 0);
    passive_ = active_ == 1 ? 2 : 1;
  }
  [[nodiscard]] Node& active() { return cluster_->node(active_); }
  [[nodiscard]] Node& passive() { return cluster_->node(passive_); }
  void ExpectHealthySoon() {
    EXPECT_TRUE(cluster_->RunUntil(cluster_->Bound(), [&] { return cluster_->Healthy(); }))
        << cluster_->WhyNotHealthy();
  }

  std::unique_ptr<Cluster> cluster_;
  int active_ = 0, passive_ = 0;
};

}  // namespace fencepost::sim
