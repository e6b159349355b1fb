#include "qdiskd/mkqdisk/mkqdisk.h"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>

#include "base/config/config.h"
#include "base/text.h"
#include "env/linux/disk_signature.h"
#include "env/linux/loop.h"
#include "env/linux/open_disk.h"
#include "env/linux/read_file.h"
#include "qdiskd/mkqdisk/listing.h"
#include "qdiskd/mkqdisk/options.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

constexpr int kDone = 0, kFailed = 1, kUsage = 2;
constexpr Duration kPatience = Millis(10'000);  // of one request to the device
constexpr Duration kDetailsWatch = Millis(3000);
constexpr NodeId kNobody(0);  // whose key and lock mkqdisk writes with

// Whose disk it is, and what proves it.
struct Cluster {
  std::string name;
  ClusterId id;
  std::optional<qdiskd::MacFunction> mac;
  std::optional<config::QuorumDiskConfig> disk;
};

class Command {
 public:
  Command(Options options, Loop& loop, Io& io)
      : options_(std::move(options)), loop_(loop), io_(io) {}

  int Create() {
    if (!LoadCluster() || !cluster_.mac) return kFailed;
    const auto url = config::ParseDiskUrl(options_.device);
    if (!url.ok()) return Fail(url.error().Text());
    auto device = MakeDisk(loop_, *url, SecretFile(*url));
    if (!device.ok()) return Fail(device.error().Text());
    WaitingDisk disk = Waiting(*device.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return Fail(info.error().text);
    const auto found = Examine(disk, *info, io_.watch);
    disk.Close();
    if (!found.ok()) return Fail(found.error().text);
    if (!MayBeUsed(*url, *found) || !Agreed(*found)) return refused_ ? kFailed : kDone;
    return Write(disk, *info);
  }

  int List() {
    if (!LoadCluster()) return kFailed;
    std::vector<std::string> devices = options_.devices;
    if (cluster_.disk) {
      for (const config::DiskConfig& disk : cluster_.disk->disks) {
        devices.insert(devices.end() - static_cast<std::ptrdiff_t>(options_.devices.size()),
                       disk.device.Text());
      }
    }
    if (devices.empty()) return Fail("no device is configured and none was given");
    int listed = 0;
    bool failed = false;
    for (const std::string& text : devices) {
      const Result<bool, std::string> one = ListOne(text);
      if (!one.ok()) io_.err << "mkqdisk: " << Printable(one.error()) << "\n";
      failed |= !one.ok();
      listed += one.ok() && *one ? 1 : 0;
    }
    if (options_.action == Action::kFind && listed > 1) {
      io_.err << "mkqdisk: warning: " << listed << " disks have the label '" << options_.label
              << "'\n";
    }
    return listed == 0 || failed ? kFailed : kDone;
  }

 private:
  // Prints why not. Listing does without a key, creating does not.
  bool LoadCluster() {
    std::string key_file = options_.key_file;
    if (!options_.cluster.empty()) {
      cluster_.name = options_.cluster;
      cluster_.id = config::ClusterIdOf(options_.cluster);
    } else {
      const bool usual = options_.config_file.empty();
      const std::string path = usual ? std::string(config::kConfigFile) : options_.config_file;
      const bool optional = usual && options_.action != Action::kCreate;
      if (optional && access(path.c_str(), F_OK) != 0) return true;
      const auto text = ReadSmallFile(path, config::kMaxConfigBytes);
      if (!text.ok()) return Fail(text.error().Text()) == kDone;
      const auto parsed = config::ParseConfig(*text, path);
      if (!parsed.ok()) {
        for (const auto& error : parsed.error()) io_.err << error.Text() << "\n";
        return false;
      }
      cluster_ = {parsed->cluster_name, parsed->cluster_id, {}, parsed->quorum_disk};
      if (key_file.empty()) key_file = parsed->key_file;
    }
    auto text = ReadSecretFile(key_file, seal::kMaxKeyFileBytes);
    if (!text.ok()) {
      Fail(text.error().Text());
      return options_.action != Action::kCreate;
    }
    const auto key = seal::ParseKeyFile(text.value());
    seal::Wipe(text.value());
    if (!key.ok()) return Fail(Cat(key_file, ": ", key.error().Text())) == kDone;
    cluster_.mac = qdiskd::DiskMac(*key);
    return true;
  }

  std::string SecretFile(const config::DiskUrl& url) const {
    if (!options_.chap_secret_file.empty()) return options_.chap_secret_file;
    if (!cluster_.disk) return "";
    for (const config::DiskConfig& disk : cluster_.disk->disks) {
      if (disk.device == url) return disk.chap_secret_file;
    }
    return "";
  }

  WaitingDisk Waiting(BlockDevice& device) {
    return {device, loop_, {[this] { loop_.Run(); }, [this] { loop_.Stop(); }}, kPatience};
  }

  bool MayBeUsed(const config::DiskUrl& url, const Findings& found) {
    const auto geometry = *qdiskd::Geometry::Make(options_.nodes, options_.cib_units);
    Plan plan{geometry.total_bytes(), cluster_.id, ""};
    if (!found.head.empty()) {
      const std::uint64_t units = found.info.size_bytes / qdiskd::kUnitBytes;
      plan.signature = ForeignSignature(found.head, found.tail, units * qdiskd::kUnitBytes);
    }
    std::vector<std::string> reasons = WhyNot(found, plan);
    if (url.kind == config::DiskUrl::Kind::kPath) {
      const std::string why = WhyNotOwn(url.path);
      if (!why.empty()) reasons.push_back(Cat("it ", why));
    }
    for (const std::string& reason : reasons) {
      io_.err << "mkqdisk: " << options_.device << ": " << reason << "\n";
    }
    const bool small = found.info.size_bytes < plan.needed_bytes;
    refused_ = small || (!reasons.empty() && !options_.force);
    if (refused_ && !small) {
      io_.err << "mkqdisk: refused; --force initialises it nevertheless\n";
    }
    return !refused_;
  }

  bool Agreed(const Findings& found) {
    io_.out << "Writing new quorum disk label '" << options_.label << "' to " << options_.device
            << ".\n";
    if (found.found.condition == qdiskd::Condition::kOk) {
      io_.out << "Warning: Initializing previously initialized partition\n";
    }
    if (options_.yes) return true;
    io_.out << "WARNING: About to destroy all data on " << options_.device << "; proceed [N/y] ? "
            << std::flush;
    std::string answer;
    std::getline(io_.in, answer);
    if (answer == "y" || answer == "Y") return true;
    io_.out << "Good thinking.\n";
    return false;
  }

  int Write(WaitingDisk& disk, const DeviceInfo& info) {
    const auto random = RandomBytes(sizeof(DiskId::bytes));
    if (!random.ok()) return Fail(random.error().Text());
    qdiskd::Superblock s;
    s.identity.cluster = cluster_.id;
    std::copy(random->begin(), random->end(), s.identity.disk.bytes.begin());
    s.label = options_.label;
    s.cluster_name = cluster_.name;
    std::string host(qdiskd::kMaxNameBytes + 1, '\0');
    gethostname(host.data(), qdiskd::kMaxNameBytes);
    s.creator_host = host.c_str();
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    s.created_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
    s.sector_bytes = info.sector_bytes;
    s.nodes = options_.nodes;
    s.cib_units = options_.cib_units;
    const Writer writer = MakeWriter(cluster_.id, kNobody, Incarnation(1));
    const auto opened = disk.Open(&writer);
    if (!opened.ok()) return Fail(opened.error().text);
    const auto done = mkqdisk::Create(disk, s, *cluster_.mac, [&](NodeId node) {
      io_.out << "Initializing status block for node " << ToText(node) << "...\n";
    });
    disk.Close();
    if (!done.ok()) return Fail(done.error().text);
    const auto geometry = *qdiskd::Geometry::Make(s.nodes, s.cib_units);
    io_.out << geometry.total_bytes() << " bytes are used, for " << s.nodes
            << " nodes; older writes are excluded by "
            << (opened->barrier == "lock" ? "a lock" : "a reservation") << ".\n";
    return kDone;
  }

  // Whether it was printed: has a superblock, and the label that is looked for.
  Result<bool, std::string> ListOne(const std::string& text) {
    const auto url = config::ParseDiskUrl(text);
    if (!url.ok()) return url.error().Text();
    auto device = MakeDisk(loop_, *url, SecretFile(*url));
    if (!device.ok()) return device.error().Text();
    WaitingDisk disk = Waiting(*device.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return info.error().text;
    const auto head = disk.Read(0, 2 * qdiskd::kUnitBytes);
    if (!head.ok()) return head.error().text;
    const auto found = qdiskd::DecodeSuperblocks(*head, nullptr);
    if (found.condition != qdiskd::Condition::kOk) {
      return Cat(text, ": ", Explain(found.condition));
    }
    if (options_.action == Action::kFind && found.superblock.label != options_.label) return false;
    const bool ours = cluster_.mac && found.superblock.identity.cluster == cluster_.id;
    const bool authentic =
        ours && DecodeSuperblocks(*head, &*cluster_.mac).condition == qdiskd::Condition::kOk;
    io_.out << DiskText({text, info->sector_bytes, found.superblock, authentic});
    if (ours && !authentic) return Cat(text, ": ", Explain(qdiskd::Condition::kBadMac));
    if (!options_.details) return true;
    if (!authentic) return Cat(text, ": -d needs the key of the disk's cluster");
    return Details(disk, found.superblock);
  }

  Result<bool, std::string> Details(WaitingDisk& disk, const qdiskd::Superblock& superblock) {
    const auto geometry = *qdiskd::Geometry::Make(superblock.nodes, superblock.cib_units);
    const auto read = [&]() -> Result<std::vector<qdiskd::SlotPair>, std::string> {
      const auto region =
          disk.Read(geometry.RegionOffset(qdiskd::Region::kHeartbeat),
                    static_cast<std::uint32_t>(geometry.RegionBytes(qdiskd::Region::kHeartbeat)));
      if (!region.ok()) return region.error().text;
      return DecodeHeartbeats(*region, geometry, superblock.identity, *cluster_.mac);
    };
    const auto before = read();
    if (!before.ok()) return before.error();
    disk.Pause(std::min(io_.watch, kDetailsWatch));
    const auto now = read();
    if (!now.ok()) return now.error();
    for (std::size_t i = 0; i < now->size(); ++i) {
      const bool advanced = IsReadable(before.value()[i].condition) &&
                            IsNewer(now.value()[i].slot, before.value()[i].slot);
      io_.out << SlotText(NodeId(static_cast<std::uint8_t>(i + 1)), now.value()[i], advanced);
    }
    return true;
  }

  int Fail(const std::string& text) {
    io_.err << "mkqdisk: " << text << "\n";
    return kFailed;
  }

  const Options options_;
  Loop& loop_;
  Io& io_;
  Cluster cluster_;
  bool refused_ = false;
};

}  // namespace

int Run(const std::vector<std::string>& arguments, Io& io) {
  io.out << "mkqdisk v" << FENCEPOST_VERSION << "\n\n";
  const auto options = ParseOptions(arguments);
  if (!options.ok()) {
    io.err << "mkqdisk: " << options.error().Text() << "\n";
    return kUsage;
  }
  if (options->action == Action::kVersion) return kDone;  // it is said already
  if (options->action == Action::kHelp) {
    io.out << UsageText();
    return kDone;
  }
  auto loop = Loop::Create();
  if (!loop.ok()) {
    io.err << "mkqdisk: " << loop.error().Text() << "\n";
    return kFailed;
  }
  Command command(*options, *loop.value(), io);
  return options->action == Action::kCreate ? command.Create() : command.List();
}

}  // namespace fencepost::qdiskd::mkqdisk
