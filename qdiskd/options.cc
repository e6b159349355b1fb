#include "qdiskd/options.h"

#include <boost/program_options.hpp>
#include <chrono>

#include "env/linux/site_files.h"

namespace fencepost::qdiskd {
namespace {

namespace po = boost::program_options;

std::uint64_t WallMillis() {  // display only
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(now).count());
}

}  // namespace

std::string UsageText() {
  return "usage: qdiskd [-f] [-d] [-Q] [--config FILE] [--node NAME|ID]\n"
         "       qdiskd -V | -h\n"
         "  -f, --foreground  stay in the foreground; log where the configuration says\n"
         "  -d, --debug       log every cycle\n"
         "  -Q, --quiet       close standard input, output and error at once\n"
         "      --config FILE the configuration (default /etc/fencepost/fencepost.toml)\n"
         "      --node NODE   which node this is (default: the host's name)\n"
         "  -V, --version     print the version\n"
         "  -h, --help        print this\n";
}

std::string VersionText() { return Cat("qdiskd ", FENCEPOST_VERSION, "\n"); }

Result<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  po::options_description all;
  auto add = all.add_options();
  add("help,h", po::bool_switch(&options.help));
  add("version,V", po::bool_switch(&options.version));
  add("foreground,f", po::bool_switch(&options.foreground));
  add("debug,d", po::bool_switch(&options.debug));
  add("quiet,Q", po::bool_switch(&options.quiet));
  add("config", po::value<std::string>(&options.config_file));
  add("node", po::value<std::string>(&options.node));
  constexpr auto kStyle =
      po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    po::variables_map given;
    po::store(po::command_line_parser(arguments)
                  .options(all)
                  .positional(po::positional_options_description())
                  .style(kStyle)
                  .run(),
              given);
    po::notify(given);
  } catch (const po::error& wrong) {
    return Error{"qdiskd", wrong.what(), "qdiskd -h shows all options"};
  }
  return options;
}

Result<Setup, std::string> LoadSetup(const Options& options, const std::string& host_name) {
  const auto config = LoadConfigFile(options.config_file);
  if (!config) {
    std::string all;
    for (const std::string& each : config.error()) all += Cat(all.empty() ? "" : "\n", each);
    return all;
  }
  if (!config->quorum_disk) {
    return Cat(options.config_file,
               ": has no [quorum_disk]; qdiskd is not needed, or the section is missing");
  }
  const auto self = config::WhichNode(*config, options.node, host_name);
  if (!self) return self.error().Text();
  const auto key = LoadClusterKey(config->key_file);
  if (!key) return key.error().Text();
  return Setup{*config, *config->FindNode(*self), DiskMac(*key)};
}

RunnerSettings MakeRunnerSettings(const Setup& setup, std::uint32_t own_user, bool tell_cycles) {
  const config::Config& config = setup.config;
  RunnerSettings out;
  out.voter.self = setup.self.id;
  for (const config::NodeConfig& node : config.nodes) {
    out.voter.nodes.push_back(node.id);
    out.names[node.id] = node.name;
  }
  out.voter.times = config.timing.Lease();
  out.voter.interval = config.timing.interval;
  out.voter.io_timeout = config.timing.io_timeout;
  out.voter.tko = static_cast<int>(config.timing.tko);
  out.voter.version = FENCEPOST_VERSION;
  const config::ElectionConfig& election = config.quorum_disk->election;
  out.voter.rules = {config.Expected(), config.DiskVotes(), election.required_node,
                     election.master_wins, election.highest_wins};
  out.cluster = config.cluster_id;
  for (const config::DiskConfig& disk : config.quorum_disk->disks) {
    out.disks.push_back({disk.device.Text(), disk.label, disk.designator});
  }
  out.voter.disks = static_cast<int>(out.disks.size());
  out.own_user = own_user;
  out.mac = setup.mac;
  out.wall_ms = WallMillis;
  out.tell_cycles = tell_cycles;
  return out;
}

}  // namespace fencepost::qdiskd
