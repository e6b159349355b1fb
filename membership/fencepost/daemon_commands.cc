// fencepost status, stop, cleanup: questions to this node's fencepostd.
#include <chrono>

#include "base/text.h"
#include "env/linux/read_file.h"
#include "membership/fencepost/ask_daemon.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"
#include "membership/fencepost/status_report.h"
#include "stonith/rehearsal/record.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;
using nlohmann::json;

constexpr int kNotQuorate = 2;
constexpr Duration kProgressEvery = Millis(500);

// When each node was last rehearsed, by the records of this host.
std::string Rehearsals(const po::variables_map& values, Io& io) {
  const auto config = LoadConfig(values["config"].as<std::string>(), io);
  if (!config) return "";
  const auto text = ReadSmallFile(Cat(config->paths.state_dir, "/", stonith::kRecordsFile),
                                  stonith::kMaxRecordsBytes);
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return text ? stonith::ShowRecords(stonith::DecodeRecords(*text),
                                     std::chrono::duration_cast<std::chrono::seconds>(wall).count())
              : "";
}

std::optional<std::string> RunDir(const po::variables_map& values, Io& io) {
  const auto config = LoadConfig(values["config"].as<std::string>(), io);
  if (!config) return std::nullopt;
  return config->paths.run_dir;
}

// What a leaving node still waits for, in one line.
std::string Progress(const json& status) {
  std::string running;
  for (const json& resource : status.value("resources", json::array())) {
    const json here = resource.value("here", json());
    const std::string state = here.is_object() ? here.value("state", "unknown") : "unknown";
    if (state == "stopped") continue;
    running += Cat(running.empty() ? "" : ", ", resource.value("id", "?"), " is ", state);
  }
  return running.empty() ? "nothing runs here any more" : running;
}

}  // namespace

int ShowStatus(const Arguments& arguments, Io& io) {
  auto options = ConfigOption();
  options.add_options()("json", "");
  const auto values = ParseOptions(options, arguments);
  if (!values) return UsageError(values.error(), io);
  const auto run_dir = RunDir(*values, io);
  if (!run_dir) return kNotQuorate;
  const auto status = AskDaemon(*run_dir, {{"command", "status"}});
  if (!status) {
    Fail(status.error().error, io);
    return kNotQuorate;
  }
  if (values->count("json") != 0) {
    io.out << status->dump(2) << "\n";
  } else {
    io.out << StatusReport(*status) << Rehearsals(*values, io);
  }
  return StatusExit(*status);
}

int Stop(const Arguments& arguments, Io& io) {
  const auto values = ParseOptions(ConfigOption(), arguments);
  if (!values) return UsageError(values.error(), io);
  const auto run_dir = RunDir(*values, io);
  if (!run_dir) return kFailed;
  const auto asked = AskDaemon(*run_dir, {{"command", "leave"}});
  if (!asked && !asked.error().is_running) {
    io.out << "fencepostd is not running\n";
    return kDone;
  }
  if (!asked) return Fail(asked.error().error, io);
  io.out << "leaving: what runs here is handed over" << std::endl;
  for (std::string told;;) {
    const auto status = AskDaemon(*run_dir, {{"command", "status"}});
    if (!status && !status.error().is_running) break;
    const std::string now = status ? Progress(*status) : told;
    if (now != told) io.out << now << std::endl;
    told = now;
    SleepFor(kProgressEvery);
  }
  io.out << "fencepostd has ended\n";
  return kDone;
}

int Cleanup(const Arguments& arguments, Io& io) {
  auto options = ConfigOption();
  options.add_options()("resource", po::value<std::string>()->required());
  const auto values = ParseOptions(options, arguments, "resource");
  if (!values) return UsageError(values.error(), io);
  const auto run_dir = RunDir(*values, io);
  if (!run_dir) return kFailed;
  const auto& resource = (*values)["resource"].as<std::string>();
  const auto done = AskDaemon(*run_dir, {{"command", "cleanup"}, {"resource", resource}});
  if (!done) return Fail(done.error().error, io);
  io.out << "the failures of " << resource << " on this node are forgotten\n";
  return kDone;
}

}  // namespace fencepost::command
