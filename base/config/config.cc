#include "base/config/config.h"

#include <algorithm>
#include <span>

#include "base/attributes.h"
#include "base/config/config_reader.h"
#include "base/config/heuristics.h"
#include "base/config/ping.h"
#include "base/config/quote.h"
#include "base/seal/seal.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

using Need = Section::Need;

constexpr std::size_t kMaxRunDir = 80;        // a UNIX socket's path below it has 107 bytes in all
constexpr std::size_t kMaxDescription = 400;  // of a syntax error
constexpr std::size_t kMaxLabel = 127;        // as mkqdisk -l
constexpr std::size_t kMaxDesignator = 255;   // as long as an identification descriptor can be

std::string Join(std::span<const std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) out += Cat(out.empty() ? "" : ", ", Quoted(name));
  return out;
}

void ReadCluster(Section cluster, Config& out) {
  if (cluster.Name("name", out.cluster_name, Need::kRequired)) {
    out.cluster_id = ClusterIdOf(out.cluster_name);
  }
  std::string id;
  if (cluster.Text("id", id)) {
    const auto uuid = ParseUuid(id);
    if (!uuid || ClusterId{*uuid}.IsNone()) {
      cluster.Fail("id", Cat(Quoted(id), " is no UUID"),
                   "leave it out, or write the output of uuidgen");
    } else {
      out.cluster_id.bytes = *uuid;
    }
  }
  cluster.Path("key", out.key_file);
  std::string profile = out.profile;
  if (cluster.Text("profile", profile) && !StockTiming(profile)) {
    cluster.Fail("profile", Cat(Quoted(profile), " is no profile"),
                 Cat("choose one of ", Join(kProfileNames)));
  } else {
    out.profile = profile;
  }
  cluster.Finish();
}

void ReadCount(Section& section, std::string_view key, std::int64_t low, std::int64_t high,
               std::uint32_t& out) {
  std::int64_t number = 0;
  if (section.Int(key, low, high, number)) out = static_cast<std::uint32_t>(number);
}

// The profile, then the overrides.
void ReadTiming(Section section, Section watchdog, Config& out) {
  constexpr std::int64_t kMaxDriftPpm = 100'000, kMaxTko = 1000, kMaxTolerated = 10;
  out.timing = *StockTiming(out.profile);
  Timing& t = out.timing;
  section.Time("interval", t.interval);
  section.Time("io_timeout", t.io_timeout);
  if (section.Time("lease", t.lease)) t.lease_max = t.lease;
  section.Time("lease_max", t.lease_max);
  if (section.Time("guard", t.guard)) t.eps = t.guard;
  section.Time("eps", t.eps);
  section.Time("heartbeat", t.heartbeat);
  section.Time("peer_timeout", t.peer_timeout);
  section.Time("fence_timeout", t.fence_timeout);
  section.Time("path_failover", t.path_failover);
  ReadCount(section, "drift_ppm", 1, kMaxDriftPpm, t.drift_ppm);
  ReadCount(section, "tko", 2, kMaxTko, t.tko);
  ReadCount(section, "tolerated", 0, kMaxTolerated, t.tolerated);
  section.Finish();
  if (watchdog.Time("timeout", t.watchdog) && t.watchdog % std::chrono::seconds(1) != Duration()) {
    watchdog.Fail("timeout", "is not whole seconds, and devices know nothing else",
                  "round it, as in \"2s\"");
  }
  if (!watchdog.Path("device", out.watchdog_device)) {
    t.watchdog = Duration{};
    if (watchdog.Has("timeout")) {
      watchdog.Fail("device", "is missing", "add device = \"/dev/watchdog\" or remove [watchdog]");
    }
  }
  std::string evidence = "auto";
  if (watchdog.Text("evidence", evidence) && evidence != "auto" && evidence != "yes" &&
      evidence != "no") {
    watchdog.Fail("evidence", Cat("is '", evidence, "'"), "write \"auto\", \"yes\" or \"no\"");
  }
  out.watchdog_evidence = evidence == "yes"  ? WatchdogEvidence::kYes
                          : evidence == "no" ? WatchdogEvidence::kNo
                                             : WatchdogEvidence::kAuto;
  watchdog.Finish();
}

