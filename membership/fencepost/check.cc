// fencepost check: everything that can be known to be wrong before a daemon starts. What breaks an
// assumption about this machine is a warning.
#include <filesystem>
#include <set>

#include "base/config/config.h"
#include "base/text.h"
#include "env/linux/clock_steering.h"
#include "env/linux/read_file.h"
#include "env/linux/site_files.h"
#include "membership/fencepost/clock_rate.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"

namespace fencepost::command {
namespace {

constexpr std::size_t kMaxChronyBytes = 64 * 1024;

std::string VotesText(Votes votes) { return Cat(votes, votes.value() == 1 ? " vote" : " votes"); }

void Summarise(const config::Config& config, const std::string& path, std::ostream& out) {
  out << Cat("OK ", path, "\n");
  out << Cat("cluster   ", config.cluster_name, "  ", UuidText(config.cluster_id.bytes), "\n");
  for (const config::NodeConfig& node : config.nodes) {
    out << Cat("node      ", node.id, " ", node.name, "  ", node.address.Text(), "  ",
               VotesText(node.votes), ", score ", node.score, "\n");
  }
  if (config.quorum_disk) {
    const auto& disks = config.quorum_disk->disks;
    out << Cat("disk      ", config.quorum_disk->DevicesText(), "  ",
               VotesText(config.quorum_disk->votes), disks.size() > 1 ? " together" : "", "\n");
  }
  out << Cat("quorum    ", config.Majority(), " of ", VotesText(config.Expected()), "\n");
  out << Cat("timing    profile ", config.profile, ", all ", CheckTiming(config.timing).size(),
             " inequalities hold\n");
  out << Cat("watchdog  ", config.watchdog_device.empty() ? "none" : config.watchdog_device, "\n");
}

// Debian's place and the old one.
ClockFacts LookAtClock() {
  ClockFacts out;
  for (const char* file : {"/etc/chrony/chrony.conf", "/etc/chrony.conf"}) {
    const auto text = ReadSmallFile(file, kMaxChronyBytes);
    if (!text) continue;
    out.chrony = true;
    out.chrony_file = file;
    out.max_slew = MaxSlewIn(*text);
    for (const std::string& folder : ConfDirsIn(*text)) {
      std::error_code none;
      std::set<std::filesystem::path> parts;
      for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
        if (entry.path().extension() == ".conf") parts.insert(entry.path());
      }
      for (const auto& part : parts) {
        const auto more = ReadSmallFile(part, kMaxChronyBytes);
        if (const auto slew = more ? MaxSlewIn(*more) : std::nullopt) out.max_slew = slew;
      }
    }
    break;
  }
  if (const auto rate = ClockRatePpm()) out.rate_ppm = *rate;
  return out;
}

}  // namespace

int Check(const Arguments& arguments, Io& io) {
  const auto values = ParseOptions(ConfigOption(), arguments);
  if (!values) return UsageError(values.error(), io);
  const auto& path = (*values)["config"].as<std::string>();
  const auto config = LoadConfig(path, io);
  if (!config) return kFailed;

  bool sound = true;
  const auto require = [&](const Status& status) {
    if (!status) io.err << status.error().Text() << "\n";
    sound = sound && status;
  };
  const auto key = LoadClusterKey(config->key_file);
  require(key ? Status(Ok{}) : Status(key.error()));
  if (config->quorum_disk) {
    for (const config::DiskConfig& disk : config->quorum_disk->disks) {
      if (!disk.chap_secret_file.empty()) require(CheckSecretFile(disk.chap_secret_file));
    }
  }
  if (!sound) return kFailed;
  Summarise(*config, path, io.out);
  for (const std::string& warning : ClockWarnings(LookAtClock(), config->timing.drift_ppm)) {
    io.err << "WARNING: " << warning << "\n";
  }
  return kDone;
}

}  // namespace fencepost::command
