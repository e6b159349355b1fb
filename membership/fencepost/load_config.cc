#include "membership/fencepost/load_config.h"

#include "env/linux/site_files.h"

namespace fencepost::command {

boost::program_options::options_description ConfigOption() {
  namespace po = boost::program_options;
  po::options_description options;
  options.add_options()("config",
                        po::value<std::string>()->default_value(std::string(config::kConfigFile)));
  return options;
}

std::optional<config::Config> LoadConfig(const std::string& path, Io& io) {
  auto parsed = LoadConfigFile(path);
  if (parsed) return std::move(parsed).value();
  for (const std::string& error : parsed.error()) io.err << error << "\n";
  return std::nullopt;
}

}  // namespace fencepost::command