void RefuseUnsafeTiming(const Config& config, const toml::source_position& at, Errors& errors) {
  for (const Inequality& i : CheckTiming(config.timing)) {
    if (i.Holds()) continue;
    errors.Add(at, "timing",
               Cat(i.name, " does not hold: ", i.formula, ", but ", i.left, " < ", i.right, ": ",
                   i.breaks),
               std::string(i.remedy));
  }
}

void RefuseSecond(Section& section, const NodeConfig& node, const Config& config) {
  for (const NodeConfig& other : config.nodes) {
    const std::string also = Cat("is also that of node ", Quoted(other.name));
    if (node.id == other.id) section.Fail("id", Cat(node.id, " ", also), "give each node its own");
    if (node.name == other.name) {
      section.Fail("name", Cat(Quoted(node.name), " is also the name of node ", other.id),
                   "give each node its own");
    }
    if (node.address.host == other.address.host && node.address.port == other.address.port) {
      section.Fail("address", Cat(node.address.Text(), " ", also), "give each node its own");
    } else if (node.address.IsIpv6() != other.address.IsIpv6()) {
      section.Fail("address",
                   Cat(node.address.Text(), " is of another family than ", other.address.Text(),
                       " of node ", Quoted(other.name)),
                   "use IPv4 on all nodes or IPv6 on all nodes");
    }
  }
}

// The node is added only when it is whole, so that one fault is not reported twice.
void ReadNode(Section section, Config& out) {
  NodeConfig node;
  std::int64_t id = 0, votes = 1, score = 0;
  std::string address;
  bool whole = section.Name("name", node.name, Need::kRequired);
  whole &= section.Int("id", 1, kMaxNodes, id, Need::kRequired);
  section.Int("votes", 1, kMaxNodeVotes, votes);
  section.Int("score", -kMaxScore, kMaxScore, score);
  if (section.Text("address", address, Need::kRequired)) {
    const Result<NetAddress> parsed = ParseNetAddress(address);
    if (parsed) {
      node.address = *parsed;
    } else {
      section.Fail("address", Cat(parsed.error().what, " ", parsed.error().cause),
                   parsed.error().remedy);
      whole = false;
    }
  } else {
    whole = false;
  }
  section.Finish();
  if (!whole) return;
  node.id = NodeId(static_cast<std::uint8_t>(id));
  node.votes = Votes(static_cast<std::uint32_t>(votes));
  node.score = static_cast<std::int32_t>(score);
  RefuseSecond(section, node, out);
  out.nodes.push_back(node);
}

void ReadNodes(Section& root, Config& out, Errors& errors) {
  const auto tables = root.Tables("node");
  if (tables.size() > kMaxNodes) {
    root.Fail("node", Cat("there are ", tables.size(), " nodes"),
              Cat("a cluster has at most ", kMaxNodes));
    return;
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    ReadNode(Section(tables[i], Cat("node[", i + 1, "]"), errors), out);
  }
  if (!root.Has("node")) {
    errors.Add({}, "node", "there is no node", "add a [[node]] with name, id and address for each");
  }
  std::sort(out.nodes.begin(), out.nodes.end(),
            [](const NodeConfig& a, const NodeConfig& b) { return a.id < b.id; });
}

void CheckChap(Section& section, const DiskConfig& disk) {
  if (disk.device.user.empty() && !disk.chap_secret_file.empty()) {
    section.Fail("chap_secret_file", "is given, but the device names no user",
                 "write iscsi://user@host… or remove it");
  }
  if (!disk.device.user.empty() && disk.chap_secret_file.empty()) {
    section.Fail("device", Cat("names the user ", Quoted(disk.device.user), " without a secret"),
                 "add chap_secret_file = \"/etc/fencepost/chap\", a file of mode 0600");
  }
}

