// fencepost quorum timing: the inequalities with their slack, and what they promise.
#include <nlohmann/json.hpp>

#include "base/config/config.h"
#include "base/text.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"
#include "membership/fencepost/timing_report.h"

namespace fencepost::command {
namespace {

nlohmann::ordered_json TimingJson(const std::string& profile, const config::Timing& t) {
  nlohmann::ordered_json out;
  out["profile"] = profile;
  out["timing"] = {{"interval_ms", ToMillis(t.interval)},
                   {"io_timeout_ms", ToMillis(t.io_timeout)},
                   {"lease_ms", ToMillis(t.lease)},
                   {"lease_max_ms", ToMillis(t.lease_max)},
                   {"guard_ms", ToMillis(t.guard)},
                   {"eps_ms", ToMillis(t.eps)},
                   {"drift_ppm", t.drift_ppm},
                   {"tko", t.tko},
                   {"tolerated", t.tolerated},
                   {"heartbeat_ms", ToMillis(t.heartbeat)},
                   {"peer_timeout_ms", ToMillis(t.peer_timeout)},
                   {"fence_timeout_ms", ToMillis(t.fence_timeout)},
                   {"path_failover_ms", ToMillis(t.path_failover)},
                   {"watchdog_ms", ToMillis(t.watchdog)}};
  out["inequalities"] = nlohmann::ordered_json::array();
  for (const config::Inequality& i : CheckTiming(t)) {
    out["inequalities"].push_back({{"name", i.name},
                                   {"formula", i.formula},
                                   {"left_ms", ToMillis(i.left)},
                                   {"right_ms", ToMillis(i.right)},
                                   {"slack_ms", ToMillis(i.Slack())},
                                   {"holds", i.Holds()},
                                   {"breaks", i.breaks}});
  }
  out["failover"] = nlohmann::ordered_json::array();
  for (const config::Failover& f : WorstFailover(t)) {
    out["failover"].push_back(
        {{"fault", f.fault}, {"formula", f.formula}, {"worst_ms", ToMillis(f.worst)}});
  }
  return out;
}

Error UnknownProfile(const std::string& name) {
  std::string known;
  for (const std::string_view profile : config::kProfileNames) known += Cat(" ", profile);
  return {Cat("profile ", name), "does not exist", Cat("choose one of", known)};
}

}  // namespace

int QuorumTiming(const Arguments& arguments, Io& io) {
  namespace po = boost::program_options;
  po::options_description options;
  options.add_options()("config", po::value<std::string>())("profile", po::value<std::string>())(
      "json", po::bool_switch());
  const auto values = ParseOptions(options, arguments);
  if (!values) return UsageError(values.error(), io);
  if (values->count("config") + values->count("profile") > 1) {
    return UsageError({"the command line", "--config and --profile exclude each other", ""}, io);
  }
  std::string profile;
  std::optional<config::Timing> timing;
  std::string title;
  if (values->count("profile") > 0) {
    profile = (*values)["profile"].as<std::string>();
    timing = config::StockTiming(profile);
    if (!timing) return UsageError(UnknownProfile(profile), io);
    title = Cat("profile ", profile);
  } else {
    const std::string path = values->count("config") > 0 ? (*values)["config"].as<std::string>()
                                                         : std::string(config::kConfigFile);
    const auto config = LoadConfig(path, io);
    if (!config) return kFailed;
    profile = config->profile;
    timing = config->timing;
    title = Cat(path, ", profile ", profile);
  }
  if ((*values)["json"].as<bool>()) {
    io.out << TimingJson(profile, *timing).dump(2) << "\n";
  } else {
    io.out << TimingReport(title, *timing);
  }
  return kDone;
}

}  // namespace fencepost::command
