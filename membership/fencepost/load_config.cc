#include "membership/fencepost/load_config.h"

#include "env/linux/read_file.h"

namespace fencepost::command {

std::optional<config::Config> LoadConfig(const std::string& path, Io& io) {
  const Result<std::string> text = ReadSmallFile(path, config::kMaxConfigBytes);
  if (!text) {
    io.err << text.error().Text() << "\n";
    return std::nullopt;
  }
  auto parsed = config::ParseConfig(*text, path);
  if (parsed) return std::move(parsed).value();
  for (const config::ConfigError& error : parsed.error()) io.err << error.Text() << "\n";
  return std::nullopt;
}

}  // namespace fencepost::command
