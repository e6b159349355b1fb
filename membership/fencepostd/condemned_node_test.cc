// Storage death, fencepostd's part: the watchdog is left to bite, and what that proves to others.
#include <gtest/gtest.h>

#include "membership/fencepostd/runner_world_testing.h"
#include "tests/sim/ports/watchdog.h"

namespace fencepost::daemon {
namespace {

using config::WatchdogEvidence;
constexpr Duration kTimeout = Millis(2000);

class CondemnedNode : public RunnerWorld {
 protected:
  // Node 1 with an armed watchdog, and in the place of its qdiskd the test.
  void Begin(WatchdogEvidence evidence, bool on_guest) {
    Make(2, true);
    config_.watchdog_device = "/dev/watchdog";
    config_.timing.watchdog = kTimeout;
    config_.watchdog_evidence = evidence;
    on_guest_ = on_guest;
    RunnerNode& node = *nodes_[1];
    life_ = node.machine.StartLife();
    hardware_.emplace(world_, [] {});
    port_.emplace(*hardware_, life_);
    watchdog_ = &*port_;
    qdiskd_.emplace(node.hub, "qdiskd", life_);
    LocalServer::Handler handler;
    handler.connected = [this](PeerId peer, std::uint32_t) { peer_ = peer; };
    handler.message = [this](PeerId, ByteView bytes) {
      const auto message = qdiskd::DecodeToQdiskd(bytes);
      ASSERT_TRUE(message.ok());
      if (const auto* ended = std::get_if<qdiskd::local::FeedingEnded>(&*message)) {
        said_.push_back(ended->watchdog);
      }
    };
    handler.gone = [](PeerId) {};
    qdiskd_->Serve(std::move(handler));
    ASSERT_TRUE(Start(1).ok());
    Run(4 * kTimeout);
    ASSERT_TRUE(hardware_->ticking() && hardware_->bites() == 0) << "it is armed and fed";
  }
  void TellToDie() {
    qdiskd_->Send(peer_, qdiskd::Encode(qdiskd::FromQdiskd(
                             qdiskd::local::Die{NodeId(2), qdiskd::MessageKind::kReset})));
  }
  void Forget() {
    said_.clear();
    hardware_->PowerOff();
    Kill(1);
    qdiskd_.reset();
    nodes_.clear();
  }
  ~CondemnedNode() override {
    if (nodes_.count(1) != 0 && nodes_[1]->daemon) Kill(1);
  }

  std::shared_ptr<sim::Life> life_;
  std::optional<sim::WatchdogHardware> hardware_;
  std::optional<sim::SimWatchdog> port_;
  std::optional<sim::SimLocalServer> qdiskd_;
  PeerId peer_ = 0;
  std::vector<Duration> said_;
};

TEST_F(CondemnedNode, FeedsNoMoreFromItsAnswerOnAndIsBitten) {
  Begin(WatchdogEvidence::kAuto, false);
  TellToDie();
  Run(Millis(20));
  ASSERT_EQ(said_, std::vector{kTimeout});
  EXPECT_EQ(hardware_->bites(), 0);
  Run(kTimeout);
  EXPECT_EQ(hardware_->bites(), 1) << journal_.Text();
}

TEST_F(CondemnedNode, DoesNotStopItsWatchdogWhenItLeaves) {
  for (const bool condemned : {false, true}) {
    Begin(WatchdogEvidence::kAuto, false);
    if (condemned) TellToDie();
    Run(Millis(20));
    qdiskd_.reset();  // nobody is left to publish that it left
    Ask(1, R"({"command":"leave"})");
    Run(Millis(500));
    EXPECT_TRUE(nodes_[1]->daemon->ended) << condemned << journal_.Text();
    EXPECT_EQ(hardware_->ticking(), condemned);
    Run(kTimeout);
    EXPECT_EQ(hardware_->bites(), condemned ? 1 : 0);
    Forget();
  }
}

TEST_F(CondemnedNode, SaysWhatItsWatchdogProvesByTheConfigurationOrTheMachine) {
  const struct {
    WatchdogEvidence evidence;
    bool on_guest, proves;
  } cases[] = {{WatchdogEvidence::kAuto, false, true}, {WatchdogEvidence::kAuto, true, false},
               {WatchdogEvidence::kNo, false, false},  {WatchdogEvidence::kNo, true, false},
               {WatchdogEvidence::kYes, false, true},  {WatchdogEvidence::kYes, true, true}};
  for (const auto& c : cases) {
    const std::string name =
        Cat(static_cast<int>(c.evidence), c.on_guest ? " on a guest" : " on a machine");
    Begin(c.evidence, c.on_guest);
    EXPECT_EQ(StatusOf(1)["watchdog"]["evidence"], c.proves) << name;
    TellToDie();
    Run(Millis(20));
    EXPECT_EQ(said_, std::vector{c.proves ? kTimeout : Duration()}) << name;
    Forget();
  }
}

}  // namespace
}  // namespace fencepost::daemon
