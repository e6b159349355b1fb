// What a fence covers, unfencing before anything runs, and the words of operators and tools.
#include <gtest/gtest.h>

#include "membership/node/member_world.h"

namespace fencepost::node {
namespace {

constexpr int kA = 0, kB = 1;
constexpr Duration kSettle = std::chrono::seconds(30);

class MemberFencing : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(world_.violations().empty()) << world_.violations().front();
    if (HasFailure()) std::printf("%s", world_.Timeline().c_str());
  }
  // Devices "scsi-1", "scsi-2" that cut a node off from storage only.
  void OnlyStorageFencing() {
    world_.change_cib = [](Cib& cib) {
      for (std::size_t i = 0; i < cib.fence_devices.size(); ++i) {
        FenceDevice& device = cib.fence_devices[i];
        device.id = Cat("scsi-", i + 1);
        device.agent = "fence_scsi";
        device.scope = FenceScope::kStorage;
        device.unfencing = true;
      }
    };
  }
  bool AllOn(int i) { return world_.Runs(i, "address") && world_.Runs(i, "database"); }
  void Bring() {
    world_.PowerOn(kA);
    world_.PowerOn(kB);
    ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA) || AllOn(kB); }));
    world_.Run(std::chrono::seconds(3));
    active_ = AllOn(kA) ? kA : kB;
    passive_ = 1 - active_;
  }
  static NodeId Id(int i) { return NodeId(static_cast<std::uint8_t>(i + 1)); }

  MemberWorld world_;
  int active_ = kA, passive_ = kB;
};

TEST_F(MemberFencing, WhoIsCutOffFromStorageAloneMayStillRunTheRest) {
  OnlyStorageFencing();
  Bring();
  world_.node(active_).frozen = true;
  ASSERT_TRUE(world_.RunUntil(kSettle, [&] { return world_.IsCutOff(active_); }));
  world_.Run(std::chrono::seconds(30));
  EXPECT_FALSE(AllOn(passive_)) << "the address is still there, on a node that is not off";
  EXPECT_GE(world_.Told(passive_, "fencing-failed"), 1);
}

TEST(MemberHandOver, TheMajorityGuardGoesOnWithTheCountOfTheOneBefore) {
  MemberWorld world(3);
  for (const int i : {0, 1, 2}) world.PowerOn(i);
  const auto coordinator = [&] {
    for (const int i : {0, 1, 2}) {
      if (!world.node(i).frozen && world.Quorate(i)) return i;
    }
    return -1;
  };
  ASSERT_TRUE(world.RunUntil(kSettle, [&] {
    return coordinator() >= 0 && world.Told(coordinator(), "member-joined") == 2;
  }));
  world.Run(std::chrono::seconds(3));
  const int before = coordinator(), shot = (before + 1) % 3, last = (before + 2) % 3;
  world.node(shot).frozen = true;
  ASSERT_TRUE(world.RunUntil(kSettle, [&] { return world.fenced().size() == 1; }));
  world.Run(std::chrono::seconds(3));
  world.node(before).frozen = true;
  ASSERT_TRUE(world.RunUntil(2 * kSettle, [&] { return coordinator() == last; }));
  world.Run(kSettle);
  EXPECT_EQ(world.fenced().size(), 1U) << "two of three would be more than half";
  EXPECT_GE(world.Told(last, "fencing-failed"), 1);
}

TEST_F(MemberFencing, WhatNeedsOnlyStorageIsRecoveredWhenThatIsCutOff) {
  OnlyStorageFencing();
  const auto scsi = world_.change_cib;
  world_.change_cib = [scsi](Cib& cib) {
    scsi(cib);
    for (Group& group : cib.groups) {
      for (Primitive& member : group.members) member.needs = {false, true, false};
    }
  };
  world_.storage_is_all = true;
  Bring();
  world_.node(active_).frozen = true;
  ASSERT_TRUE(world_.RunUntil(2 * kSettle, [&] { return AllOn(passive_); }));
  EXPECT_TRUE(world_.IsCutOff(active_));
  EXPECT_EQ(world_.Told(passive_, "fencing-failed"), 0);
}

