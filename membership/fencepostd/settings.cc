#include "membership/fencepostd/settings.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/seal/seal.h"
#include "membership/cib/cib.h"

namespace fencepost::daemon {
namespace {

constexpr std::string_view kDigestContext = "fencepost 1 configuration";

void Put(ByteWriter& w, Duration d) { w.Put(static_cast<std::uint64_t>(d.count())); }

void Put(ByteWriter& w, const config::Timing& t) {
  for (const Duration d :
       {t.interval, t.io_timeout, t.lease, t.lease_max, t.guard, t.eps, t.heartbeat, t.peer_timeout,
        t.fence_timeout, t.path_failover, t.watchdog}) {
    Put(w, d);
  }
  w.Put(t.drift_ppm);
  w.Put(t.tko);
  w.Put(t.tolerated);
}

void Put(ByteWriter& w, const config::NodeConfig& node) {
  w.Put(node.id.value());
  w.PutText(node.name);
  w.Put(node.votes.value());
  w.PutText(node.address.Text());
  w.Put(static_cast<std::uint32_t>(node.score));
}

}  // namespace

messaging::Digest DigestOf(const config::Config& config, const Cib& cib) {
  ByteWriter w;
  w.PutText(config.cluster_name);
  w.PutBytes(config.cluster_id.bytes);
  Put(w, config.timing);
  w.Put(static_cast<std::uint8_t>(config.nodes.size()));
  for (const config::NodeConfig& node : config.nodes) Put(w, node);
  w.Put(config.DiskVotes().value());
  if (config.quorum_disk) {
    const config::ElectionConfig& election = config.quorum_disk->election;
    w.Put(election.required_node.value());
    w.Put(static_cast<std::uint8_t>(election.master_wins ? 1 : 0));
    w.Put(static_cast<std::uint8_t>(election.highest_wins ? 1 : 0));
    w.Put(static_cast<std::uint8_t>(config.quorum_disk->disks.size()));
    for (const config::DiskConfig& disk : config.quorum_disk->disks) {
      w.PutText(disk.device.Text());
      w.PutText(disk.label);
      w.PutText(disk.designator);
    }
  }
  Put(w, config.attributes.settle);
  w.PutText(config.attributes.score);
  w.PutBytes(cib::CanonicalBytes(cib));
  return seal::DigestOf(kDigestContext, w.bytes());
}

Result<node::MemberSettings> SettingsOf(const config::Config& config, const Cib& cib, NodeId self) {
  for (const CibNode& node : cib.nodes) {
    const config::NodeConfig* known = config.FindNode(node.id);
    if (known == nullptr || known->name != node.name) {
      return Error{Cat("the CIB's node ", node.id, " (", node.name, ")"),
                   known == nullptr ? std::string("is not in the configuration")
                                    : Cat("is called ", known->name, " in the configuration"),
                   "give <node id= uname=> and [[node]] the same ids and names"};
    }
  }
  for (const config::NodeConfig& node : config.nodes) {
    if (std::none_of(cib.nodes.begin(), cib.nodes.end(),
                     [&](const CibNode& n) { return n.id == node.id; })) {
      return Error{Cat("node ", node.id, " (", node.name, ")"), "is missing in the CIB",
                   Cat("add <node id=\"", node.id, "\" uname=\"", node.name, "\"/> to <nodes>")};
    }
  }
  node::MemberSettings out;
  out.self = self;
  for (const config::NodeConfig& node : config.nodes) {
    out.nodes.push_back({node.id, node.name, node.votes, node.score});
  }
  out.disk_votes = config.DiskVotes();
  out.times = config.timing.Lease();
  out.interval = config.timing.interval;
  out.heartbeat = config.timing.heartbeat;
  out.peer_timeout = config.timing.peer_timeout;
  out.stale_after = config.timing.StaleAfter();
  out.watchdog = config.watchdog_device.empty() ? Duration() : config.timing.watchdog;
  out.attribute_settle = config.attributes.settle;
  out.score_attribute = config.attributes.score;
  out.cib = cib;
  out.ocf_root = config.paths.ocf_root;
  out.digest = DigestOf(config, cib);
  return out;
}

}  // namespace fencepost::daemon