void ReadPortals(Section& section, DiskConfig& disk) {
  std::vector<std::string> portals;
  if (!section.Texts("portals", kMaxPortals - 1, portals)) return;
  if (disk.device.kind != DiskUrl::Kind::kIscsi) {
    section.Fail("portals", "is given, but the device is no iscsi:// URL", "remove it");
    return;
  }
  for (const std::string& portal : portals) {
    const Result<DiskUrl> url = AtPortal(disk.device, portal);
    if (!url) {
      section.Fail("portals", Cat(url.error().what, ": ", url.error().cause), url.error().remedy);
      continue;
    }
    const bool again =
        *url == disk.device || std::count(disk.portals.begin(), disk.portals.end(), *url) > 0;
    if (again) section.Fail("portals", Cat(url->Portal(), " is named twice"), "name each once");
    disk.portals.push_back(*url);
  }
}

// One LUN by two portals, or one path twice, would be counted twice.
void RefuseSameDisk(Section& section, const DiskConfig& disk, const QuorumDiskConfig& set) {
  for (std::size_t i = 0; i < set.disks.size(); ++i) {
    const DiskUrl &a = disk.device, &b = set.disks[i].device;
    const bool same =
        a.kind == b.kind && a.path == b.path && a.target == b.target && a.lun == b.lun;
    if (!same) continue;
    section.Fail("device", Cat("is the disk of disk[", i + 1, "] again"),
                 "name three different disks, best of three different boxes; other portals of "
                 "one disk stand in portals");
  }
}

// The keys of one disk. It is added also when it is not whole, so that the count stays right.
void ReadOneDisk(Section& section, const std::string& label, QuorumDiskConfig& set) {
  DiskConfig disk;
  disk.label = label;
  std::string device;
  const bool known = section.Text("device", device, Need::kRequired);
  section.Text("label", disk.label);
  section.Path("chap_secret_file", disk.chap_secret_file);
  section.Text("designator", disk.designator);
  if (disk.label.size() > kMaxLabel) {
    section.Fail("label", Cat("is longer than ", kMaxLabel, " bytes"), "use the label of mkqdisk");
  }
  if (disk.designator.size() > kMaxDesignator) {
    section.Fail("designator", Cat("is longer than ", kMaxDesignator, " bytes"),
                 "write what mkqdisk -L shows for this disk");
  }
  if (known) {
    const Result<DiskUrl> url = ParseDiskUrl(device);
    if (url) {
      disk.device = *url;
      CheckChap(section, disk);
      ReadPortals(section, disk);
      RefuseSameDisk(section, disk, set);
    } else {
      section.Fail("device", Cat(url.error().what, ": ", url.error().cause), url.error().remedy);
    }
  }
  set.disks.push_back(std::move(disk));
}

// One disk stands in the table itself, a set of them in [[quorum_disk.disk]].
void ReadDisks(Section& section, QuorumDiskConfig& set, Errors& errors) {
  const auto tables = section.Tables("disk");
  if (!section.Has("disk")) return ReadOneDisk(section, "", set);
  std::string label;
  section.Text("label", label);
  for (const std::string_view key : {"device", "portals", "chap_secret_file", "designator"}) {
    std::string ignored;
    if (section.Text(key, ignored)) {
      section.Fail(key, "stands beside [[quorum_disk.disk]]", "move it into one of those tables");
    }
  }
  if (tables.empty()) return;  // not a list: told already
  if (tables.size() != 1 && tables.size() != kDisksOfASet) {
    section.Fail("disk", Cat("there are ", tables.size(), " disks"),
                 "one or three: of two, the loss of either would cost the majority");
    if (tables.size() > kDisksOfASet) return;
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    Section one(tables[i], Cat("quorum_disk.disk[", i + 1, "]"), errors);
    ReadOneDisk(one, label, set);
    one.Finish();
  }
}

