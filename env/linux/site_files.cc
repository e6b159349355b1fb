#include "env/linux/site_files.h"

#include <unistd.h>

#include <array>

#include "base/text.h"
#include "env/linux/read_file.h"

namespace fencepost {

bool IsMissing(const Error& error) { return error.cause.ends_with("No such file or directory"); }

Result<config::Config, Complaints> LoadConfigFile(const std::string& path) {
  const auto text = ReadSmallFile(path, config::kMaxConfigBytes);
  if (!text) return Complaints{text.error().Text()};
  auto parsed = config::ParseConfig(*text, path);
  if (parsed) return std::move(parsed).value();
  Complaints out;
  for (const config::ConfigError& error : parsed.error()) out.push_back(error.Text());
  return out;
}

Result<seal::ClusterKey> LoadClusterKey(const std::string& path) {
  auto text = ReadSecretFile(path, seal::kMaxKeyFileBytes);
  if (!text) {
    Error error = text.error();
    if (IsMissing(error)) {
      error.remedy = Cat("make one with \"fencepost keygen ", path,
                         "\" on one node and copy it to all others, mode 0600");
    }
    return error;
  }
  auto key = seal::ParseKeyFile(*text);
  seal::Wipe(*text);
  if (!key) return Error{path, key.error().cause, key.error().remedy};
  return key;
}

std::string HostName() {
  std::array<char, 256> host{};
  return gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

}  // namespace fencepost
