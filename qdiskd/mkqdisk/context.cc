#include "qdiskd/mkqdisk/context.h"

#include <unistd.h>

#include "base/text.h"
#include "env/linux/open_disk.h"
#include "env/linux/read_file.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {

bool Context::LoadCluster() {
  const bool needs_key = options.action == Action::kCreate || options.action == Action::kWhy;
  std::string key_file = options.key_file;
  if (!options.cluster.empty()) {
    cluster.name = options.cluster;
    cluster.id = config::ClusterIdOf(options.cluster);
  } else {
    const bool usual = options.config_file.empty();
    const std::string path = usual ? std::string(config::kConfigFile) : options.config_file;
    if (usual && !needs_key && access(path.c_str(), F_OK) != 0) return true;
    const auto text = ReadSmallFile(path, config::kMaxConfigBytes);
    if (!text.ok()) return Fail(text.error().Text()) == kDone;
    const auto parsed = config::ParseConfig(*text, path);
    if (!parsed.ok()) {
      for (const auto& error : parsed.error()) io.err << error.Text() << "\n";
      return false;
    }
    cluster = {parsed->cluster_name, parsed->cluster_id, {}, parsed->quorum_disk, {},
               parsed->timing.lease};
    for (const auto& node : parsed->nodes) cluster.nodes[node.id] = node.name;
    if (key_file.empty()) key_file = parsed->key_file;
  }
  auto text = ReadSecretFile(key_file, seal::kMaxKeyFileBytes);
  if (!text.ok()) {
    Fail(text.error().Text());
    return !needs_key;
  }
  const auto key = seal::ParseKeyFile(text.value());
  seal::Wipe(text.value());
  if (!key.ok()) return Fail(Cat(key_file, ": ", key.error().Text())) == kDone;
  cluster.mac = DiskMac(*key);
  return true;
}

std::string Context::SecretFile(const config::DiskUrl& url) const {
  if (!options.chap_secret_file.empty()) return options.chap_secret_file;
  if (!cluster.disk) return "";
  for (const config::DiskConfig& disk : cluster.disk->disks) {
    if (disk.device == url) return disk.chap_secret_file;
  }
  return "";
}

Result<std::unique_ptr<BlockDevice>> Context::Device(const config::DiskUrl& url) {
  return MakeDisk(loop, url, SecretFile(url));
}

WaitingDisk Context::Waiting(BlockDevice& device) {
  return {device, loop, {[this] { loop.Run(); }, [this] { loop.Stop(); }}, kPatience};
}

std::vector<std::string> Context::Devices() const {
  std::vector<std::string> devices;
  if (cluster.disk) {
    for (const config::DiskConfig& disk : cluster.disk->disks) {
      devices.push_back(disk.device.Text());
    }
  }
  devices.insert(devices.end(), options.devices.begin(), options.devices.end());
  return devices;
}

Result<Superblock, std::string> Context::Prove(ByteView head) const {
  DecodedSuperblock found = DecodeSuperblocks(head, &*cluster.mac);
  if (found.condition == Condition::kBadMac) {
    const DecodedSuperblock unproven = DecodeSuperblocks(head, nullptr);
    if (unproven.superblock.identity.cluster != cluster.id) {
      found.condition = Condition::kForeignCluster;
    }
  }
  if (found.condition != Condition::kOk) return qdiskd::Explain(found.condition);
  if (found.superblock.identity.cluster != cluster.id) {
    return qdiskd::Explain(Condition::kForeignCluster);
  }
  return std::move(found.superblock);
}

int Context::Fail(const std::string& text) {
  io.err << "mkqdisk: " << Printable(text) << "\n";
  if (options.json) json["errors"].push_back(Printable(text));
  return kFailed;
}

int Context::Finish(int code) {
  if (options.json) io.out << json.dump(2) << "\n";
  return code;
}

}  // namespace fencepost::qdiskd::mkqdisk