void ReadQuorumDisk(Section section, bool nodes_known, Config& out, Errors& errors) {
  constexpr std::int64_t kMaxVotes = std::int64_t{kMaxNodes} * kMaxNodeVotes;
  QuorumDiskConfig set;
  ReadDisks(section, set, errors);
  // All node votes less one: each node alone with the disk has a majority, and so have all nodes
  // together without it; E is odd, so that no tie exists. With two plain nodes this is one vote.
  const std::int64_t most = std::int64_t{out.NodeVotes().value()} - 1;
  std::int64_t votes = most;
  section.Int("votes", 1, nodes_known ? std::max(most, std::int64_t{1}) : kMaxVotes, votes);
  if (nodes_known && most < 1) {
    section.Fail("", "a cluster of one vote has no use for a quorum disk", "remove [quorum_disk]");
  }
  if (nodes_known && votes >= 1 && (out.NodeVotes().value() + votes) % 2 == 0) {
    section.Fail("votes",
                 Cat(votes, " makes ", out.NodeVotes().value() + votes,
                     " votes in all, which can split into halves"),
                 Cat("leave it out for ", most, ", or make the sum odd"));
  }
  set.votes = Votes(static_cast<std::uint32_t>(std::max(votes, std::int64_t{0})));
  ReadFitness(section, out.timing, errors, set.fitness);
  ReadElection(section, nodes_known, out, set.fitness, set.election);
  ReadStatusFile(section, set.status_file);
  section.Finish();
  out.quorum_disk = std::move(set);
}

void ReadPaths(Section section, PathsConfig& out) {
  section.Path("state_dir", out.state_dir);
  section.Path("run_dir", out.run_dir, kMaxRunDir);
  section.Path("cib", out.cib);
  section.Path("boot_identity_file", out.boot_identity_file);
  section.Path("agent_dir", out.agent_dir);
  section.Path("ocf_root", out.ocf_root);
  section.Finish();
}

void ReadAttributes(Section section, AttributesConfig& out) {
  section.Time("settle", out.settle);
  if (out.settle > kMaxAttributeSettle) {
    section.Fail("settle", Cat(out.settle, " is longer than ", kMaxAttributeSettle),
                 "write a time such as \"3s\"");
  }
  if (section.Text("score", out.score)) {
    if (const auto why = WhyNotAttributeName(out.score)) {
      section.Fail("score", Cat(Quoted(out.score), " ", *why),
                   "name the attribute that pingd sets, such as \"pingd\"");
    }
  }
  section.Finish();
}

void ReadLog(Section section, LogTarget& out) {
  std::string target;
  if (section.Text("target", target)) {
    if (target != "stderr" && target != "syslog") {
      section.Fail("target", Cat(Quoted(target), " is no target"),
                   "choose \"stderr\" or \"syslog\"");
    }
    out = target == "syslog" ? LogTarget::kSyslog : LogTarget::kStderr;
  }
  section.Finish();
}

Config ReadAll(const toml::table& table, Errors& errors) {
  Config out;
  Section root(&table, "", errors);
  const toml::table* cluster = root.Table("cluster");
  const toml::table* timing = root.Table("timing");
  const toml::table* watchdog = root.Table("watchdog");
  if (!root.Has("cluster")) {
    errors.Add({}, "cluster", "the table is missing", "add [cluster] with name = \"…\"");
  }
  if (cluster != nullptr) ReadCluster(Section(cluster, "cluster", errors), out);
  ReadTiming(Section(timing, "timing", errors), Section(watchdog, "watchdog", errors), out);
  ReadNodes(root, out, errors);
  const bool nodes_known = errors.IsEmpty();
  const toml::table* disk = root.Table("quorum_disk");
  if (disk != nullptr) {
    ReadQuorumDisk(Section(disk, "quorum_disk", errors), nodes_known, out, errors);
  }
  ReadPaths(Section(root.Table("paths"), "paths", errors), out.paths);
  ReadAttributes(Section(root.Table("attributes"), "attributes", errors), out.attributes);
  ReadLog(Section(root.Table("log"), "log", errors), out.log);
  if (const toml::table* ping = root.Table("ping")) ReadPing(*ping, errors, out.ping.emplace());
  root.Finish();
  if (nodes_known && disk == nullptr && out.NodeVotes().value() % 2 == 0) {
    errors.Add({}, "quorum_disk",
               Cat("is missing, and ", out.NodeVotes(), " node votes can split into halves"),
               "add [quorum_disk] with device = \"iscsi://…\" or a path");
  }
  const toml::table* place = timing != nullptr ? timing : watchdog != nullptr ? watchdog : cluster;
  if (place != nullptr) RefuseUnsafeTiming(out, place->source().begin, errors);
  return out;
}

}  // namespace

