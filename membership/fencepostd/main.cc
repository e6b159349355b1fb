// fencepostd: options, files, wiring. What it does is node::Member's to decide.
#include <signal.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <iostream>

#include "env/linux/background.h"
#include "env/linux/facts.h"
#include "env/linux/guest.h"
#include "env/linux/realtime.h"
#include "env/linux/site_files.h"
#include "membership/fencepostd/start_files.h"
#include "membership/fencepostd/wiring.h"

namespace fencepost::daemon {
namespace {

namespace po = boost::program_options;

struct Options {
  std::string config, node;
  bool foreground = false, debug = false;
};

int Complain(const std::string& text) {
  std::cerr << "fencepostd: " << text << "\n";
  return 1;
}

Result<RunnerSettings, Complaints> LoadAll(const Options& options) {
  auto config = LoadConfigFile(options.config);
  if (!config) return config.error();
  Complaints all;
  const auto node = config::WhichNode(*config, options.node, HostName());
  if (!node) all.push_back(node.error().Text());
  const auto key = LoadClusterKey(config->key_file);
  if (!key) all.push_back(key.error().Text());
  const auto cib = LoadCib(config->paths.cib);
  if (!cib) all.push_back(cib.error().Text());
  if (!all.empty()) return all;
  return RunnerSettings{*config, *cib, *node, *key, geteuid(), IsGuest()};
}

int Main(const Options& options) {
  auto settings = LoadAll(options);
  if (!settings) {
    for (const std::string& complaint : settings.error()) Complain(complaint);
    return 1;
  }
  std::optional<Background> background;
  if (!options.foreground && !options.debug) {
    auto entered = Background::Enter();
    if (!entered) return Complain(entered.error().Text());
    background = std::move(*entered);
  }
  const bool to_syslog =
      background || (settings->config.log == config::LogTarget::kSyslog && !options.debug);
  const auto sink =
      MakeFactSink(to_syslog ? FactTarget::kSyslog : FactTarget::kStderr, "fencepostd");
  sink->Record(GoRealtime());
  const auto wiring = Wiring::Open(std::move(*settings), *sink);
  if (!wiring) return Complain(wiring.error().Text());
  if (background) background->Ready();
  const Status ended = (*wiring)->Run();
  return ended ? 0 : Complain(ended.error().Text());
}

}  // namespace
}  // namespace fencepost::daemon

int main(int argc, char** argv) {
  using namespace fencepost;
  daemon::Options options;
  daemon::po::options_description known("fencepostd: membership and resources of this node");
  known.add_options()("foreground,f", "stay in the foreground")(
      "debug,d", "foreground, and all facts to stderr")(
      "config", daemon::po::value(&options.config)
                    ->default_value(std::string(config::kConfigFile))
                    ->value_name("FILE"))(
      "node", daemon::po::value(&options.node)->value_name("NAME"),
      "which node this is (default: the one with this host name)")("version,V", "")("help,h", "");
  try {
    daemon::po::variables_map values;
    daemon::po::store(daemon::po::parse_command_line(argc, argv, known), values);
    daemon::po::notify(values);
    if (values.count("help") != 0) return (std::cout << known, 0);
    if (values.count("version") != 0) return (std::cout << "fencepostd " FENCEPOST_VERSION "\n", 0);
    options.foreground = values.count("foreground") != 0;
    options.debug = values.count("debug") != 0;
    return daemon::Main(options);
  } catch (const daemon::po::error& problem) {
    daemon::Complain(problem.what());
    return 2;
  }
}
