// Storage death under faults: the two shipped cores, a disk between them, and everything that
// happens to machines: late and lost writes, pauses, cut paths, clocks that drift, reboots that
// hang, watchdogs that are none. Two claims are held against the truth:
//   - nobody dies of a message that nobody means any more, or that meant another life;
//   - nobody is called dead who lives.
#include <gtest/gtest.h>

#include <deque>

#include "base/prng.h"
#include "base/text.h"
#include "qdiskd/message_sender.h"
#include "qdiskd/message_target.h"

namespace fencepost::qdiskd {
namespace {

constexpr Duration kStep = Millis(25), kCycle = Millis(250), kIo = Millis(400);
constexpr Duration kWatchdog = Millis(2000), kEps = Millis(200);
constexpr DriftPpm kDrift = 20'000;  // between two clocks

struct Clock {
  std::int64_t ppm = 0;
  Duration offset{};
  MonoTime Of(Duration truth) const { return MonoTime(offset + truth + truth / 1'000'000 * ppm); }
};

template <class Value>
struct Flight {
  Duration lands{};
  Value value;
  std::uint64_t life = 0;  // of the writer
  std::uint64_t version = 0;
};

struct World {
  explicit World(std::uint64_t seed, bool faults) : dice(seed), faulty(faults) {
    clock1 = {Between(-10'000, 10'000), Millis(Between(1000, 900'000))};
    clock2 = {Between(-10'000, 10'000), Millis(Between(1000, 900'000))};
    hardware = !faulty || Chance(0.6);
    StartSender();
    StartTarget();
  }

  bool Chance(double p) { return dice.Below(1'000'000) < static_cast<std::uint64_t>(p * 1e6); }
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(dice.Below(static_cast<std::uint64_t>(high - low + 1)));
  }

  // ---- machines ----
  void StartSender() {
    sender.emplace(SenderSettings{
        NodeId(1), BootId{{0xA1}}, Incarnation(++sender_start), kCycle, kIo, kDrift, kEps, 1, {}});
    box_flight.reset();
    asked.reset();
    sender_up = true;
  }
  void StartTarget() {
    ++life;
    target_start = 1 + life * 10;
    NewTarget();
    fed = now;
    feeding = alive = true;
    hung = faulty && Chance(0.3);
    condemned = 0;
  }
  void NewTarget() {
    target.emplace(TargetSettings{NodeId(2), BootOf(life), Incarnation(target_start), kCycle, kIo});
    ack_flight.reset();
    slot_flight.reset();
  }
  void Die() {
    alive = false;
    boots = now + Millis(Between(500, 3000));
  }
  static BootId BootOf(std::uint64_t n) { return BootId{{0xB2, static_cast<std::uint8_t>(n)}}; }

  // ---- what the cores want ----
  void Do(SenderEffects e) {
    if (e.write) {
      box_flight = Flight<Outbox>{now + Latency(), *e.write, 0, e.write->sequence};
      for (const OutMessage& m : e.write->messages) meant[{sender_start, m.number}] = now;
    }
    for (const MessageAnswer& answer : e.answers) {
      if (asked && answer.id == asked->id) asked.reset();
      if (answer.proof == MessageProof::kNone) continue;
      if (!Kills(kinds.at(answer.id))) {
        ++tested;
        continue;
      }
      ++proofs[answer.proof];
      const std::uint64_t dead = lives.at(answer.id);
      if (dead == life && alive) wrong = Cat("called dead and lives: ", answer.text);
    }
  }
  void Do(TargetEffects e) {
    if (e.quiet) {
      condemned = life;
      CheckSentence();  // carried out later, when this node was paused meanwhile
      // Its keeper answers, or is gone.
      if (!faulty || Chance(0.8)) {
        feeding = false;
        Do(target->Step(clock2.Of(now), target::FeedingEnded{hardware ? kWatchdog : Duration()}));
      }
    }
    if (e.acknowledge) {
      AckBox said{NodeId(2), BootOf(life),  Incarnation(target_start), ++ack_sequence,
                  0,         target->Acks()};
      ack_flight = Flight<AckBox>{now + Latency(), said, life, *e.acknowledge};
    }
    if (e.act && !hung) Die();
  }
  void CheckSentence() {
    ++deaths;
    // Some message to this life was meant by a living sender until shortly before.
    const Duration slack = LiveWindow({NodeId(2), {}, {}, kCycle, kIo}) * 2 + 2 * kIo;
    for (const auto& [name, last] : meant) {
      if (victims.at(name) == life && now - last <= slack) return;
    }
    wrong = Cat("life ", life, " dies of a message that nobody means");
  }
  Duration Latency() { return Millis(Between(1, faulty ? 380 : 60)); }

  // ---- time ----
  void Ask() {
    if (asked || !sender_up) return;
    const auto kind = static_cast<MessageKind>(Between(1, 3));
    asked = sender::Ask{++last_id, NodeId(2), kind, clock1.Of(now) + Millis(Between(800, 9000)),
                        Term(),    "x"};
    kinds[last_id] = kind;
    const auto before = sent;
    SenderEffects e = sender->Step(clock1.Of(now), *asked);
    if (e.write && !e.write->messages.empty()) {
      const OutMessage& m = e.write->messages[0];
      ++sent;
      std::uint64_t to = 0;
      for (std::uint64_t n = 1; n <= life; ++n) to = BootOf(n) == m.to_boot ? n : to;
      lives[last_id] = to;
      victims[{sender_start, m.number}] = to;
    }
    if (sent == before) asked.reset();
    Do(std::move(e));
  }
  void Faults() {
    if (!faulty) return;
    if (Chance(0.002)) StartSender();
    if (Chance(0.002)) paused1 = now + Millis(Between(100, 6000));
    if (Chance(0.002)) paused2 = now + Millis(Between(100, 6000));
    if (Chance(0.003)) cut1 = now + Millis(Between(100, 5000));
    if (Chance(0.003)) cut2 = now + Millis(Between(100, 5000));
    if (asked && Chance(0.005)) {
      const std::uint64_t id = std::exchange(asked, std::nullopt)->id;
      Do(sender->Step(clock1.Of(now), sender::Withdraw{id}));
    }
    if (alive && Chance(0.001)) Die();
    if (alive && Chance(0.002)) {
      ++target_start;
      condemned == life ? void() : NewTarget();  // a marked node does not come back as another
    }
  }
  void Land() {
    if (box_flight && now >= box_flight->lands) {
      const auto flight = *std::exchange(box_flight, std::nullopt);
      if (now < cut1 && Chance(0.5)) {
        Do(sender->Step(clock1.Of(now), sender::BoxFailed{0, flight.version, "cut"}));
        if (Chance(0.5)) box = flight.value;  // it may have landed
      } else {
        box = flight.value;
        Do(sender->Step(clock1.Of(now), sender::BoxWritten{flight.version}));
      }
    }
    if (ack_flight && now >= ack_flight->lands) {
      const auto flight = *std::exchange(ack_flight, std::nullopt);
      if (now >= cut2) acks = flight.value;
      if (alive && now >= cut2 && now >= paused2) {
        Do(target->Step(clock2.Of(now), target::Acknowledged{flight.version}));
      }
    }
    if (slot_flight && now >= slot_flight->lands) {
      if (now >= cut2) slot = slot_flight->value;
      slot_flight.reset();
    }
  }
  void SenderTurn() {
    if (now < paused1) return;
    Do(sender->Step(clock1.Of(now), sender::Wake{}));
    if (now < look1) return;
    look1 = now + kCycle;
    DiskView view;
    view.readable = now >= cut1;
    view.trouble = "cut";
    view.began = clock1.Of(now);
    view.nodes.push_back({NodeId(2), slot, true, true, 0, {}});
    Do(sender->Step(clock1.Of(now), sender::Saw{view}));
    if (now >= cut1) Do(sender->Step(clock1.Of(now), sender::AcksRead{clock1.Of(now), {acks}}));
  }
  void TargetTurn() {
    if (!alive) {
      if (now >= boots) StartTarget();
      return;
    }
    if (feeding && now >= paused2) fed = now;
    if (hardware && now - fed > kWatchdog) return Die();
    if (now < paused2) return;
    Do(target->Step(clock2.Of(now), target::Wake{}));
    if (!alive || now < look2) return;
    look2 = now + kCycle;
    if (condemned != life && !slot_flight) {
      Slot next;
      next.node = NodeId(2);
      next.boot = BootOf(life);
      next.incarnation = Incarnation(target_start);
      next.sequence = ++slot_sequence;
      slot_flight = Flight<Slot>{now + Latency(), next};
    }
    if (now >= cut2) {
      Do(target->Step(clock2.Of(now), target::BoxesRead{0, clock2.Of(now), {box}, Term()}));
    }
  }
  void Run(Duration length) {
    for (; now < length && wrong.empty(); now += kStep) {
      Faults();
      if (Chance(faulty ? 0.02 : 0.004)) Ask();
      Land();
      SenderTurn();
      TargetTurn();
    }
  }

  Prng dice;
  bool faulty, hardware = true, sender_up = false, alive = false, feeding = true, hung = false;
  Clock clock1, clock2;
  Duration now{}, paused1{}, paused2{}, cut1{}, cut2{}, look1{}, look2{}, fed{}, boots{};
  std::uint64_t sender_start = 0, life = 0, target_start = 0, condemned = 0;
  std::uint64_t last_id = 0, sent = 0, deaths = 0, tested = 0, ack_sequence = 0, slot_sequence = 0;
  std::optional<MessageSender> sender;
  std::optional<MessageTarget> target;
  std::optional<Flight<Outbox>> box_flight;
  std::optional<Flight<AckBox>> ack_flight;
  std::optional<Flight<Slot>> slot_flight;
  Outbox box;
  AckBox acks;
  Slot slot;
  std::optional<sender::Ask> asked;
  std::map<std::uint64_t, MessageKind> kinds;                                // by id
  std::map<std::uint64_t, std::uint64_t> lives;                              // the one it meant
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> victims;  // by start, number
  std::map<std::pair<std::uint64_t, std::uint64_t>, Duration> meant;         // last written with it
  std::map<MessageProof, std::uint64_t> proofs;
  std::string wrong;
};

TEST(StorageDeath, NobodyIsCalledDeadWhoLivesAndNobodyDiesOfWhatNobodyMeans) {
  std::uint64_t deaths = 0, reset = 0, anew = 0, tested = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    World world(seed, true);
    world.Run(std::chrono::seconds(60));
    ASSERT_EQ(world.wrong, "") << "seed " << seed;
    deaths += world.deaths;
    tested += world.tested;
    reset += world.proofs[MessageProof::kWatchdogReset];
    anew += world.proofs[MessageProof::kNewBoot];
  }
  EXPECT_GT(deaths, 200U);
  EXPECT_GT(tested, 50U);
  EXPECT_GT(reset, 20U) << "the dangerous proof was reached";
  EXPECT_GT(anew, 50U);
}

TEST(StorageDeath, WithoutFaultsEveryMessageDoesWhatItSays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed, false);
    world.Run(std::chrono::seconds(60));
    ASSERT_EQ(world.wrong, "") << "seed " << seed;
    EXPECT_GT(world.sent, 0U);
  }
}

}  // namespace
}  // namespace fencepost::qdiskd
