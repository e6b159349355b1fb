// fencepost keygen: a new cluster key, made once and copied to all nodes.
#include <algorithm>

#include "base/config/config.h"
#include "base/seal/seal.h"
#include "env/linux/read_file.h"
#include "membership/fencepost/commands.h"

namespace fencepost::command {

int Keygen(const Arguments& arguments, Io& io) {
  namespace po = boost::program_options;
  po::options_description options;
  options.add_options()("file", po::value<std::string>()->default_value(config::Config{}.key_file));
  const auto values = ParseOptions(options, arguments, "file");
  if (!values) return UsageError(values.error(), io);
  const auto& path = (*values)["file"].as<std::string>();

  auto random = RandomBytes(seal::kKeyBytes);
  if (!random) {
    io.err << random.error().Text() << "\n";
    return kFailed;
  }
  seal::ClusterKey::Secret secret{};
  std::copy(random->begin(), random->end(), secret.begin());
  const seal::ClusterKey key(secret);
  seal::Wipe(*random);
  seal::Wipe(secret);
  std::string text = seal::KeyFileText(key);
  const Status created = CreateSecretFile(path, text);
  seal::Wipe(text);
  if (!created) {
    io.err << created.error().Text() << "\n";
    return kFailed;
  }
  io.out << "created " << path << "; copy it to all other nodes, mode 0600\n";
  return kDone;
}

}  // namespace fencepost::command
