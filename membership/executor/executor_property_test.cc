// The executor under random events, with a shell and agents that do anything: late ends, refused
// kills, failures. What is really running is known here, and compared with what is said.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/prng.h"
#include "base/text.h"
#include "membership/executor/executor.h"

namespace fencepost::executor {
namespace {

constexpr int kSeeds = 1000;
constexpr int kSteps = 300;

struct RealProcess {
  StartProcess call;
  bool told_to_die = false;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), executor_(MakeCib()) {}

  void Run() {
    ASSERT_NO_FATAL_FAILURE(Step(Begin{}));
    for (int i = 0; i < kSteps; ++i) {
      now_ += Millis(static_cast<std::int64_t>(random_.Below(400)));
      ASSERT_NO_FATAL_FAILURE(RandomStep());
    }
    ASSERT_NO_FATAL_FAILURE(Settle());
  }

  int starts = 0, stops = 0, kills = 0;

 private:
  static Cib MakeCib() {
    Cib cib;
    for (const char* group : {"g", "h"}) {
      Group g{group, {}};
      for (const char* member : {"1", "2"}) {
        Primitive p;
        p.id = Cat(group, member);
        p.provider = p.type = "x";
        p.start_timeout = p.stop_timeout = p.monitor_timeout = p.probe_timeout =
            std::chrono::seconds(2);
        p.monitor_interval = std::chrono::seconds(1);
        g.members.push_back(p);
      }
      cib.groups.push_back(g);
    }
    return cib;
  }

  std::string AnyResource() { return Cat(random_.OneIn(2) ? "g" : "h", 1 + random_.Below(2)); }

  void RandomStep() {
    switch (random_.Below(12)) {
      case 0:
      case 1:
      case 2:
        return Step(RandomOrder());
      case 3:
        authority_ = now_ + Millis(static_cast<std::int64_t>(random_.Below(900)));
        return Step(Authority{Term(1, NodeId(1)), authority_});
      case 4:
        if (!random_.OneIn(3)) break;
        authority_ = now_;
        return Step(Revoke{});
      case 5:
        if (!random_.OneIn(4)) break;
        stopping_ = true;
        return Step(StopAll{});
      case 6:
        stopping_ = false;
        return Step(Resume{});
      case 7:
        if (!random_.OneIn(3)) break;
        return Step(Forget{AnyResource()});
      default:
        if (!processes_.empty()) return EndAny();
    }
    Step(Tick{});
  }

  Order RandomOrder() {
    const ResourceAction actions[] = {ResourceAction::kProbe, ResourceAction::kStart,
                                      ResourceAction::kStart, ResourceAction::kStop};
    const MonoTime not_after = now_ + Millis(static_cast<std::int64_t>(random_.Below(900)));
    authority_ = std::max(authority_, not_after);
    return {++last_order_, Term(1, NodeId(1)), AnyResource(), actions[random_.Below(4)], not_after};
  }

  // Any process ends, well or badly; what was told to die may have been successful just before.
  void EndAny() {
    auto at = processes_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.Below(processes_.size())));
    const RealProcess process = at->second;
    processes_.erase(at);
    const std::string& id = process.call.resource;
    const bool well = !random_.OneIn(4);
    ProcessEnded ended{process.call.process, true, false, process.told_to_die, well ? 0 : 1};
    switch (process.call.action) {
      case ResourceAction::kStart:
        active_.insert(id);
        break;
      case ResourceAction::kStop:
        if (well) active_.erase(id);
        break;
      default:
        if (well) ended.exit_code = active_.contains(id) ? 0 : kOcfNotRunning;
    }
    Step(ended);
  }

  void Step(const Event& event) {
    for (const Effect& effect : executor_.Step(event, now_)) {
      if (const auto* call = std::get_if<StartProcess>(&effect)) {
        ASSERT_NO_FATAL_FAILURE(CheckStart(*call));
        processes_[call->process] = {*call, false};
      } else if (const auto* kill = std::get_if<KillProcess>(&effect)) {
        ++kills;
        ASSERT_TRUE(processes_.contains(kill->process));
        ASSERT_NE(processes_[kill->process].call.action, ResourceAction::kStop);
        processes_[kill->process].told_to_die = true;
      } else if (const auto* done = std::get_if<OrderDone>(&effect)) {
        ASSERT_TRUE(answered_.insert(done->operation).second) << "answered twice";
      } else if (std::holds_alternative<Quiesced>(effect)) {
        ASSERT_TRUE(active_.empty() && processes_.empty()) << "quiesced, but something is active";
      }
    }
    CheckAfterStep();
  }

  void CheckStart(const StartProcess& call) {
    for (const auto& [number, process] : processes_) {
      ASSERT_NE(process.call.resource, call.resource) << "two processes for one resource";
    }
    if (call.action == ResourceAction::kStop) ++stops;
    if (call.action != ResourceAction::kStart) return;
    ++starts;
    ASSERT_LT(now_, authority_) << "R8: a start without authority";
    ASSERT_FALSE(stopping_) << "a start while everything is being stopped";
  }

  void CheckAfterStep() {
    for (const auto& [number, process] : processes_) {
      if (process.call.action != ResourceAction::kStart || process.told_to_die) continue;
      ASSERT_LT(now_, authority_) << "R8: a start outlives its authority";
    }
    for (const ResourceStatus& status : executor_.Statuses()) {
      if (status.state != ResourceState::kStopped) continue;
      ASSERT_FALSE(active_.contains(status.resource))
          << status.resource << " is said to be stopped";
    }
    if (executor_.IsQuiesced()) {
      ASSERT_TRUE(active_.empty() && processes_.empty());
    }
  }

  // Agents behave from now on: a StopAll must come to its end, and every order has its answer.
  void Settle() {
    stopping_ = true;
    ASSERT_NO_FATAL_FAILURE(Step(StopAll{}));
    for (int i = 0; i < 50 && !executor_.IsQuiesced(); ++i) {
      now_ += Millis(10);
      if (processes_.empty()) {
        ASSERT_NO_FATAL_FAILURE(Step(StopAll{}));
        continue;
      }
      const RealProcess process = processes_.begin()->second;
      processes_.erase(processes_.begin());
      if (process.call.action == ResourceAction::kStart) active_.insert(process.call.resource);
      if (process.call.action == ResourceAction::kStop) active_.erase(process.call.resource);
      ASSERT_NO_FATAL_FAILURE(
          Step(ProcessEnded{process.call.process, true, false, process.told_to_die, 0}));
    }
    ASSERT_TRUE(executor_.IsQuiesced());
    ASSERT_EQ(answered_.size(), last_order_) << "an order without an answer";
  }

  Prng random_;
  Executor executor_;
  MonoTime now_{};
  MonoTime authority_{};  // the latest instant that anyone was promised
  bool stopping_ = false;
  std::uint64_t last_order_ = 0;
  std::set<std::uint64_t> answered_;
  std::map<ProcessNumber, RealProcess> processes_;
  std::set<std::string> active_;
};

TEST(ExecutorProperty, OneProcessAResourceNoStartWithoutAuthorityNoLieAboutStopped) {
  int starts = 0, stops = 0, kills = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(Cat("seed ", seed));
    World world(seed);
    ASSERT_NO_FATAL_FAILURE(world.Run());
    starts += world.starts;
    stops += world.stops;
    kills += world.kills;
  }
  EXPECT_GT(starts, kSeeds) << "the world is too quiet to prove anything";
  EXPECT_GT(stops, 5 * kSeeds);
  EXPECT_GT(kills, 5 * kSeeds);
}

}  // namespace
}  // namespace fencepost::executor
