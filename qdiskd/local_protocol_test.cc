#include "qdiskd/local_protocol.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace fencepost::qdiskd {
namespace {

local::View ExampleView() {
  local::View m;
  m.view.readable = true;
  m.view.began = MonoTime(Millis(5));
  m.view.highest_held = Term(3, NodeId(1));
  m.view.election = {3, 1, "it is the only side"};
  m.view.disks = m.view.disks_ready = 1;
  NodeOnDisk node;
  node.node = node.slot.node = NodeId(2);
  node.slot.report.score = -7;
  node.slot.report.unfit = true;
  node.slot.version = "0.1.0";
  node.fresh = node.shared = true;
  node.changes = 9;
  m.view.nodes = {node, node};
  m.disks = {{"/dev/a", "", "", "not opened yet", {}},
             {"/dev/b", "11", "reservation", "", {100, 200, 300}}};
  m.fitness = {5,
               9,
               4,
               false,
               {{"gateway", HeuristicState::kUp, 5, "ok", Millis(70)},
                {"power", HeuristicState::kDown, 4, "exit code 1", {}}}};
  return m;
}

TEST(LocalProtocol, WhatIsSentIsWhatArrives) {
  const auto sent = ExampleView();
  const auto got = DecodeFromQdiskd(Encode(FromQdiskd(sent)));
  ASSERT_TRUE(got.ok());
  const auto& view = std::get<local::View>(*got);
  EXPECT_EQ(view.view.nodes.size(), 2U);
  EXPECT_EQ(view.view.nodes[1].slot, sent.view.nodes[1].slot);
  EXPECT_EQ(view.view.election.why, "it is the only side");
  EXPECT_TRUE(view.view.nodes[0].fresh && view.view.nodes[0].shared);
  ASSERT_EQ(view.disks.size(), 2U);
  EXPECT_EQ(view.disks[0].trouble, "not opened yet");
  EXPECT_EQ(view.disks[1].device + view.disks[1].uuid + view.disks[1].barrier,
            "/dev/b11reservation");
  EXPECT_EQ(view.fitness, sent.fitness);
  EXPECT_EQ(view.disks[1].latency, (IoLatency{100, 200, 300}));
  const auto held =
      DecodeFromQdiskd(Encode(FromQdiskd(notice::Held{{Term(7, NodeId(2)), MonoTime(Millis(9))}})));
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(std::get<notice::Held>(*held).lease, (Lease{Term(7, NodeId(2)), MonoTime(Millis(9))}));
  const auto want = DecodeToQdiskd(Encode(ToQdiskd(event::Want{Term(7, NodeId(2)), true})));
  ASSERT_TRUE(want.ok());
  EXPECT_TRUE(std::get<event::Want>(*want).enough_votes);
}

TEST(LocalProtocol, StorageDeathIsSentAsItIs) {
  const auto sent = DecodeToQdiskd(Encode(
      ToQdiskd(local::SendMessage{MessageKind::kOff, "beta", MonoTime(Millis(9)), "alice"})));
  ASSERT_TRUE(sent.ok());
  const auto& message = std::get<local::SendMessage>(*sent);
  EXPECT_EQ(message.kind, MessageKind::kOff);
  EXPECT_EQ(message.to + message.by, "betaalice");
  EXPECT_EQ(message.not_after, MonoTime(Millis(9)));
  const auto clear = DecodeToQdiskd(Encode(ToQdiskd(local::ClearMessage{"beta", "bob"})));
  ASSERT_TRUE(clear.ok());
  EXPECT_EQ(std::get<local::ClearMessage>(*clear).to, "beta");
  const auto quiet = DecodeToQdiskd(Encode(ToQdiskd(local::FeedingEnded{Millis(3000)})));
  ASSERT_TRUE(quiet.ok());
  EXPECT_EQ(std::get<local::FeedingEnded>(*quiet).watchdog, Millis(3000));
  const auto asked = DecodeToQdiskd(Encode(ToQdiskd(local::AskPower{"beta"})));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(std::get<local::AskPower>(*asked).node, "beta");
  const auto die =
      DecodeFromQdiskd(Encode(FromQdiskd(local::Die{NodeId(1), MessageKind::kCrashdump})));
  ASSERT_TRUE(die.ok());
  EXPECT_EQ(std::get<local::Die>(*die).kind, MessageKind::kCrashdump);
  const auto end = DecodeFromQdiskd(
      Encode(FromQdiskd(local::MessageEnd{MessageProof::kWatchdogReset, "silent"})));
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(std::get<local::MessageEnd>(*end).proof, MessageProof::kWatchdogReset);
  const auto power =
      DecodeFromQdiskd(Encode(FromQdiskd(local::PowerSaid{NodePower::kOff, "told off"})));
  ASSERT_TRUE(power.ok());
  EXPECT_EQ(std::get<local::PowerSaid>(*power).power, NodePower::kOff);
}

TEST(LocalProtocol, EveryCutAndEveryUnknownTypeIsRefused) {
  const Bytes whole = Encode(FromQdiskd(ExampleView()));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeFromQdiskd(ByteView(whole).first(size)).ok()) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(DecodeFromQdiskd(longer).ok());
  EXPECT_FALSE(DecodeToQdiskd(Bytes{kLocalVersion, 99}).ok());
  EXPECT_FALSE(DecodeToQdiskd(Bytes{kLocalVersion + 1, 0}).ok());
}

TEST(LocalProtocol, RandomBytesDoNoHarm) {
  Prng rng(1);
  for (int i = 0; i < 100'000; ++i) {
    Bytes bytes(rng.Below(64));
    for (auto& b : bytes) b = static_cast<std::uint8_t>(rng.Next());
    if (!bytes.empty() && rng.OneIn(2)) bytes[0] = kLocalVersion;
    (void)DecodeFromQdiskd(bytes);
    (void)DecodeToQdiskd(bytes);
  }
}

}  // namespace
}  // namespace fencepost::qdiskd
