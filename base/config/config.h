// What a node must know before a CIB exists: /etc/fencepost/fencepost.toml, the same on every node.
//
// Promise: a Config that ParseConfig returned is complete and consistent: ids, names and addresses
//          are unique, votes add up to an E that no tie can reach, and every timing inequality
//          holds. It holds no secret, only the paths of files that do.
// Errors:  ParseConfig returns all it found: file, line, column, key, problem, remedy. It survives
//          any bytes; text above kMaxConfigBytes is refused unread.
// Source:  fencepost.toml(5).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/config/disk_url.h"
#include "base/config/heuristic_config.h"
#include "base/config/ping_config.h"
#include "base/config/timing.h"
#include "base/id.h"
#include "base/result.h"

namespace fencepost::config {

inline constexpr std::string_view kConfigFile = "/etc/fencepost/fencepost.toml";
// Where fence agents are looked for that PathsConfig.agent_dir does not have.
inline constexpr std::string_view kForeignAgentDir = "/usr/sbin";
inline constexpr std::size_t kMaxConfigBytes = 256 * 1024;
inline constexpr std::uint16_t kClusterPort = 5405;
inline constexpr std::uint32_t kMaxNodeVotes = 100;
inline constexpr Duration kMaxAttributeSettle = std::chrono::minutes(5);
inline constexpr std::int32_t kMaxScore = 1'000'000;  // Pacemaker's INFINITY

struct NetAddress {
  std::string host;  // numeric IPv4, or IPv6 without brackets
  std::uint16_t port = kClusterPort;
  [[nodiscard]] bool IsIpv6() const { return host.find(':') != std::string::npos; }
  [[nodiscard]] std::string Text() const;  // "10.0.0.1:5405", "[fd00::1]:5405"
  friend bool operator==(const NetAddress&, const NetAddress&) = default;
};

struct NodeConfig {
  NodeId id;
  std::string name;
  Votes votes{1};
  NetAddress address;
  std::int32_t score = 0;  // higher wins a split
  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

inline constexpr std::size_t kMaxPortals = 8;  // of one disk

struct DiskConfig {
  DiskUrl device;
  std::vector<DiskUrl> portals;  // the same iSCSI unit by other portals, in the order of trying
  std::string label;             // must equal the superblock's; empty: any
  std::string chap_secret_file;  // empty: no CHAP
  std::string designator;        // SCSI designator (VPD 83) that the disk must have; empty: any
  friend bool operator==(const DiskConfig&, const DiskConfig&) = default;
};

inline constexpr std::size_t kDisksOfASet = 3;

struct QuorumDiskConfig {
  std::vector<DiskConfig> disks;  // 1 or kDisksOfASet, all different; a majority is "the disk"
  Votes votes{1};                 // of all of them together; default: all node votes - 1
  FitnessConfig fitness;
  ElectionConfig election;
  std::string status_file;  // qdiskd writes its status there; "-": stdout; empty: nowhere
  [[nodiscard]] std::string DevicesText() const;  // "iscsi://…, /dev/…"
  friend bool operator==(const QuorumDiskConfig&, const QuorumDiskConfig&) = default;
};

struct PathsConfig {
  std::string state_dir = "/var/lib/fencepost";
  std::string run_dir = "/run/fencepost";
  std::string cib = "/etc/fencepost/cib.xml";
  // Names the boot where boot_id is the host's (namespaces, containers); empty: the kernel's.
  std::string boot_identity_file;
  std::string agent_dir = "/usr/libexec/fencepost";  // fence_* programs
  std::string ocf_root = "/usr/lib/ocf";
  friend bool operator==(const PathsConfig&, const PathsConfig&) = default;
};

struct AttributesConfig {
  // Longer than two nodes differ in noticing the same loss: an interval and attempts of pingd.
  Duration settle = std::chrono::seconds(3);
  std::string score;  // its value adds to a node's score when a split is decided; empty: none
  friend bool operator==(const AttributesConfig&, const AttributesConfig&) = default;
};

enum class LogTarget { kStderr, kSyslog };
// May others take the time-out of this node's watchdog for its death?
enum class WatchdogEvidence {
  kAuto,  // if its driver is one of hardware, and this is no guest of a hypervisor
  kYes,   // the operator says that it resets this machine, whatever its software does
  kNo,
};

struct Config {
  std::string cluster_name;
  ClusterId cluster_id;  // as given, or derived from the name
  std::string key_file = "/etc/fencepost/authkey";
  std::string profile = "default";
  Timing timing;                  // the profile with its overrides; watchdog 0 without a device
  std::vector<NodeConfig> nodes;  // by id
  std::optional<QuorumDiskConfig> quorum_disk;
  std::string watchdog_device;  // empty: none
  WatchdogEvidence watchdog_evidence = WatchdogEvidence::kAuto;
  AttributesConfig attributes;
  PathsConfig paths;
  LogTarget log = LogTarget::kStderr;
  std::optional<PingConfig> ping;  // of pingd

  // nullptr: no such node.
  [[nodiscard]] const NodeConfig* FindNode(NodeId id) const;
  [[nodiscard]] const NodeConfig* FindNode(std::string_view name) const;
  [[nodiscard]] Votes NodeVotes() const;  // of all nodes
  [[nodiscard]] Votes DiskVotes() const;  // 0 without a quorum disk
  [[nodiscard]] Votes Expected() const;   // E: node votes + disk votes
  [[nodiscard]] Votes Majority() const;   // the fewest votes above E/2
  friend bool operator==(const Config&, const Config&) = default;
};

struct ConfigError {
  std::string file;
  std::uint32_t line = 0, column = 0;  // from 1; 0: of the whole file
  std::string key;                     // "node[2].id"; empty: syntax
  std::string problem;
  std::string remedy;
  [[nodiscard]] std::string Text() const;  // "FILE:3:1: cluster.nmae: unknown key; …"
  friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

// The node that `given` names, by name, first label of it, or id; empty: the one with the host's
// name. The error lists the nodes.
[[nodiscard]] Result<NodeId> WhichNode(const Config& config, const std::string& given,
                                       const std::string& host_name);

// The id of a cluster that is named and given none.
[[nodiscard]] ClusterId ClusterIdOf(std::string_view cluster_name);

// In the order of the file. Never empty when it is the error.
[[nodiscard]] Result<Config, std::vector<ConfigError>> ParseConfig(std::string_view text,
                                                                   std::string_view file_name);

}  // namespace fencepost::config
