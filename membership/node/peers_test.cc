// What may be believed of a node that was lost, from what the disk and its power device say.
#include "membership/node/peers.h"

#include <gtest/gtest.h>

namespace fencepost::node {
namespace {

using messaging::Heartbeat;
using messaging::Packet;

constexpr NodeId kPeer{2};

struct PeerOnDisk : qdiskd::NodeOnDisk {
  PeerOnDisk(int boot, int incarnation, std::uint64_t change, bool quiesced = false) {
    node = slot.node = kPeer;
    fresh = shared = true;
    changes = change;
    slot.boot.bytes[0] = static_cast<std::uint8_t>(boot);
    slot.incarnation = Incarnation(static_cast<std::uint64_t>(incarnation));
    slot.report.quiesced = quiesced;
  }
};
MonoTime At(int s) { return MonoTime(std::chrono::seconds(s)); }
Heartbeat OfBoot(int boot, int incarnation) {
  Heartbeat beat;
  beat.boot.bytes[0] = static_cast<std::uint8_t>(boot);
  beat.disk_incarnation = Incarnation(static_cast<std::uint64_t>(incarnation));
  return beat;
}

TEST(PeerEvidence, AClaimCountsAfterTwoChangesOfASlotReadAfterTheLoss) {
  Peer peer;
  peer.Lose(At(10));
  peer.SeeOnDisk(PeerOnDisk(1, 1, 3, true), At(9));
  peer.SeeOnDisk(PeerOnDisk(1, 1, 5, true), At(11));
  EXPECT_FALSE(peer.evidence());
  peer.SeeOnDisk(PeerOnDisk(1, 1, 6, true), At(12));
  EXPECT_FALSE(peer.evidence());
  peer.SeeOnDisk(PeerOnDisk(1, 1, 7, true), At(13));
  EXPECT_EQ(peer.evidence(), policy::Grade::kQuiesced);
  peer.SeeOnDisk(PeerOnDisk(1, 1, 8, false), At(14));
  EXPECT_FALSE(peer.evidence());
}

TEST(PeerEvidence, OffBeforeTheLossSaysNothing) {
  Peer peer;
  peer.Lose(At(10));
  peer.PowerIsOff(At(9));
  EXPECT_FALSE(peer.evidence());
  peer.PowerIsOff(At(10));
  EXPECT_EQ(peer.evidence(), policy::Grade::kPoweredOff);
}

TEST(PeerEvidence, ARevocationCountsWhenItWasSeenAfterTheLastAuthority) {
  constexpr Coverage kStorage{false, true, false};
  Peer peer;
  peer.CutOff(At(1), kStorage);
  EXPECT_FALSE(peer.cut().Any()) << "nobody lost it yet";
  peer.Lose(At(10), At(15));
  peer.CutOff(At(9), kStorage);
  peer.CutOff(At(14), kStorage);
  EXPECT_FALSE(peer.cut().Any()) << "it may have switched itself on again";
  peer.CutOff(At(15), kStorage);
  EXPECT_EQ(peer.cut(), kStorage);
  EXPECT_FALSE(peer.evidence()) << "it may live";
  EXPECT_EQ(EvidenceText(peer), "storage revoked");
  EXPECT_FALSE(peer.MayJoin()) << "it may run what was taken over";
  Heartbeat beat = OfBoot(1, 1);
  beat.quiesced = true;
  peer.Hear(At(20), Packet{}, beat);
  EXPECT_TRUE(peer.MayJoin());
  peer.Join();
  EXPECT_FALSE(peer.cut().Any()) << "it unfences itself now";
}

TEST(PeerEvidence, ARevocationOfAnEarlierReignIsForgotten) {
  Peer peer;
  peer.Lose(At(10), At(15));
  peer.CutOff(At(16), {false, true, true});
  EXPECT_EQ(EvidenceText(peer), "storage revoked and port closed");
  peer.BeginReign(At(20), At(25));
  EXPECT_FALSE(peer.cut().Any());
}

TEST(PeerEvidence, ABootThatMayHaveObeyedAnotherCoordinatorIsNotNew) {
  Peer peer;
  peer.Hear(At(1), Packet{}, OfBoot(1, 1));
  peer.Join();
  peer.Lose(At(2));
  peer.SeeOnDisk(PeerOnDisk(2, 2, 1), At(3));
  EXPECT_EQ(peer.evidence(), policy::Grade::kNewBoot) << "in the reign in which it was a member";
  peer.BeginReign(At(10));
  peer.SeeOnDisk(PeerOnDisk(2, 2, 5), At(11));
  EXPECT_FALSE(peer.evidence()) << "it ran things for the coordinator before";
  peer.SeeOnDisk(PeerOnDisk(3, 3, 6), At(12));
  EXPECT_EQ(peer.evidence(), policy::Grade::kNewBoot);
}

TEST(PeerEvidence, AnOperatorsWordFallsAtTheFirstSignOfLife) {
  for (const bool on_disk : {false, true}) {
    Peer peer;
    peer.Lose(At(10));
    peer.SeeOnDisk(PeerOnDisk(1, 1, 5), At(11));
    peer.Confirm();
    peer.SeeOnDisk(PeerOnDisk(1, 1, 5), At(12));
    EXPECT_EQ(peer.evidence(), policy::Grade::kConfirmed) << "its slot did not change";
    if (on_disk) {
      peer.SeeOnDisk(PeerOnDisk(1, 1, 6), At(13));
    } else {
      peer.Hear(At(13), Packet{}, OfBoot(1, 1));
    }
    EXPECT_FALSE(peer.evidence());
  }
}

TEST(PeerEvidence, WhatIsProvedIsNotReplacedByAnOperatorsWord) {
  Peer peer;
  peer.Lose(At(10));
  peer.PowerIsOff(At(11));
  peer.Confirm();
  EXPECT_EQ(peer.evidence(), policy::Grade::kPoweredOff);
}

TEST(PeerEvidence, ADiskThatMissedItsLatestWritesDoesNotShowANewBoot) {
  Peer peer;
  peer.Hear(At(1), Packet{}, OfBoot(2, 8));
  peer.Join();
  peer.Lose(At(2));
  peer.SeeOnDisk(PeerOnDisk(1, 7, 1), At(3));
  EXPECT_FALSE(peer.evidence());
}

// Without a quorum disk. Ours: incarnation 7, which had sent 40 when the peer was lost.
TEST(PeerEvidence, ThatItLeftCountsOnlyAsTheAnswerToWhatWasSentAfterTheLoss) {
  const auto weigh = [](const Heartbeat& beat) {
    Peer peer;
    peer.BeginReign(At(10), At(10), 40);
    peer.Hear(At(11), Packet{}, beat);
    peer.WeighMessage(Incarnation(7));
    return peer.evidence();
  };
  Heartbeat left;
  left.leaving = left.quiesced = true;
  left.echo = 41;
  left.echo_of = Incarnation(7);
  EXPECT_EQ(weigh(left), policy::Grade::kLeftCleanly);
  const struct {
    const char* name;
    void (*change)(Heartbeat&);
  } cases[] = {
      {"it answers what was sent before: it may be of an earlier life",
       [](Heartbeat& b) { b.echo = 40; }},
      {"it answers another start of ours", [](Heartbeat& b) { b.echo_of = Incarnation(6); }},
      {"it only wants to leave", [](Heartbeat& b) { b.quiesced = false; }},
      {"it only runs nothing", [](Heartbeat& b) { b.leaving = false; }},
      {"it coordinates", [](Heartbeat& b) { b.quorate = true; }},
      {"it answers nothing", [](Heartbeat& b) { b.echo = 0; }},
  };
  for (const auto& c : cases) {
    Heartbeat beat = left;
    c.change(beat);
    EXPECT_EQ(weigh(beat), std::nullopt) << c.name;
  }
}

TEST(PeerEvidence, ALaterStartAndALaterReignEndThatItLeft) {
  Peer peer;
  Heartbeat left;
  left.leaving = left.quiesced = true;
  left.echo = 41;
  left.echo_of = Incarnation(7);
  peer.BeginReign(At(10), At(10), 40);
  peer.Hear(At(11), Packet{}, left);
  peer.WeighMessage(Incarnation(7));
  ASSERT_TRUE(peer.evidence());
  peer.Hear(At(12), Packet{}, Heartbeat{});  // of the same boot
  peer.WeighMessage(Incarnation(7));
  EXPECT_FALSE(peer.evidence());
  peer.Hear(At(13), Packet{}, left);
  peer.WeighMessage(Incarnation(7));
  ASSERT_TRUE(peer.evidence());
  peer.BeginReign(At(14), At(14), 60);  // it may have obeyed another meanwhile
  EXPECT_FALSE(peer.evidence());
  peer.Hear(At(15), Packet{}, left);
  peer.WeighMessage(Incarnation(7));
  EXPECT_FALSE(peer.evidence());
}

}  // namespace
}  // namespace fencepost::node
