// The simulated ports keep the promises of env/*.h, and are as cruel as their headers say.
#include <gtest/gtest.h>

#include <optional>

#include "tests/sim/ports/disk.h"
#include "tests/sim/ports/facts.h"
#include "tests/sim/ports/local.h"
#include "tests/sim/ports/network.h"
#include "tests/sim/ports/programs.h"
#include "tests/sim/ports/state.h"
#include "tests/sim/ports/watchdog.h"

namespace fencepost::sim {
namespace {

const NodeId kOne(1), kTwo(2);
constexpr std::uint64_t kUnit = 4096;

struct SimPorts : ::testing::Test {
  Timeline world{7};
  Machine one{world, {kOne, 500, Millis(100)}}, two{world, {kTwo, -500, Millis(90000)}};
};

TEST_F(SimPorts, EventsRunByInstantAndThenInTheOrderOfAsking) {
  std::string order;
  world.After(Millis(2), [&] { order += "c"; });
  world.After(Millis(1), [&] { order += "a"; });
  world.After(Millis(1), [&] { order += "b"; });
  const EventId never = world.After(Millis(1), [&] { order += "x"; });
  world.Cancel(never);
  world.RunFor(Millis(1));
  EXPECT_EQ(order, "ab");
  world.RunFor(Millis(5));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(world.Now().time_since_epoch(), Millis(6));
}

TEST_F(SimPorts, AClockDriftsAndStartsAnewWithEachBoot) {
  EXPECT_EQ(one.Now(), MonoTime(Millis(100)));
  world.RunFor(std::chrono::seconds(1000));
  EXPECT_EQ(one.Now(), MonoTime(Millis(1000600)));
  EXPECT_EQ(two.Now(), MonoTime(Millis(1089500)));
  for (const std::int64_t ns : {1, 7, 999'999, 123'456'789}) {
    const MonoTime local = one.Now() + Duration(ns);
    world.RunUntil(one.When(local) - Duration(1));
    EXPECT_LT(one.Now(), local);
    world.RunUntil(one.When(local));
    EXPECT_GE(one.Now(), local);
  }
  const BootId before = one.boot();
  const auto life = one.StartLife();
  one.PowerOff();
  EXPECT_FALSE(life->alive());
  one.PowerOn();
  EXPECT_NE(one.boot(), before);
  EXPECT_LT(one.Now(), MonoTime(std::chrono::seconds(10)));
}

TEST_F(SimPorts, TimersComeOnTimeLateOrNotAtAll) {
  const auto life = one.StartLife();
  SimClock clock(one, life);
  std::vector<int> fired;
  clock.CallAt(clock.Now() + Millis(10), [&] { fired.push_back(1); });
  const TimerId cancelled = clock.CallAt(clock.Now() + Millis(11), [&] { fired.push_back(2); });
  clock.CallAt(kNever, [&] { fired.push_back(3); });
  clock.CallAt(clock.Now() + Millis(12), [&] {
    fired.push_back(4);
    EXPECT_GE(clock.Now(), MonoTime(Millis(112)));
  });
  clock.Cancel(cancelled);
  life->Freeze();
  world.RunFor(Millis(50));
  EXPECT_TRUE(fired.empty());
  clock.Cancel(cancelled);
  life->Thaw();
  world.RunFor(Millis(1));
  EXPECT_EQ(fired, (std::vector{1, 4}));
  clock.CallAt(clock.Now() + Millis(10), [&] { fired.push_back(5); });
  one.Pause();
  world.RunFor(Millis(50));
  one.Resume();
  world.RunFor(Millis(9));
  EXPECT_EQ(fired.size(), 2U) << "the clock stood still during the pause";
  world.RunFor(Millis(2));
  EXPECT_EQ(fired.back(), 5);
  clock.CallAt(clock.Now() + Millis(1), [&] { fired.push_back(6); });
  life->End();
  world.RunFor(Millis(5));
  EXPECT_EQ(fired.back(), 5);
}

// A path with its outcomes.
struct Writes {
  Writes(SimDisk& disk, Machine& machine_, std::uint64_t incarnation)
      : machine(machine_), life(machine.StartLife()), path(disk, machine, life) {
    writer = MakeWriter({{1}}, machine.node(), Incarnation(incarnation));
  }
  void Open(Duration patience = Millis(100)) {
    path.Open(&writer, machine.Now() + patience, [this](const auto& r) {
      log += r.ok() ? "open " : Cat("open:", static_cast<int>(r.error().kind), " ");
    });
  }
  void Write(std::uint8_t value, Duration patience = Millis(100)) {
    path.Write(kUnit, Bytes(kUnit, value), machine.Now() + patience, [this](const auto& r) {
      log += r.ok() ? "write " : Cat("write:", static_cast<int>(r.error().kind), " ");
    });
  }
  void Read(Duration patience = Millis(100)) {
    path.Read(kUnit, kUnit, machine.Now() + patience, [this](const Result<Bytes, IoError>& r) {
      log += r.ok() ? Cat("read=", r->front(), "/", r->back(), " ")
                    : Cat("read:", static_cast<int>(r.error().kind), " ");
    });
  }
  std::string Run(Duration d = Millis(150)) {
    machine.world().RunFor(d);
    return std::exchange(log, "");
  }
  Machine& machine;
  std::shared_ptr<Life> life;
  SimPath path;
  Writer writer;
  std::string log;
};

TEST_F(SimPorts, ADiskKeepsWhatWasWritten) {
  SimDisk disk(world, {});
  Writes a(disk, one, 1);
  a.Write(1);
  EXPECT_EQ(a.Run(), "write:7 ") << "nothing is open";
  a.Open();
  EXPECT_EQ(a.Run(), "open ");
  a.Write(5);
  EXPECT_EQ(a.Run(), "write ");
  a.Read();
  EXPECT_EQ(a.Run(), "read=5/5 ");
  disk.SetReadErrors(true);
  a.Read();
  EXPECT_EQ(a.Run(), "read:5 ");
  disk.SetReadOnly(true);
  a.Write(6);
  EXPECT_EQ(a.Run(), "write:4 ");
  a.Read();
  EXPECT_EQ(a.Run(), "read:7 ") << "a write that failed ends the session";
  disk.SetDenied(true);
  a.path.Close();
  a.Open();
  EXPECT_EQ(a.Run(), "open:2 ");
}

TEST_F(SimPorts, AWriteThatTimedOutLandsLaterButNeverAfterTheBarrier) {
  SimDisk disk(world, {});
  disk.SetFate(SimDisk::Fate::kLands);
  Writes a(disk, one, 1);
  a.Open();
  a.Run();
  disk.Hang();
  a.Write(5);
  a.Read();
  EXPECT_EQ(a.Run(), "write:0 read:7 ") << "one times out, and with it the session ends";
  EXPECT_EQ(disk.PendingWrites(), 1);
  EXPECT_EQ(disk.medium()[kUnit], 0);
  disk.Resume();
  world.RunFor(std::chrono::seconds(6));
  EXPECT_EQ(disk.medium()[kUnit], 5) << "it landed, long after its time-out";
  EXPECT_EQ(disk.seen().late_writes, 1);

  a.path.Close();
  a.Open();
  a.Run();
  a.Write(6);
  a.life->End();
  EXPECT_EQ(disk.PendingWrites(), 1) << "kill -9 with a write under way";
  disk.SetFate(SimDisk::Fate::kLost);
  Writes b(disk, one, 2);
  b.Open();
  EXPECT_EQ(b.Run(), "open ");
  EXPECT_EQ(disk.PendingWrites(), 0);
  const std::uint8_t now = disk.medium()[kUnit];
  world.RunFor(std::chrono::seconds(20));
  EXPECT_EQ(disk.medium()[kUnit], now) << "after the barrier nothing old lands";
}

TEST_F(SimPorts, RandomFatesReachLateTornAndLost) {
  SimDisk disk(world, {});
  for (std::uint64_t i = 1; i < 60; ++i) {
    Writes a(disk, one, i);
    a.Open();
    a.Run(Millis(20));
    a.Write(static_cast<std::uint8_t>(i));
    a.Run(world.Between(Duration(), Millis(2)));
    a.life->End();
    world.RunFor(std::chrono::seconds(i % 3 * 4));
  }
  EXPECT_GT(disk.seen().late_writes, 0);
  EXPECT_GT(disk.seen().torn_writes, 0);
  EXPECT_GT(disk.seen().lost_writes, 0);
}

TEST_F(SimPorts, ALaterWriterOfTheNodeShutsTheEarlierOneOut) {
  SimDisk disk(world, {});
  Writes a(disk, one, 1), b(disk, one, 2), peer(disk, two, 1);
  for (Writes* each : {&a, &peer, &b}) {
    each->Open();
    EXPECT_EQ(each->Run(), "open ");
  }
  a.Write(1);
  EXPECT_EQ(a.Run(), "write:3 ");
  b.Write(2);
  EXPECT_EQ(b.Run(), "write ");
  peer.Write(3);
  EXPECT_EQ(peer.Run(), "write ");
  SimDisk locked(world, {.barrier = SimDisk::Barrier::kLock});
  Writes c(locked, one, 1), d(locked, one, 2);
  c.Open();
  c.Run();
  d.Open();
  EXPECT_EQ(d.Run(), "open:3 ");
  c.life->End();
  d.Open();
  EXPECT_EQ(d.Run(), "open ");
  SimDisk none(world, {.barrier = SimDisk::Barrier::kNone});
  Writes e(none, one, 1);
  e.Open();
  EXPECT_EQ(e.Run(), "open:6 ");
}

TEST_F(SimPorts, APathCutStallsOneNodeAndADeadTargetEveryone) {
  SimDisk disk(world, {});
  Writes a(disk, one, 1), b(disk, two, 1);
  a.Open();
  b.Open();
  a.Run();
  disk.Cut(kOne);
  a.Read();
  b.Read();
  EXPECT_EQ(a.Run(), "read:0 ");
  EXPECT_EQ(b.Run(), "open read=0/0 ");
  a.path.Close();
  a.Open();
  EXPECT_EQ(a.Run(), "open:0 ");
  disk.Heal(kOne);
  a.Open();
  EXPECT_EQ(a.Run(), "open ");
  b.Read();
  disk.Kill();
  EXPECT_EQ(b.Run(), "read:7 ");
  b.path.Close();
  b.Open();
  EXPECT_EQ(b.Run(), "open:1 ");
  disk.Start();
  b.Open();
  EXPECT_EQ(b.Run(), "open ");
}

TEST_F(SimPorts, LocalMessagesComeInOrderAndTheEndOnce) {
  LocalHub hub(world);
  const auto server_life = one.StartLife(), client_life = one.StartLife();
  std::string at_server, at_client;
  SimLocalClient client(hub, "q", client_life, 42);
  client.Connect({[&] { at_client += "up "; },
                  [&](ByteView b) { at_client += Cat(b.front(), " "); },
                  [&] { at_client += "down "; }});
  world.RunFor(Millis(50));
  EXPECT_EQ(at_client, "");
  auto server = std::make_unique<SimLocalServer>(hub, "q", server_life);
  PeerId peer = 0;
  server->Serve({[&](PeerId id, std::uint32_t user) {
                   peer = id;
                   at_server += Cat("user", user, " ");
                 },
                 [&](PeerId, ByteView b) { at_server += Cat(b.front(), " "); },
                 [&](PeerId) { at_server += "gone "; }});
  world.RunFor(Millis(300));
  for (std::uint8_t i = 1; i < 4; ++i) {
    client.Send(Bytes{i});
    server->Send(peer, Bytes{i});
  }
  world.RunFor(Millis(2));
  EXPECT_EQ(at_server, "user42 1 2 3 ");
  EXPECT_EQ(at_client, "up 1 2 3 ");
  server->Drop(peer);
  world.RunFor(Millis(300));
  EXPECT_EQ(at_server, "user42 1 2 3 gone user42 ") << "it connects again";
  server->Send(peer, Bytes{9});
  server_life->End();
  server.reset();
  world.RunFor(Millis(300));
  EXPECT_EQ(at_client, "up 1 2 3 down up 9 down ") << "what was sent before the kill arrives";
}

TEST_F(SimPorts, StateIsOldOrNewAfterAKillAndStaysAfterSuccess) {
  DurableState state(world);
  bool kept_old = false, kept_new = false;
  for (std::uint8_t i = 1; i < 40; ++i) {
    const auto life = one.StartLife();
    SimStateStore store(state, life);
    bool done = false;
    store.Store("x", Bytes{i}, [&](const Status& s) { done = s.ok(); });
    world.RunFor(world.Between(Duration(), Millis(4)));
    life->End();
    const std::uint8_t now = state.values().empty() ? 0 : state.values().at("x").front();
    EXPECT_TRUE(!done || now == i) << "lost after success";
    (now == i ? kept_new : kept_old) |= !done;
  }
  EXPECT_TRUE(kept_old);
  EXPECT_TRUE(kept_new);
  const auto life = one.StartLife();
  SimStateStore store(state, life);
  EXPECT_FALSE(store.Load("y").value().has_value());
  state.SetRotten("x");
  EXPECT_FALSE(store.Load("x").ok());
  state.SetFull(true);
  std::optional<Status> stored;
  store.Store("y", Bytes{1}, [&](Status s) { stored = std::move(s); });
  world.RunFor(Millis(10));
  EXPECT_FALSE(stored->ok());
}

TEST_F(SimPorts, TheNetworkLosesDoublesDamagesAndReplays) {
  SimNetwork network(world);
  const auto life_one = one.StartLife(), life_two = two.StartLife();
  SimDatagram from(network, one, life_one), to(network, two, life_two);
  int arrived = 0;
  to.OnReceive([&](ByteView) { ++arrived; });
  from.Send(kTwo, Bytes{1});
  world.RunFor(Millis(5));
  EXPECT_EQ(arrived, 1);
  network.Cut(kOne, kTwo);
  from.Send(kTwo, Bytes{1});
  world.RunFor(Millis(5));
  EXPECT_EQ(arrived, 1);
  network.HealAll();
  network.SetWeather({.lost = 5, .doubled = 5, .damaged = 5, .replayed = 5});
  for (int i = 0; i < 500; ++i) from.Send(kTwo, Bytes(10, 1));
  world.RunFor(Millis(5));
  const auto& seen = network.seen();
  for (const std::uint64_t count : {seen.lost, seen.doubled, seen.damaged, seen.replayed}) {
    EXPECT_GT(count, 50U);
  }
  EXPECT_EQ(static_cast<std::uint64_t>(arrived), seen.delivered);
}

TEST_F(SimPorts, ProgramsTakeEffectAnswerHangAndAreKilled) {
  Programs programs(one);
  int effects = 0;
  programs.Install("/off", [&](const Command&) {
    return Performance{Millis(20), 3, "out", "err", Millis(10), [&] { ++effects; }, {}};
  });
  programs.Install("/hang",
                   [&](const Command&) { return Performance{kHangs, 0, {}, {}, {}, {}, {}}; });
  const auto life = one.StartLife();
  SimProcessRunner runner(programs, life);
  std::string log;
  const auto start = [&](const std::string& path, Duration patience) {
    Command command;
    command.path = path;
    return runner.Start(command, one.Now() + patience, [&](const ProcessEnd& end) {
      log += Cat(end.started, "/", end.killed, "/", end.exit_code, " ");
    });
  };
  start("/off", Millis(100));
  start("/off", Millis(5));
  start("/off", Millis(15));
  start("/none", Millis(5));
  runner.Kill(start("/hang", Millis(500)));
  world.RunFor(Millis(50));
  EXPECT_EQ(log, "false/false/-1 true/true/-1 true/true/-1 true/true/-1 true/false/3 ");
  EXPECT_EQ(effects, 2) << "one was killed before it took effect, one after";
  EXPECT_EQ(programs.running(), 0);
}

TEST_F(SimPorts, AWatchdogBitesUnlessFed) {
  WatchdogHardware hardware(world, [&] { two.PowerOff(); });
  const auto life = two.StartLife();
  SimWatchdog watchdog(hardware, life);
  ASSERT_TRUE(watchdog.Arm(Millis(100)).ok());
  for (int i = 0; i < 5; ++i) {
    world.RunFor(Millis(90));
    watchdog.Feed();
  }
  EXPECT_EQ(hardware.bites(), 0);
  world.RunFor(Millis(101));
  EXPECT_EQ(hardware.bites(), 1);
  EXPECT_FALSE(two.powered());
}

TEST_F(SimPorts, TheSameSeedGivesTheSameHistory) {
  const auto history = [](std::uint64_t seed) {
    Timeline again(seed);
    Machine machine(again, {kOne, 0, {}});
    SimDisk disk(again, {});
    Journal journal;
    SimFacts facts(journal, machine, "test");
    for (std::uint64_t i = 1; i < 10; ++i) {
      Writes a(disk, machine, i);
      a.Open();
      a.Run(Millis(20));
      a.Write(static_cast<std::uint8_t>(i));
      a.Run(Millis(1));
      a.life->End();
      facts.Record(Fact{Severity::kInfo, "byte", {}}.With("value", disk.medium()[kUnit]));
    }
    return journal.Text();
  };
  EXPECT_EQ(history(5), history(5));
  EXPECT_NE(history(5), history(6));
}

}  // namespace
}  // namespace fencepost::sim
