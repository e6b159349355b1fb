// A physical world of supplies and machines behind random agents, against the fencer's promise:
// judged by what really has power, never by what the fencer believes.
#include <set>

#include "base/prng.h"
#include "stonith/fencer_testing.h"

namespace fencepost::stonith {
namespace {

// beta: a BMC that lives of what the PDUs give; its machine comes back with the power (worst case).
class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed) : prng_(seed), fencer_(Config(seed)) {
    for (const char* outlet : {"bmc", "pdu-a7", "pdu-b7", "pdu-a8", "pdu-b8"}) on_[outlet] = true;
  }

  void Run() {
    for (int i = 0; i < 120 && !testing::Test::HasFatalFailure(); ++i) {
      now_ += Millis(static_cast<std::int64_t>(prng_.Below(400)));
      Step(Next());
    }
    for (int i = 0; i < 500 && !fencer_.Idle(); ++i) {  // let it come to rest
      now_ += Millis(1000);
      Step(running_.empty() ? FencerEvent(Tick{}) : FencerEvent(EndOne()));
    }
    EXPECT_TRUE(fencer_.Idle());
    EXPECT_EQ(asked_, answered_);
  }
  int proofs = 0, errors = 0, overlaps = 0, guarded = 0, both_supplies = 0;

 private:
  static FencerConfig Config(std::uint64_t seed) {
    FencerConfig config = TwoSupplies();
    config.overlap_after = Millis(static_cast<std::int64_t>(200 + seed % 7 * 300));
    config.guard_nodes = seed % 2 == 0 ? 3 : 0;
    config.devices[0].config.monitor_interval = std::chrono::seconds(1);
    return config;
  }

  FencerEvent Next() {
    const auto dice = prng_.Below(12);
    if (dice < 2) {
      const NodeId node = prng_.OneIn(3) ? kThree : kTwo;
      const auto action = prng_.OneIn(2) ? FenceAction::kOff : FenceAction::kReboot;
      const MonoTime not_after = now_ + Millis(static_cast<std::int64_t>(prng_.Below(8000)));
      ++asked_;
      return FenceAsked{++ids_, node, action, Term(1 + prng_.Below(3), kOne), not_after};
    }
    if (dice == 2) {
      ++asked_;
      return StatusAsked{++ids_, kTwo, now_ + Millis(3000)};
    }
    if (dice == 3 && prng_.OneIn(12)) return RightsLost{Term(1 + prng_.Below(2), kOne)};
    if (dice == 4 && prng_.OneIn(4)) return NodeIsBack{prng_.OneIn(2) ? kTwo : kThree};
    if (running_.empty()) return Tick{};
    return EndOne();
  }

  bool Powered(const std::string& outlet) {
    return outlet != "bmc" || on_["pdu-a7"] || on_["pdu-b7"];
  }
  bool IsOff(NodeId node) {
    if (node == kThree) return !on_["pdu-a8"] && !on_["pdu-b8"];
    return !on_["bmc"] || (!on_["pdu-a7"] && !on_["pdu-b7"]);
  }
  void Set(const std::string& outlet, bool on) {
    const bool had = on_["pdu-a7"] || on_["pdu-b7"];
    if (Powered(outlet)) on_[outlet] = on;
    if (!had && (on_["pdu-a7"] || on_["pdu-b7"])) on_["bmc"] = true;
  }

  // Honest devices: 0 only when it was done. Whatever fails or is killed may have been done or not.
  void SeePower() {
    for (const NodeId node : {kTwo, kThree}) {
      if (IsOff(node)) off_at_[node] = now_;
    }
  }

  AgentEnded EndOne() {
    SeePower();
    auto it = running_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(prng_.Below(running_.size())));
    const StartAgent start = it->second;
    running_.erase(it);
    const std::string outlet = start.device + start.plug;
    const bool late = now_ >= start.kill_at;
    const bool killed = ended_.count(start.run) != 0 || late || prng_.OneIn(9);
    AgentEnded ended{start.run, !prng_.OneIn(15), killed, 1, "text\n"};
    const bool works = ended.started && Powered(outlet) && !prng_.OneIn(6);
    if (ended.started && (works || prng_.OneIn(2)) && start.action != "status" &&
        start.action != "monitor" && !late) {
      Set(outlet, start.action == "on");
    }
    if (works && !killed) ended.exit_code = start.action == "status" && !on_[outlet] ? 2 : 0;
    return ended;
  }

  void Start(const StartAgent& start) {
    ASSERT_GT(start.kill_at, now_);
    int same_device = 0;
    for (const auto& [run, other] : running_) {
      if (other.device == start.device && ended_.count(run) == 0) ++same_device;
      const bool same_node = other.stdin_text.find("nodename=beta") != std::string::npos &&
                             start.stdin_text.find("nodename=beta") != std::string::npos;
      if (same_node && other.action == "off" && start.action == "off") ++overlaps;
      ASSERT_FALSE(same_node && other.action == "off" && start.action == "on") << "an off lives";
    }
    ASSERT_EQ(same_device, 0) << "its limit is one";
    running_[start.run] = start;
  }

  void Step(const FencerEvent& event) {
    SeePower();
    for (const FencerEffect& effect : fencer_.Step(now_, event)) {
      if (const auto* start = std::get_if<StartAgent>(&effect)) {
        ASSERT_NO_FATAL_FAILURE(Start(*start));
      } else if (const auto* kill = std::get_if<KillAgent>(&effect)) {
        ended_.insert(kill->run);
      } else if (const auto* answer = std::get_if<FenceAnswer>(&effect)) {
        ++answered_;
        if (!answer->result.ok()) {
          ++errors;
          const std::string& cause = answer->result.error().cause;
          ASSERT_THAT(cause, testing::HasSubstr("phase="));
          if (cause.find("majority-guard") != std::string::npos) ++guarded;
          continue;
        }
        ++proofs;
        if (answer->result->device == "pdu-a + pdu-b") ++both_supplies;
        ASSERT_TRUE(IsOff(answer->result->node)) << "it still has power";
      } else if (const auto* status = std::get_if<StatusAnswer>(&effect)) {
        ++answered_;
        ASSERT_TRUE(status->power != Power::kOff || off_at_[status->node] >= status->begun_at);
      }
    }
  }

  Prng prng_;
  Fencer fencer_;
  MonoTime now_ = At(0);
  RequestId ids_ = 0;
  int asked_ = 0, answered_ = 0;
  std::map<RunId, StartAgent> running_;
  std::set<RunId> ended_;
  std::map<std::string, bool> on_;
  std::map<NodeId, MonoTime> off_at_;  // the last instant at which it was
};

TEST(FencerProperty, WhatIsCalledOffHasNoPowerAndEveryRequestIsAnsweredOnce) {
  int proofs = 0, errors = 0, overlaps = 0, guarded = 0, both = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    RandomWorld world(seed);
    world.Run();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    proofs += world.proofs;
    errors += world.errors;
    overlaps += world.overlaps;
    guarded += world.guarded;
    both += world.both_supplies;
  }
  for (const int reached : {proofs, errors, overlaps, guarded, both}) EXPECT_GT(reached, 30);
}

}  // namespace
}  // namespace fencepost::stonith
