// qdiskd: the quorum disk daemon. Wires the runner to this machine; see qdiskd(8).
#include <signal.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <optional>

#include "env/linux/background.h"
#include "env/linux/facts.h"
#include "env/linux/identity.h"
#include "env/linux/local_socket.h"
#include "env/linux/node_death_linux.h"
#include "env/linux/open_disk.h"
#include "env/linux/process_linux.h"
#include "env/linux/read_file.h"
#include "env/linux/realtime.h"
#include "env/linux/state_dir.h"
#include "qdiskd/disk_runner.h"
#include "qdiskd/heuristic_runner.h"
#include "qdiskd/options.h"
#include "qdiskd/reload.h"
#include "qdiskd/status_text.h"

namespace fencepost::qdiskd {
namespace {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

std::unique_ptr<NodeIdentity> MakeIdentity(const std::string& file) {
  return file.empty() ? std::make_unique<LinuxIdentity>() : std::make_unique<LinuxIdentity>(file);
}

Result<std::vector<std::unique_ptr<BlockDevice>>> OpenDisks(Loop& loop, const Setup& setup) {
  std::vector<std::unique_ptr<BlockDevice>> devices;
  for (const config::DiskConfig& disk : setup.config.quorum_disk->disks) {
    auto device = MakeDisk(loop, disk.device, disk.chap_secret_file, disk.portals);
    if (!device.ok()) return device.error();
    devices.push_back(std::move(*device));
  }
  return devices;
}

// A file that cannot be written is told once, until it can.
class StatusFile {
 public:
  explicit StatusFile(FactSink& facts) : facts_(facts) {}
  void Write(const std::string& path, const std::string& text) {
    if (path == "-") {
      std::cout << text << std::flush;
      return;
    }
    const Status shown = ShowFile(path, text);
    if (!shown.ok() && !failed_) {
      facts_.Record(
          Fact{Severity::kWarning, "status-file-failed", {}}.With("why", shown.error().Text()));
    }
    failed_ = !shown.ok();
  }

 private:
  FactSink& facts_;
  bool failed_ = false;
};

std::string Now() {  // as ctime() writes it
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 64> text{};
  if (localtime_r(&now, &parts) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%a %b %e %H:%M:%S %Y", &parts)};
}

Status Serve(Setup setup, const Options& options, std::optional<Background> background) {
  const config::PathsConfig& paths = setup.config.paths;
  auto loop = Loop::Create();
  if (!loop.ok()) return loop.error();
  const auto server = LocalSocketServer::Open(**loop, paths.run_dir + "/qdiskd.sock");
  if (!server.ok()) return server.error();
  std::error_code ignored;  // Open says what is wrong
  std::filesystem::create_directories(paths.state_dir, ignored);
  const auto state = StateDirectory::Open(**loop, paths.state_dir + "/qdiskd");
  if (!state.ok()) return state.error();
  const auto devices = OpenDisks(**loop, setup);
  if (!devices.ok()) return devices.error();

  const bool to_syslog = background || setup.config.log == config::LogTarget::kSyslog;
  const auto facts = MakeFactSink(to_syslog ? FactTarget::kSyslog : FactTarget::kStderr, "qdiskd");
  const auto identity = MakeIdentity(paths.boot_identity_file);
  facts->Record(GoRealtime());
  LinuxNodeDeath death(paths.run_dir);
  RunnerPorts ports{**loop, {}, **server, **state, *identity, *facts, death};
  for (const auto& device : *devices) ports.disks.push_back(device.get());
  StatusFile status_file(*facts);
  RunnerSettings settings = MakeRunnerSettings(setup, geteuid(), options.debug);
  settings.after_cycle = [&](const local::View& view) {
    const std::string& path = setup.config.quorum_disk->status_file;
    if (!path.empty()) status_file.Write(path, StatusFileText(view, setup.self.id, Now()));
  };
  DiskRunner runner(std::move(settings), ports);
  LinuxProcessRunner processes(**loop);
  HeuristicRunner heuristics(setup.config.quorum_disk->fitness, {**loop, processes, *facts},
                             [&](const Fitness& fitness) { runner.SetFitness(fitness); });
  Status outcome = Ok{};
  runner.Start([&](Status ended) {
    outcome = std::move(ended);
    (*loop)->Stop();
  });
  for (const int signal : {SIGTERM, SIGINT}) (*loop)->OnSignal(signal, [&] { runner.Stop(); });
  (*loop)->OnSignal(SIGHUP, [&] { Reload(options, setup.config, heuristics, *facts); });
  heuristics.Start();
  if (background) background->Ready();
  (*loop)->Run();
  return outcome;
}

int Main(const std::vector<std::string>& arguments) {
  const auto options = ParseOptions(arguments);
  if (!options.ok()) {
    std::cerr << options.error().Text() << "\n";
    return 2;
  }
  if (options->help || options->version) {
    std::cout << (options->help ? UsageText() : VersionText());
    return 0;
  }
  if (options->quiet) CloseStandardStreams();
  auto setup = LoadSetup(*options, HostName());
  if (!setup.ok()) {
    std::cerr << setup.error() << "\n";
    return 1;
  }
  std::optional<Background> background;
  if (!options->foreground) {
    auto entered = Background::Enter();
    if (!entered.ok()) {
      std::cerr << entered.error().Text() << "\n";
      return 1;
    }
    background = std::move(*entered);
  }
  const Status served = Serve(std::move(*setup), *options, std::move(background));
  if (!served.ok()) std::cerr << "qdiskd: " << served.error().Text() << "\n";
  return served.ok() ? 0 : 1;
}

}  // namespace
}  // namespace fencepost::qdiskd

int main(int argc, char** argv) {
  return fencepost::qdiskd::Main({argv + (argc > 0 ? 1 : 0), argv + argc});
}