std::string NetAddress::Text() const {
  return Cat(IsIpv6() ? "[" : "", host, IsIpv6() ? "]" : "", ":", port);
}

const NodeConfig* Config::FindNode(NodeId id) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [id](const NodeConfig& node) { return node.id == id; });
  return found == nodes.end() ? nullptr : &*found;
}

const NodeConfig* Config::FindNode(std::string_view name) const {
  const auto found = std::find_if(nodes.begin(), nodes.end(),
                                  [name](const NodeConfig& node) { return node.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

std::string QuorumDiskConfig::DevicesText() const {
  std::string out;
  for (const DiskConfig& disk : disks) out += Cat(out.empty() ? "" : ", ", disk.device.Text());
  return out;
}

Votes Config::NodeVotes() const {
  std::uint32_t sum = 0;
  for (const NodeConfig& node : nodes) sum += node.votes.value();
  return Votes(sum);
}

Votes Config::DiskVotes() const { return quorum_disk ? quorum_disk->votes : Votes(0); }

Votes Config::Expected() const { return Votes(NodeVotes().value() + DiskVotes().value()); }

Votes Config::Majority() const { return Votes(Expected().value() / 2 + 1); }

std::string ConfigError::Text() const {
  const std::string place = line == 0 ? file : Cat(file, ":", line, ":", column);
  return Cat(place, ": ", key, key.empty() ? "" : ": ", problem, remedy.empty() ? "" : "; ",
             remedy);
}

Result<NodeId> WhichNode(const Config& config, const std::string& given,
                         const std::string& host_name) {
  const std::string name = given.empty() ? host_name : given;
  const NodeConfig* node = config.FindNode(name);
  if (node == nullptr) node = config.FindNode(Split(name, '.').front());
  const auto id = ParseInt(name, 1, kMaxNodes);
  if (node == nullptr && id) node = config.FindNode(NodeId(static_cast<std::uint8_t>(*id)));
  if (node != nullptr) return node->id;
  std::string known;
  for (const NodeConfig& each : config.nodes) {
    known += Cat(known.empty() ? "" : ", ", each.name, " (", each.id, ")");
  }
  return Error{Cat(given.empty() ? "host name '" : "--node '", name, "'"),
               Cat("is none of the configured nodes: ", known),
               "name this node with --node, or correct [[node]] in the configuration"};
}

ClusterId ClusterIdOf(std::string_view cluster_name) {
  const auto* name = reinterpret_cast<const std::uint8_t*>(cluster_name.data());
  return {seal::DigestOf("fencepost 1 cluster id", {name, cluster_name.size()})};
}

Result<Config, std::vector<ConfigError>> ParseConfig(std::string_view text,
                                                     std::string_view file_name) {
  Errors errors(file_name);
  if (text.size() > kMaxConfigBytes) {
    errors.Add({}, "", Cat("is longer than ", kMaxConfigBytes, " bytes"),
               "keep only what fencepost.toml(5) describes");
    return errors.TakeSorted();
  }
  try {
    const toml::table table = toml::parse(text, file_name);
    Config config = ReadAll(table, errors);
    if (errors.IsEmpty()) return config;
  } catch (const toml::parse_error& error) {
    errors.Add(error.source().begin, "",
               Cat("not TOML: ", Printable(error.description(), kMaxDescription)),
               "correct the text at this place");
  }
  return errors.TakeSorted();
}

}  // namespace fencepost::config