TEST_F(MemberFencing, NothingStartsBeforeTheNodeIsUnfenced) {
  OnlyStorageFencing();
  world_.unfencing_works = false;
  world_.PowerOn(kA);
  world_.PowerOn(kB);
  world_.Run(kSettle);
  EXPECT_FALSE(world_.Runs(kA, "address") || world_.Runs(kB, "address"));
  EXPECT_GE(world_.Told(kA, "unfencing-failed"), 2) << "it is tried again";
  world_.unfencing_works = true;
  EXPECT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(kA) || AllOn(kB); }));
}

TEST_F(MemberFencing, AnOperatorsWordRecoversWhatNoDeviceCanProve) {
  Bring();
  world_.bmc_works = false;
  world_.PowerOff(active_);
  world_.Run(kSettle);
  ASSERT_FALSE(AllOn(passive_));
  ASSERT_TRUE(world_.Quorate(passive_));
  world_.Say(passive_, event::Confirm{Id(active_), "alice", "pulled both cords"});
  EXPECT_TRUE(world_.RunUntil(kSettle, [&] { return AllOn(passive_); }));
  EXPECT_EQ(world_.Told(passive_, "confirmed-off-by-hand"), 1);
}

TEST_F(MemberFencing, AnOperatorsWordOnALivingNodeIsNotTaken) {
  Bring();
  Member& coordinator = *world_.node(world_.Quorate(kA) ? kA : kB).member;
  const int coordinates = world_.Quorate(kA) ? kA : kB, other = 1 - coordinates;
  EXPECT_NE(coordinator.WhyNotConfirmed(Id(other))->cause.find("heard"), std::string::npos);
  EXPECT_TRUE(world_.node(other).member->WhyNotConfirmed(Id(coordinates)));
  EXPECT_TRUE(coordinator.WhyNotConfirmed(Id(coordinates))) << "itself";
  world_.Cut(kA, kB);
  world_.Run(std::chrono::seconds(2));
  if (world_.Quorate(coordinates)) {
    EXPECT_TRUE(coordinator.WhyNotConfirmed(Id(other))) << "it still writes to the disk";
  }
  world_.Say(coordinates, event::Confirm{Id(other), "alice", "a mistake"});
  EXPECT_EQ(world_.Told(coordinates, "confirmed-off-by-hand"), 0);
}

TEST_F(MemberFencing, AToolThatSawItOffEndsEveryWait) {
  Bring();
  world_.bmc_works = false;
  world_.PowerOff(active_);
  world_.Run(std::chrono::seconds(2));
  ASSERT_FALSE(AllOn(passive_));
  const auto tell = [&] {
    world_.Say(passive_,
               event::ToldOff{Id(active_), world_.LocalTime(passive_), "alice", "her own PDU"});
  };
  tell();
  const auto quorate = world_.RunUntil(kSettle, [&] { return world_.Quorate(passive_); });
  ASSERT_TRUE(quorate);
  EXPECT_LT(*quorate, std::chrono::seconds(5)) << "no lease is waited for";
  world_.Run(std::chrono::seconds(5));
  EXPECT_FALSE(AllOn(passive_)) << "under this reign it was not seen off yet";
  tell();
  const auto took = world_.RunUntil(kSettle, [&] { return AllOn(passive_); });
  ASSERT_TRUE(took);
  EXPECT_LT(*took, std::chrono::seconds(5));
}

TEST_F(MemberFencing, AToolThatSpeaksOfTheFutureIsNotBelieved) {
  Bring();
  world_.bmc_works = false;
  world_.PowerOff(active_);
  world_.Say(passive_,
             event::ToldOff{Id(active_), world_.LocalTime(passive_) + std::chrono::hours(1),
                            "alice", "a clock of another machine"});
  EXPECT_EQ(world_.Told(passive_, "power-is-off"), 0);
}

}  // namespace
}  // namespace fencepost::node
