#include "membership/fencepostd/wiring.h"

#include <signal.h>

#include "base/text.h"
#include "env/linux/node_death_linux.h"
#include "membership/fencepostd/start_files.h"
#include "membership/fencepostd/tool_request.h"

namespace fencepost::daemon {
namespace {

// What a daemon that was killed had started is killed at once; more than this is a kernel that
// hangs.
constexpr Duration kProgramsEnd = std::chrono::seconds(20);
constexpr std::string_view kQdiskdSocket = "/qdiskd.sock";

std::string BootFile(const config::PathsConfig& paths) {
  return paths.boot_identity_file.empty() ? std::string(kKernelBootId) : paths.boot_identity_file;
}

}  // namespace

Wiring::Wiring(std::unique_ptr<Loop> loop, const RunnerSettings& settings, FactSink& facts)
    : facts_(facts),
      loop_(std::move(loop)),
      identity_(BootFile(settings.config.paths)),
      processes_(*loop_) {}

Status Wiring::OpenPorts(const RunnerSettings& settings) {
  const config::Config& config = settings.config;
  const auto directory = StateDirectoryOf(config);
  if (!directory) return directory.error();
  auto state = StateDirectory::Open(*loop_, *directory);
  if (!state) return state.error();
  state_ = std::move(*state);
  auto lock = LockOfPrograms(*directory + ".programs", kProgramsEnd);
  if (!lock) return lock.error();
  processes_.SetLock(std::move(*lock));
  // With the state locked: whoever fed the watchdog before has ended.
  const auto boot = identity_.Boot();
  if (!boot) return boot.error();
  if (LinuxNodeDeath(config.paths.run_dir).Marked(*boot)) {
    return Error{"this boot of the node", "was told to die over the quorum disk",
                 "reset the machine: nothing is started and no watchdog is fed in it any more"};
  }
  std::vector<UdpAddress> addresses;
  for (const config::NodeConfig& node : config.nodes) {
    addresses.push_back({node.id, node.address.host, node.address.port});
  }
  auto network = UdpDatagram::Open(*loop_, settings.self, addresses);
  if (!network) return network.error();
  network_ = std::move(*network);
  auto tools = LocalSocketServer::Open(*loop_, Cat(config.paths.run_dir, "/", kToolSocket));
  if (!tools) return tools.error();
  tools_ = std::move(*tools);
  if (config.quorum_disk) {
    qdiskd_ = std::make_unique<LocalSocketClient>(*loop_, Cat(config.paths.run_dir, kQdiskdSocket));
  }
  if (!config.watchdog_device.empty()) {
    watchdog_ = std::make_unique<WatchdogDevice>(config.watchdog_device);
    if (const Status there = watchdog_->Look(); !there) return there.error();
  }
  return Ok{};
}

Result<std::unique_ptr<Wiring>> Wiring::Open(RunnerSettings settings, FactSink& facts) {
  auto loop = Loop::Create();
  if (!loop) return loop.error();
  std::unique_ptr<Wiring> wiring(new Wiring(std::move(*loop), settings, facts));
  if (const Status opened = wiring->OpenPorts(settings); !opened) return opened.error();
  const MemberPorts ports{
      *wiring->loop_,         *wiring->network_, wiring->qdiskd_.get(), *wiring->state_,
      wiring->processes_,     *wiring->tools_,   wiring->identity_,     facts,
      wiring->watchdog_.get()};
  wiring->runner_ = std::make_unique<MemberRunner>(std::move(settings), ports,
                                                   [raw = wiring.get()](Status ended) {
                                                     raw->ended_ = std::move(ended);
                                                     raw->loop_->Stop();
                                                   });
  if (const Status begun = wiring->runner_->Begin(); !begun) return begun.error();
  wiring->CatchSignals();
  return wiring;
}

void Wiring::CatchSignals() {
  for (const int signal : {SIGTERM, SIGINT}) {
    loop_->OnSignal(signal, [this] {
      if (!asked_to_leave_) {
        asked_to_leave_ = true;
        return runner_->Leave();
      }
      runner_->Abandon();
    });
  }
  loop_->OnSignal(SIGHUP, [this] {
    facts_.Record(Fact{Severity::kNotice, "signal-ignored", {}}
                      .With("signal", "SIGHUP")
                      .With("why", "a changed configuration needs a restart of every node"));
  });
}

Status Wiring::Run() {
  loop_->Run();
  return ended_;
}

}  // namespace fencepost::daemon
