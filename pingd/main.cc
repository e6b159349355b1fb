// pingd: who can still see the world? Wires the prober to this machine; see pingd(8).
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <optional>

#include "env/linux/background.h"
#include "env/linux/echo_sockets.h"
#include "env/linux/facts.h"
#include "env/linux/identity.h"
#include "env/linux/link_packets.h"
#include "env/linux/local_socket.h"
#include "env/linux/process_linux.h"
#include "env/linux/read_file.h"
#include "env/linux/tcp_probe.h"
#include "pingd/ask_status.h"
#include "pingd/daemon.h"
#include "pingd/options.h"

namespace fencepost::ping {
namespace {

// The real ports, in the order in which they need each other.
struct Machine {
  explicit Machine(Loop& loop) : tcp(loop), arp(loop), processes(loop) {}
  LinuxIdentity identity;
  std::unique_ptr<LinuxEcho> echo;
  std::string echo_trouble;
  LinuxTcpProbe tcp;
  LinuxArp arp;
  LinuxProcessRunner processes;
};

bool NeedsEcho(const config::PingConfig& config) {
  for (const config::PingTarget& target : config.targets) {
    if (target.probe == config::ProbeKind::kIcmp) return true;
  }
  return false;
}

Status Open(Machine& machine, Loop& loop, const config::PingConfig& config, bool unprivileged) {
  if (!NeedsEcho(config)) return Ok{};
  const auto id = static_cast<std::uint16_t>(machine.identity.Random());
  auto echo = LinuxEcho::Open(
      loop, unprivileged ? LinuxEcho::Privilege::kUnprivileged : LinuxEcho::Privilege::kAny, id);
  if (!echo.ok()) return echo.error();
  machine.echo = std::move(*echo);
  return Ok{};
}

ProberPorts PortsOf(Machine& machine, Loop& loop) {
  return {loop,        machine.echo.get(), machine.echo_trouble, machine.tcp,
          machine.arp, machine.processes,  machine.identity};
}

Result<int> Once(const Settings& settings, const Options& options) {
  auto loop = Loop::Create();
  if (!loop.ok()) return loop.error();
  Machine machine(**loop);
  const Status opened = Open(machine, **loop, settings.ping, options.unprivileged);
  if (!opened.ok()) return opened.error();
  OneRound round(settings.ping, PortsOf(machine, **loop), [&] { (*loop)->Stop(); });
  round.Start();
  (*loop)->Run();
  const Watch& watch = round.prober().watch();
  SinkState nobody;
  nobody.name = "none";
  const auto status = StatusJson(watch, round.prober().replies(), nobody, (*loop)->Now(), 0,
                                 config::kMaxPingTargets);
  std::cout << (options.json ? Dump(status, 2) + "\n" : StatusText(status));
  return watch.RawScore().value_or(0) >= settings.ping.failure_score ? 0 : 1;
}

std::unique_ptr<ScoreSink> MakeSink(const config::PingConfig& config, Loop& loop,
                                    LocalSocketClient& fencepostd, Machine& machine,
                                    FactSink& facts) {
  switch (config.sink) {
    case config::PingSink::kFencepost:
      return std::make_unique<FencepostSink>(config, loop, fencepostd, facts);
    case config::PingSink::kPacemaker:
      return std::make_unique<AttrdSink>(config, loop, machine.processes, facts);
    case config::PingSink::kNone:
      break;
  }
  return std::make_unique<NoSink>(loop);
}

Status Serve(const Settings& settings, const Options& options,
             std::optional<Background> background) {
  auto loop = Loop::Create();
  if (!loop.ok()) return loop.error();
  const auto server = LocalSocketServer::Open(**loop, Cat(settings.run_dir, "/", kStatusSocket));
  if (!server.ok()) return server.error();
  const bool to_syslog = background || settings.log == config::LogTarget::kSyslog;
  const auto facts = MakeFactSink(to_syslog ? FactTarget::kSyslog : FactTarget::kStderr, "pingd");
  Machine machine(**loop);
  const Status opened = Open(machine, **loop, settings.ping, options.unprivileged);
  if (!opened.ok()) return opened;
  LocalSocketClient fencepostd(**loop, Cat(settings.run_dir, "/", kFencepostdSocket));
  const auto sink = MakeSink(settings.ping, **loop, fencepostd, machine, *facts);
  Daemon daemon(settings.ping, PortsOf(machine, **loop), *sink, server->get(), *facts);
  for (const int signal : {SIGTERM, SIGINT}) {
    (*loop)->OnSignal(signal, [&] { daemon.Stop([&] { (*loop)->Stop(); }); });
  }
  (*loop)->OnSignal(SIGHUP, [] {});
  if (!options.pid_file.empty()) {
    const Status written = ReplaceFile(options.pid_file, Cat(getpid(), "\n"));
    if (!written.ok()) return written;
  }
  facts->Record(Fact{Severity::kNotice, "ping-started", {}}
                    .With("targets", settings.ping.targets.size())
                    .With("sink", sink->state().name)
                    .With("sockets", !machine.echo           ? "none"
                                     : machine.echo->IsRaw() ? "raw"
                                                             : "ping"));
  daemon.Start();
  if (background) background->Ready();
  (*loop)->Run();
  if (!options.pid_file.empty()) unlink(options.pid_file.c_str());
  return Ok{};
}

int Fail(const std::string& text, int code) {
  std::cerr << "pingd: " << text << "\n";
  return code;
}

int RunDaemon(const Settings& settings, const Options& options) {
  std::optional<Background> background;
  if (options.daemonize) {
    auto entered = Background::Enter();
    if (!entered.ok()) return Fail(entered.error().Text(), 1);
    background = std::move(*entered);
  }
  const Status served = Serve(settings, options, std::move(background));
  return served.ok() ? 0 : Fail(served.error().Text(), 1);
}

int Main(const std::vector<std::string>& arguments) {
  const auto options = ParseOptions(arguments);
  if (!options.ok()) return Fail(options.error().Text(), 2);
  if (options->help || options->version) {
    std::cout << (options->help ? UsageText() : VersionText());
    return 0;
  }
  const auto settings = LoadSettings(*options);
  if (!settings.ok()) return Fail(settings.error(), 2);
  if (options->section_given) {
    std::cerr << "pingd: --attr-section and --attr-set have no effect: node attributes are "
                 "transient\n";
  }
  if (options->status) {
    const auto status = AskStatus(settings->run_dir);
    if (!status.ok()) return Fail(status.error().Text(), 2);
    std::cout << (options->json ? Dump(*status, 2) + "\n" : StatusText(*status));
    return status->value("failed", nlohmann::json(nullptr)) == false ? 0 : 1;
  }
  if (options->once) {
    const auto code = Once(*settings, *options);
    return code.ok() ? *code : Fail(code.error().Text(), 2);
  }
  return RunDaemon(*settings, *options);
}

}  // namespace
}  // namespace fencepost::ping

int main(int argc, char** argv) {
  return fencepost::ping::Main({argv + (argc > 0 ? 1 : 0), argv + argc});
}
