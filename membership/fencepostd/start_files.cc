#include "membership/fencepostd/start_files.h"

#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/text.h"
#include "env/linux/read_file.h"
#include "membership/cib/cib.h"

namespace fencepost::daemon {
namespace {
bool IsMissing(const Error& error) { return error.cause.ends_with("No such file or directory"); }
}  // namespace

Result<config::Config, Complaints> LoadConfigFile(const std::string& path) {
  const auto text = ReadSmallFile(path, config::kMaxConfigBytes);
  if (!text) return Complaints{text.error().Text()};
  auto parsed = config::ParseConfig(*text, path);
  if (parsed) return std::move(parsed).value();
  Complaints out;
  for (const config::ConfigError& error : parsed.error()) out.push_back(error.Text());
  return out;
}

Result<seal::ClusterKey> LoadKey(const std::string& path) {
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

Result<Cib> LoadCib(const std::string& path) {
  const auto text = ReadSmallFile(path, kMaxCibBytes);
  if (text) return cib::ParseCib(*text, path);
  Error error = text.error();
  if (IsMissing(error)) {
    error.remedy =
        "write what the cluster is to run, and install it on every node with "
        "\"fencepost cib load FILE\"";
  }
  return error;
}

Result<NodeId> WhichNode(const config::Config& config, const std::string& asked) {
  std::string name = asked;
  if (name.empty()) {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) == 0) name = host.data();
  }
  if (const auto* node = config.FindNode(name)) return node->id;
  if (const auto id = ParseInt(name, 1, kMaxNodes); id && !asked.empty()) {
    const NodeId node(static_cast<std::uint8_t>(*id));
    if (config.FindNode(node) != nullptr) return node;
  }
  std::string known;
  for (const auto& node : config.nodes) known += Cat(known.empty() ? "" : ", ", node.name);
  return Error{asked.empty() ? Cat("this machine's host name '", name, "'") : Cat("--node ", asked),
               Cat("is no node of the configuration, which has ", known),
               "name this node with --node NAME"};
}

Result<std::string> StateDirectoryOf(const config::Config& config) {
  const std::string& above = config.paths.state_dir;
  std::error_code problem;
  std::filesystem::create_directories(above, problem);
  if (problem) {
    return Error{above, Cat("cannot be made: ", problem.message()),
                 "make it, or correct paths.state_dir"};
  }
  return above + "/fencepostd";
}

}  // namespace fencepost::daemon
