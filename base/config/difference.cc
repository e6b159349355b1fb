#include "base/config/difference.h"

namespace fencepost::config {

std::vector<std::string_view> Differences(const Config& a, const Config& b) {
  std::vector<std::string_view> out;
  const auto add = [&out](bool same, std::string_view name) {
    if (!same) out.push_back(name);
  };
  add(a.cluster_name == b.cluster_name && a.cluster_id == b.cluster_id, "cluster");
  add(a.key_file == b.key_file, "cluster.key");
  add(a.timing == b.timing && a.profile == b.profile, "timing");
  add(a.nodes == b.nodes, "node");
  add(a.watchdog_device == b.watchdog_device, "watchdog");
  add(a.quorum_disk.has_value() == b.quorum_disk.has_value(), "quorum_disk");
  const QuorumDiskConfig none;
  const QuorumDiskConfig &x = a.quorum_disk ? *a.quorum_disk : none,
                         &y = b.quorum_disk ? *b.quorum_disk : none;
  add(x.disks == y.disks, "quorum_disk.device");
  add(x.votes == y.votes, "quorum_disk.votes");
  add(x.fitness.heuristics == y.fitness.heuristics, "quorum_disk.heuristic");
  add(x.fitness.min_score == y.fitness.min_score, "quorum_disk.min_score");
  add(x.election.required_node == y.election.required_node, "quorum_disk.required_node");
  add(x.election.master_wins == y.election.master_wins, "quorum_disk.master_wins");
  add(x.election.highest_wins == y.election.highest_wins, "quorum_disk.tie_breaker");
  add(x.status_file == y.status_file, "quorum_disk.status_file");
  add(a.attributes == b.attributes, "attributes");
  add(a.paths == b.paths, "paths");
  add(a.log == b.log, "log");
  add(a.ping == b.ping, "ping");
  return out;
}

}  // namespace fencepost::config
