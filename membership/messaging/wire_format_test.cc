#include "membership/messaging/wire_format.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::messaging {
namespace {

Packet ExampleHeartbeat() {
  Heartbeat m;
  m.boot.bytes[3] = 7;
  m.digest[0] = 9;
  m.view = 3;
  m.term = m.authority = Term(5, NodeId(2));
  m.quorate = true;
  m.remaining = Millis(4100);
  m.echo = 77;
  m.echo_of = Incarnation(4);
  m.leaving = true;
  m.disk_incarnation = Incarnation(12);
  StatusOnWire status;
  status.state = ResourceState::kFailed;
  status.failed_action = ResourceAction::kMonitor;
  status.failure = {Outcome::Kind::kExited, kOcfNotRunning};
  status.fail_count = 2;
  m.statuses = {status, {}};
  m.attributes = {{"pingd", "1000"}, {"site", "east"}};
  m.fenced = {{NodeId(3), 12, {12, 250}}, {NodeId(64), std::nullopt, {0, std::nullopt}}};
  m.done = {{8, {Outcome::Kind::kTimedOut, 0}}};
  return {NodeId(2), NodeId(1), Incarnation(6), 1234, m};
}

TEST(WireFormat, WhatIsSentIsWhatArrives) {
  const Body bodies[] = {ExampleHeartbeat().body, VoteAsk{Term(1, NodeId(1)), 5},
                         VoteAnswer{Term(1, NodeId(1)), 5, true, Term(9, NodeId(2))},
                         VoteRelease{Term(3, NodeId(1))},
                         OrderMessage{Term(3, NodeId(1)), 99, 1, ResourceAction::kStart}};
  for (const Body& body : bodies) {
    Packet packet = ExampleHeartbeat();
    packet.body = body;
    const auto got = Decode(Encode(packet));
    ASSERT_TRUE(got.ok()) << got.error().Text();
    EXPECT_EQ(*got, packet);
  }
}

Packet WithAttributes(Attributes attributes) {
  Packet packet = ExampleHeartbeat();
  std::get<Heartbeat>(packet.body).attributes = std::move(attributes);
  return packet;
}

TEST(WireFormat, AttributesThatNobodyMaySetAreRefused) {
  EXPECT_TRUE(Decode(Encode(WithAttributes({{"a", "1"}}))).ok());
  for (const Attributes& bad :
       {Attributes{{"", "1"}}, Attributes{{"#uname", "beta"}}, Attributes{{"a", ""}},
        Attributes{{"a", "line\nline"}}, Attributes{{"a", std::string(129, 'x')}},
        Attributes{{std::string(65, 'n'), "1"}}}) {
    EXPECT_FALSE(Decode(Encode(WithAttributes(bad))).ok()) << bad.begin()->first;
  }
  Attributes many;
  for (std::size_t i = 0; i <= kMaxTransientAttributes; ++i) many[Cat("a", i)] = "1";
  EXPECT_FALSE(Decode(Encode(WithAttributes(many))).ok());
  Bytes swapped = Encode(WithAttributes({{"a", "1"}, {"b", "1"}}));
  const std::size_t a = swapped.size() - 9;  // the tail is 1,0,'a',1,0,'1',1,0,'b',1,0,'1'
  std::swap(swapped[a - 1], swapped[a + 5]);
  EXPECT_FALSE(Decode(swapped).ok()) << "names rise";
}

TEST(WireFormat, AFencedNodeThatIsNoneIsRefused) {
  for (const int node : {0, 65}) {
    Packet packet = ExampleHeartbeat();
    std::get<Heartbeat>(packet.body).fenced[0].node = NodeId(static_cast<std::uint8_t>(node));
    EXPECT_FALSE(Decode(Encode(packet)).ok()) << node;
  }
}

TEST(WireFormat, TheLongestHeartbeatFitsIntoADatagram) {
  Packet packet = ExampleHeartbeat();
  auto& m = std::get<Heartbeat>(packet.body);
  m.statuses.resize(kMaxStatuses);
  m.done.resize(kMaxDone);
  m.fenced.assign(kMaxFencedNodes, {NodeId(1), 1, {1, 1}});
  m.attributes.clear();
  for (std::size_t i = 0; i < kMaxTransientAttributes; ++i) {
    std::string name = Cat("a", i, "-");
    name.resize(kMaxAttributeNameBytes, 'x');
    m.attributes[name] = std::string(kMaxAttributeValueBytes, 'v');
  }
  constexpr std::size_t kDatagram = 8192, kEnvelope = 41;  // docs/format/wire.md
  const Bytes bytes = Encode(packet);
  EXPECT_LE(bytes.size() + kEnvelope, kDatagram);
  const auto got = Decode(bytes);
  EXPECT_TRUE(got.ok()) << got.error().Text();
}

TEST(WireFormat, EveryCutIsRefused) {
  const Bytes whole = Encode(ExampleHeartbeat());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Decode(ByteView(whole).first(size)).ok()) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(Decode(longer).ok());
}

TEST(WireFormat, ChangedBytesAreRefusedOrGiveAPacketThatEncodesToTheSame) {
  const Bytes whole = Encode(ExampleHeartbeat());
  Prng rng(3);
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    Bytes bytes = whole;
    for (std::uint64_t k = 1 + rng.Below(4); k > 0; --k) {
      bytes[rng.Below(bytes.size())] = static_cast<std::uint8_t>(rng.Next());
    }
    const auto got = Decode(bytes);
    if (!got) continue;
    ++accepted;
    ASSERT_EQ(Encode(*got), bytes);
  }
  EXPECT_GT(accepted, 1000) << "the run proved little";
}

}  // namespace
}  // namespace fencepost::messaging
