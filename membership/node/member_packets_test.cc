// In which order a member says what it says in one step.
#include <gtest/gtest.h>

#include "membership/node/member.h"

namespace fencepost::node {
namespace {

MemberSettings ThreeNodes() {
  MemberSettings out;
  out.self = NodeId(1);
  out.incarnation = Incarnation(1);
  out.boot.bytes.fill(1);
  for (std::uint8_t i = 1; i <= 3; ++i) out.nodes.push_back({NodeId(i), "n", Votes(1), 0});
  out.times = {Millis(4000), Millis(4000), 500, Millis(200)};
  out.interval = Millis(500);
  out.heartbeat = Millis(250);
  out.peer_timeout = Millis(1000);
  out.stale_after = Millis(5000);
  out.voter_state = quorum::VoterState{Term(), Duration(), true};
  return out;
}

// A packet that a later one overtakes is refused; a heartbeat comes again, a release does not.
TEST(MemberPackets, AReleaseIsTheLastPacketToEachPeer) {
  MonoTime now{std::chrono::hours(1)};
  Member member(ThreeNodes(), now);
  member.Step(now, event::Wake{});
  now += Millis(1500);
  ASSERT_TRUE(member.Step(now, event::Wake{}).store_counter) << "it stands";
  ASSERT_FALSE(member.Step(now, event::CounterStored{true}).packets.empty());
  now += Millis(10);
  const auto packets = member.Step(now, event::Leave{}).packets;
  for (const NodeId peer : {NodeId(2), NodeId(3)}) {
    std::vector<messaging::Packet> to;
    for (const messaging::Packet& packet : packets) {
      if (packet.to == peer) to.push_back(packet);
    }
    ASSERT_GE(to.size(), 2U) << "a heartbeat is sent in the same step";
    EXPECT_TRUE(std::holds_alternative<messaging::VoteRelease>(to.back().body));
    for (const messaging::Packet& packet : to) EXPECT_LE(packet.counter, to.back().counter);
  }
}

}  // namespace
}  // namespace fencepost::node
