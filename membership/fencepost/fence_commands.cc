// fencepost fence confirm: an operator's word, where no device can prove that a node is off.
#include "membership/fencepost/ask_daemon.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"

namespace fencepost::command {

int FenceConfirm(const Arguments& arguments, Io& io) {
  namespace po = boost::program_options;
  auto options = ConfigOption();
  options.add_options()("node", po::value<std::string>()->required());
  options.add_options()("by", po::value<std::string>()->required());
  options.add_options()("reason", po::value<std::string>()->required());
  const auto values = ParseOptions(options, arguments, "node");
  if (!values) return UsageError(values.error(), io);
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!config) return kFailed;
  const auto text = [&](const char* name) { return (*values)[name].as<std::string>(); };
  const auto done = AskDaemon(config->paths.run_dir, {{"command", "confirm"},
                                                      {"node", text("node")},
                                                      {"by", text("by")},
                                                      {"reason", text("reason")}});
  if (!done) return Fail(done.error().error, io);
  io.out << "recorded: " << text("by") << " vouches that " << text("node")
         << " is off; what it had is recovered. If it still runs, data is lost: switch it off\n";
  return kDone;
}

}  // namespace fencepost::command
