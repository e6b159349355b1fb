// One member alone with what others send it: schedules that a whole cluster hardly ever shows.
#include <gtest/gtest.h>

#include <algorithm>

#include "membership/node/member.h"

namespace fencepost::node {
namespace {

using messaging::Heartbeat;
using messaging::Packet;

constexpr NodeId kSelf{1}, kPeer{2};
constexpr Incarnation kOwnStart{5};
constexpr Term kPeerTerm{9, kPeer};

MemberSettings Settings() {
  MemberSettings s;
  s.self = kSelf;
  s.boot.bytes[0] = 1;
  s.incarnation = kOwnStart;
  s.nodes = {{kSelf, "node-1", Votes(1), 0}, {kPeer, "node-2", Votes(1), 0}};
  s.disk_votes = Votes(1);
  s.times = {Millis(4100), Millis(4100), 1000, Millis(200)};
  s.interval = s.heartbeat = Millis(250);
  s.peer_timeout = Millis(1000);
  s.stale_after = Millis(3250);
  s.digest[0] = 1;
  s.voter_state = quorum::VoterState{{}, Millis(4100), true};
  s.cib.stonith_action = FenceAction::kOff;
  Group group;
  group.id = "services";
  Primitive p;
  p.id = "address";
  p.provider = "heartbeat";
  p.type = "Dummy";
  p.start_timeout = p.stop_timeout = p.probe_timeout = p.monitor_timeout = Millis(20'000);
  group.members.push_back(p);
  s.cib.groups.push_back(group);
  for (const MemberNode& node : s.nodes) {
    s.cib.nodes.push_back({node.id, node.name, false});
    FenceDevice device;
    device.id = "fence-" + node.name;
    device.agent = "fence_ipmilan";
    device.targets[node.id] = "";
    s.cib.fence_devices.push_back(device);
  }
  return s;
}

class OneMember : public testing::Test {
 protected:
  void TearDown() override {
    if (HasFailure()) std::printf("%s", timeline_.c_str());
  }
  void Step(const MemberEvent& event) {
    last_ = member_.Step(now_, event);
    for (const Fact& fact : last_.facts) {
      facts_.emplace_back(fact.name);
      timeline_ += Cat(ToMillis(now_.time_since_epoch()), " ", fact.Text(), "\n");
    }
    for (const Packet& packet : last_.packets) {
      if (std::holds_alternative<Heartbeat>(packet.body)) beat_ = packet;
      sent_.push_back(packet);
    }
    for (const auto& message : last_.to_disk) to_disk_.push_back(message);
    for (const auto& start : last_.start_agents) agents_.push_back(start);
    for (const stonith::RunId run : last_.kill_agents) killed_.push_back(run);
    const MemberEffects effects = last_;
    if (effects.store_counter) Step(event::CounterStored{true});
    if (effects.store_voter) Step(event::VoterStored{true});
    for (const auto& start : effects.start_processes) {
      if (agents_hang_)
        hanging_ = start;
      else
        EndAgent(start);
    }
  }
  void EndAgent(const executor::StartProcess& start) {
    actions_.push_back(start.action);
    executor::ProcessEnded end;
    end.process = start.process;
    end.exit_code = start.action == ResourceAction::kProbe ? kOcfNotRunning : kOcfSuccess;
    Step(event::AgentProcessEnded{end});
  }
  void Pass(Duration d) {
    for (const MonoTime end = now_ + d; now_ < end; now_ += Millis(50)) Step(event::Wake{});
  }
  void Hear(messaging::Body body, std::uint64_t counter = 0, Incarnation start = Incarnation(7)) {
    if (counter == 0) counter = ++peer_counter_;
    Step(event::PacketReceived{Packet{kPeer, kSelf, start, counter, std::move(body)}});
  }
  Heartbeat Beat() {
    Heartbeat beat;
    beat.boot.bytes[0] = 2;
    beat.digest[0] = 1;
    return beat;
  }
  Heartbeat Offer(Term term, std::uint64_t echo, Duration remaining = Millis(3000)) {
    Heartbeat beat = Beat();
    beat.term = term;
    beat.quorate = true;
    beat.remaining = remaining;
    beat.echo = echo;
    beat.echo_of = kOwnStart;
    return beat;
  }
  std::uint64_t NewestBeat() {
    Pass(Millis(300));
    return beat_.counter;
  }
  void SeeDisk(bool own_quiesced, bool own_blank = false) {
    qdiskd::local::View view;
    view.view.readable = true;
    view.view.began = now_;
    qdiskd::NodeOnDisk own;
    own.node = own.slot.node = kSelf;
    own.fresh = own.shared = true;
    if (!own_blank) {
      own.slot.boot.bytes[0] = 1;
      own.slot.incarnation = Incarnation(3);
      own.slot.sequence = 1;
    }
    own.slot.report.quiesced = own_quiesced;
    view.view.nodes = {own};
    Step(event::FromDisk{view});
  }
  void HoldDisk() {
    Term wanted;
    for (const auto& message : to_disk_) {
      if (const auto* want = std::get_if<qdiskd::event::Want>(&message)) wanted = want->term;
    }
    Step(event::FromDisk{qdiskd::notice::Held{{wanted, now_ + Millis(4100)}}});
  }
  // Coordinator with the own vote and the disk's; the other node was never heard.
  void Coordinate(bool shown = true) {
    Step(event::DiskConnected{});
    if (shown) SeeDisk(false);
    Pass(Millis(2000));
    HoldDisk();
    ASSERT_TRUE(member_.QuorateUntil(now_));
  }
  void HoldFor(Duration d) {
    for (const MonoTime end = now_ + d; now_ < end;) {
      SeeDisk(false);
      HoldDisk();
      Pass(Millis(250));
    }
  }
  // As coordinator: a switching agent runs.
  void Fence() {
    Coordinate();
    for (int i = 0; i < 60 && !Switching(); ++i) HoldFor(Millis(250));
    ASSERT_TRUE(Switching());
  }
  bool Switching() {
    return std::any_of(agents_.begin(), agents_.end(),
                       [](const auto& start) { return start.action == "off"; });
  }
  void EndSwitching(bool killed) {
    stonith::AgentEnded end;
    end.run = std::find_if(agents_.begin(), agents_.end(), [](const auto& start) {
                return start.action == "off";
              })->run;
    end.killed = killed;
    Step(event::FenceAgentEnded{end});
  }
  bool Follows() { return !member_.QuorateUntil(now_) && member_.Status(now_).has_authority; }
  int Told(const std::string& name) {
    return static_cast<int>(std::count(facts_.begin(), facts_.end(), name));
  }
  template <class Body>
  int Sent() {
    return static_cast<int>(std::count_if(sent_.begin(), sent_.end(), [](const Packet& packet) {
      return std::holds_alternative<Body>(packet.body);
    }));
  }
  template <class Message>
  int ToDisk() {
    return static_cast<int>(std::count_if(to_disk_.begin(), to_disk_.end(), [](const auto& m) {
      return std::holds_alternative<Message>(m);
    }));
  }
  int Did(ResourceAction action) {
    return static_cast<int>(std::count(actions_.begin(), actions_.end(), action));
  }

  MonoTime now_{std::chrono::seconds(100)};
  Member member_{Settings(), now_};
  MemberEffects last_;
  Packet beat_;
  std::vector<Packet> sent_;
  std::vector<qdiskd::ToQdiskd> to_disk_;
  std::vector<stonith::StartAgent> agents_;
  std::vector<stonith::RunId> killed_;
  std::vector<ResourceAction> actions_;
  std::vector<std::string> facts_;
  std::string timeline_;
  std::uint64_t peer_counter_ = 0;
  bool agents_hang_ = false;
  executor::StartProcess hanging_;
};

messaging::OrderMessage Start() { return {kPeerTerm, 1, 0, ResourceAction::kStart}; }

TEST_F(OneMember, ObeysAnOrderOnlyWhileTheAuthorityOfItsTermLasts) {
  Hear(Offer(kPeerTerm, NewestBeat(), Millis(500)));
  ASSERT_TRUE(Follows());
  now_ += Millis(600);
  Hear(Start());
  EXPECT_EQ(Did(ResourceAction::kStart), 0);
  Hear(Offer(kPeerTerm, NewestBeat()));  // takes back its claim
  Hear(Offer(kPeerTerm, NewestBeat()));
  Hear(messaging::OrderMessage{Term(8, kPeer), 2, 0, ResourceAction::kStart});
  EXPECT_EQ(Did(ResourceAction::kStart), 0) << "an order of another term";
  Hear(Start());
  EXPECT_EQ(Did(ResourceAction::kStart), 1);
}

TEST_F(OneMember, StopsEverythingWhenItsAuthorityEnds) {
  Hear(Offer(kPeerTerm, NewestBeat()));
  Hear(Start());
  ASSERT_EQ(Did(ResourceAction::kStart), 1);
  Pass(Millis(2000));
  EXPECT_EQ(Did(ResourceAction::kStop), 0);
  Pass(Millis(1500));
  EXPECT_EQ(Did(ResourceAction::kStop), 1);
}

TEST_F(OneMember, RefusesPacketsOfAnOlderStartAndRepeatedOnes) {
  Hear(Beat());
  Hear(messaging::VoteAsk{kPeerTerm, 1}, 50);
  EXPECT_EQ(Sent<messaging::VoteAnswer>(), 1);
  Hear(messaging::VoteAsk{kPeerTerm, 1}, 50);
  EXPECT_EQ(Sent<messaging::VoteAnswer>(), 1) << "a repeated packet";
  Hear(messaging::VoteAsk{kPeerTerm, 2}, 90, Incarnation(6));
  EXPECT_EQ(Sent<messaging::VoteAnswer>(), 1) << "a packet of an older start";
}

TEST_F(OneMember, DoesNotVoteForANodeOfAnotherConfiguration) {
  Heartbeat other = Beat();
  other.digest[0] = 2;
  Hear(other);
  Hear(messaging::VoteAsk{kPeerTerm, 1});
  EXPECT_EQ(Sent<messaging::VoteAnswer>(), 0);
}

// Quiesced for hours, it hears all the time; the one that is heard last may be lost the next
// moment, and its messages may be on their way for long. Whoever believes the claim then starts
// elsewhere.
TEST_F(OneMember, TakesAuthorityOnlyInAnswerToWhatItSaidAfterItsClaimWasGone) {
  Step(event::DiskConnected{});
  Pass(Millis(5000));
  ASSERT_TRUE(member_.Status(now_).quiesced);
  SeeDisk(true);
  const std::uint64_t while_claimed = NewestBeat();
  Hear(Offer(kPeerTerm, while_claimed));
  EXPECT_FALSE(Follows()) << "its slot says that no such message gives authority";
  EXPECT_FALSE(member_.Status(now_).quiesced);
  SeeDisk(true);
  Hear(Offer(kPeerTerm, NewestBeat()));
  EXPECT_FALSE(Follows()) << "others may still read the claim";
  SeeDisk(false);
  Hear(Offer(kPeerTerm, while_claimed));
  EXPECT_FALSE(Follows()) << "an answer to what was said under the claim";
  Hear(Offer(kPeerTerm, NewestBeat()));
  EXPECT_TRUE(Follows());
}

TEST_F(OneMember, ClaimsAgainWhenTheOfferComesToNothing) {
  Step(event::DiskConnected{});
  Pass(Millis(5000));
  SeeDisk(true);
  Hear(Offer(kPeerTerm, NewestBeat()));
  ASSERT_FALSE(member_.Status(now_).quiesced);
  EXPECT_TRUE(member_.MayFeed()) << "it still holds nothing";
  Pass(Millis(1200));
  EXPECT_TRUE(member_.Status(now_).quiesced);
}

TEST_F(OneMember, SaysAgainHowAnOrderEndedWhenItIsRepeated) {
  Hear(Offer(kPeerTerm, NewestBeat()));
  const auto stop = [&](std::uint64_t operation) {
    Hear(messaging::OrderMessage{kPeerTerm, operation, 0, ResourceAction::kStop});
  };
  const auto told = [&](std::uint64_t operation) {
    NewestBeat();
    const auto& done = std::get<Heartbeat>(beat_.body).done;
    return std::any_of(done.begin(), done.end(),
                       [&](const auto& end) { return end.operation == operation; });
  };
  for (std::uint64_t i = 1; i <= messaging::kMaxDone + 1; ++i) stop(i);
  ASSERT_FALSE(told(1)) << "there is room for the newest only, and none of them may have arrived";
  stop(1);
  EXPECT_TRUE(told(1));
  EXPECT_EQ(Did(ResourceAction::kStop), static_cast<int>(messaging::kMaxDone) + 1);
}

TEST_F(OneMember, DoesNotTellACoordinatorOfTheEndOfAnOrderOfAnother) {
  Hear(Offer(kPeerTerm, NewestBeat()));
  agents_hang_ = true;
  Hear(messaging::OrderMessage{kPeerTerm, 1, 0, ResourceAction::kStop});
  Hear(Offer(Term(10, kPeer), NewestBeat()));
  EndAgent(hanging_);
  NewestBeat();
  EXPECT_TRUE(std::get<Heartbeat>(beat_.body).done.empty()) << "its own order 1 has not ended";
}

TEST_F(OneMember, NeverObeysATermBelowOneThatItObeyed) {
  Hear(Offer(kPeerTerm, NewestBeat(), Millis(400)));
  ASSERT_TRUE(Follows());
  Pass(Millis(500));
  for (int i = 0; i < 3; ++i) Hear(Offer(Term(8, kPeer), NewestBeat()));
  EXPECT_FALSE(Follows());
  for (int i = 0; i < 3; ++i) Hear(Offer(kPeerTerm, NewestBeat()));
  EXPECT_TRUE(Follows());
}

TEST_F(OneMember, ObeysNobodyWhileItCoordinates) {
  Coordinate();
  Hear(Offer(kPeerTerm, NewestBeat()));
  Hear(Start());
  EXPECT_EQ(Did(ResourceAction::kStart), 0) << "a late packet of an earlier coordinator";
}

TEST_F(OneMember, AfterACleanupWithoutAuthorityItClaimsAgain) {
  Hear(Offer(kPeerTerm, NewestBeat()));
  Hear(Start());
  Pass(Millis(5000));
  ASSERT_EQ(Did(ResourceAction::kStop), 1);
  ASSERT_TRUE(member_.Status(now_).quiesced);
  Step(event::Cleanup{"address"});
  Pass(Millis(500));
  EXPECT_TRUE(member_.Status(now_).quiesced);
}

TEST_F(OneMember, CountsTheDiskOnlyIfWhoItHearsIsAliveThere) {
  Step(event::DiskConnected{});
  SeeDisk(false);
  Heartbeat beat = Beat();
  beat.disk_ok = true;
  Pass(Millis(2000));
  Hear(beat);
  HoldDisk();
  EXPECT_FALSE(member_.QuorateUntil(now_));
  Hear(Beat());
  HoldDisk();
  EXPECT_TRUE(member_.QuorateUntil(now_));
}

TEST_F(OneMember, SaysThatItSeesTheDiskOnlyWhileQdiskdTellsOfIt) {
  Step(event::DiskConnected{});
  SeeDisk(false);
  NewestBeat();
  EXPECT_TRUE(std::get<Heartbeat>(beat_.body).disk_ok);
  Pass(Millis(3000));
  EXPECT_FALSE(std::get<Heartbeat>(beat_.body).disk_ok) << "its qdiskd hangs";
}

TEST_F(OneMember, DoesNothingAsCoordinatorBeforeItsOwnSlotWasSeen) {
  Coordinate(false);
  for (int i = 0; i < 60; ++i) HoldDisk(), SeeDisk(false, true), Pass(Millis(250));
  EXPECT_EQ(Told("fence-decided"), 0) << "others would take it for a node that runs nothing";
  HoldFor(Millis(10'000));
  EXPECT_EQ(Told("fence-decided"), 1);
}

TEST_F(OneMember, FencesOnlyWithVotesAskedForAfterTheDecision) {
  Coordinate();
  while (Told("fence-decided") == 0) {
    ASSERT_TRUE(member_.QuorateUntil(now_));
    if (*member_.QuorateUntil(now_) - now_ < Millis(1500)) HoldDisk();
    SeeDisk(false);
    Pass(Millis(50));
  }
  Pass(Millis(600));
  ASSERT_TRUE(member_.QuorateUntil(now_));
  EXPECT_FALSE(Switching()) << "the disk's vote is older than the decision";
  HoldDisk();
  Pass(Millis(50));
  EXPECT_TRUE(Switching());
}

TEST_F(OneMember, KeepsItsTermWhileAFenceAgentMaySwitchButRenewsItNoMore) {
  Fence();
  const Term term = member_.Status(now_).term;
  Step(event::DiskGone{});
  EXPECT_FALSE(killed_.empty());
  const int asked = Sent<messaging::VoteAsk>();
  Step(event::DiskConnected{});
  Pass(Millis(1000));
  EXPECT_EQ(Sent<messaging::VoteRelease>(), 0);
  EXPECT_EQ(ToDisk<qdiskd::local::Hello>(), 1) << "only that of the first connection";
  EXPECT_EQ(Sent<messaging::VoteAsk>(), asked);
  EXPECT_EQ(member_.Status(now_).term, term);
  EndSwitching(true);
  EXPECT_EQ(Sent<messaging::VoteRelease>(), 1);
  EXPECT_EQ(ToDisk<qdiskd::local::Hello>(), 2);
}

TEST_F(OneMember, GivesUpItsTermWhenQdiskdIsGone) {
  Coordinate();
  Step(event::DiskGone{});
  EXPECT_EQ(Sent<messaging::VoteRelease>(), 1);
  EXPECT_FALSE(member_.QuorateUntil(now_));
}

TEST_F(OneMember, GivesUpATermWhoseQuorumWasLostForItCannotFenceUnderIt) {
  Coordinate();
  Pass(Millis(4500));
  EXPECT_EQ(Sent<messaging::VoteRelease>(), 1);
  Pass(Millis(2000));
  facts_.clear();
  for (int i = 0; i < 60 && !Switching(); ++i) HoldFor(Millis(250));
  EXPECT_TRUE(Switching());
  EXPECT_EQ(Told("fencing-failed"), 0);
}

// The grant of `term` to the other node, which is unheard, while a query of its power is under way.
class PowerQuery : public OneMember {
 protected:
  void SetUp() override {
    Hear(Beat());
    Hear(messaging::VoteAsk{kPeerTerm, 1});
    Pass(Millis(1200));
    ASSERT_EQ(agents_.size(), 1U);
  }
  void Answer(int code) {
    stonith::AgentEnded end;
    end.run = agents_[0].run;
    end.exit_code = code;
    Step(event::FenceAgentEnded{end});
  }
  Term Granted() { return member_.Status(now_).own_vote.term; }
};

TEST_F(PowerQuery, OffReleasesAVoteThatWasGrantedBeforeTheQueryBegan) {
  ASSERT_EQ(Granted(), kPeerTerm);
  Answer(2);
  EXPECT_NE(Granted(), kPeerTerm);
}

TEST_F(PowerQuery, UnknownReleasesNothing) {
  Answer(1);
  EXPECT_EQ(Granted(), kPeerTerm);
}

TEST_F(PowerQuery, OffSaysNothingOfAVoteGrantedAfterTheQueryBegan) {
  const Term later{10, kPeer};
  Hear(messaging::VoteRelease{kPeerTerm});
  Hear(messaging::VoteAsk{later, 2});
  ASSERT_EQ(Granted(), later);
  Answer(2);
  EXPECT_EQ(Granted(), later);
}

}  // namespace
}  // namespace fencepost::node
