#include "membership/fencepostd/status_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/resource.h"
#include "env/local_channel.h"

namespace fencepost::daemon {
namespace {

using nlohmann::json;
using node::MemberStatus;

constexpr int kFormat = 1;
constexpr std::size_t kMaxFencingsShown = 8;
constexpr std::size_t kMaxReason = 400;  // bytes of a text in the status

std::string Cut(const std::string& text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, most) + "…";
}

json OrNull(const std::string& text) { return text.empty() ? json() : json(text); }
json OrNull(Term term) { return term.IsNone() ? json() : json(ToText(term)); }
json Latency(const qdiskd::IoLatency& l) {
  return {{"p50", l.p50_us}, {"p99", l.p99_us}, {"max", l.max_us}};
}

class Writer {
 public:
  Writer(const MemberStatus& status, const config::Config& config, const Cib& cib, std::size_t most)
      : status_(status), config_(config), cib_(cib), most_(most) {}
  json Write(const Traffic& traffic, const WatchdogStatus& watchdog) const;

 private:
  [[nodiscard]] bool Coordinates() const {
    return status_.quorate && status_.coordinator == status_.self;
  }
  [[nodiscard]] std::string NameOf(NodeId id) const {
    const config::NodeConfig* node = config_.FindNode(id);
    return node == nullptr ? std::string() : node->name;
  }
  [[nodiscard]] std::string Short(const std::string& text) const { return Cut(text, most_); }
  [[nodiscard]] json OwnVote() const;
  [[nodiscard]] json Watchdog(const WatchdogStatus& watchdog) const;
  [[nodiscard]] json Node(const node::PeerStatus& node) const;
  [[nodiscard]] json Disk() const;
  [[nodiscard]] json Slot(const qdiskd::NodeOnDisk& node) const;
  [[nodiscard]] json Fitness(const qdiskd::Fitness& fitness) const;
  [[nodiscard]] json FenceDevices() const;
  [[nodiscard]] json Resources() const;
  [[nodiscard]] json Resource(const Group& group, const Primitive& primitive) const;
  [[nodiscard]] bool AllIsWell(const json& out) const;

  const MemberStatus& status_;
  const config::Config& config_;
  const Cib& cib_;
  std::size_t most_;
};

json Writer::Watchdog(const WatchdogStatus& watchdog) const {
  if (config_.watchdog_device.empty()) return {};
  return {{"device", config_.watchdog_device},
          {"driver", OrNull(Short(watchdog.driver))},
          {"timeout_ms", ToMillis(config_.timing.watchdog)},
          {"armed", watchdog.armed},
          {"fed", watchdog.armed && status_.watchdog_fed},
          {"evidence", watchdog.armed && watchdog.evidence}};
}

json Writer::OwnVote() const {
  return {{"granted_to", OrNull(NameOf(status_.own_vote.term.node()))},
          {"term", OrNull(status_.own_vote.term)},
          {"trouble", OrNull(Short(status_.vote_trouble))}};
}

json Writer::Node(const node::PeerStatus& node) const {
  std::string state = node.state;
  // Only the coordinator knows members; others know whom they hear.
  if (!Coordinates() && !node.self) {
    state = node.id == status_.coordinator && status_.quorate ? "coordinator"
            : node.heard                                      ? "heard"
                                                              : "not heard";
  }
  const bool there = Coordinates() ? node.member : node.heard;
  // Where the status would be too long they are left out: there is a request for them alone.
  const json attributes = most_ < kMaxReason ? json() : json(node.attributes);
  return {{"id", node.id.value()},       {"name", node.name},
          {"self", node.self},           {"there", node.self ? status_.quorate : there},
          {"heard", node.heard},         {"on_disk", node.on_disk},
          {"state", Short(state)},       {"evidence", OrNull(Short(node.evidence))},
          {"vote_held", node.vote_held}, {"vote_left_ms", ToMillis(node.vote_left)},
          {"attributes", attributes},    {"score", node.score ? json(*node.score) : json()}};
}

json Writer::Slot(const qdiskd::NodeOnDisk& node) const {
  const qdiskd::Slot& slot = node.slot;
  return {{"node", OrNull(NameOf(node.node))},
          {"state", slot.IsBlank()     ? "blank"
                    : slot.report.left ? "left"
                    : node.fresh       ? "fresh"
                                       : "stale"},
          {"silent_ms", ToMillis(node.silent)},
          {"promise", OrNull(slot.promise)},
          {"held", OrNull(slot.held)},
          {"conceded", OrNull(slot.conceded)},
          {"quiesced", slot.report.quiesced},
          {"fit", !slot.report.unfit}};
}

json Writer::Fitness(const qdiskd::Fitness& fitness) const {
  json out = {{"fit", fitness.fit},
              {"score", fitness.score},
              {"highest", fitness.highest},
              {"min_score", fitness.min_score},
              {"heuristics", json::array()}};
  for (const qdiskd::HeuristicView& each : fitness.heuristics) {
    out["heuristics"].push_back({{"name", each.name},
                                 {"state", std::string(qdiskd::Name(each.state))},
                                 {"score", each.score},
                                 {"last", OrNull(Short(each.last))},
                                 {"age_ms", ToMillis(each.age)}});
  }
  return out;
}

json Writer::Disk() const {
  if (!config_.quorum_disk) return {};
  json out = {{"device", config_.quorum_disk->DevicesText()},
              {"votes", config_.DiskVotes().value()},
              {"connected", status_.disk_connected},
              {"vote_held", status_.disk_vote_held},
              {"vote_left_ms", ToMillis(status_.disk_vote_left)},
              {"readable", false},
              {"trouble", nullptr},
              {"disks", json::array()},
              {"slots", json::array()}};
  if (!status_.disk) return out;
  const qdiskd::DiskView& view = status_.disk->view;
  out["readable"] = view.readable;
  out["trouble"] = OrNull(Short(view.trouble));
  out["disks_ready"] = view.disks_ready;
  for (const qdiskd::local::DiskState& disk : status_.disk->disks) {
    out["disks"].push_back({{"device", disk.device},
                            {"uuid", OrNull(disk.uuid)},
                            {"ready", disk.trouble.empty()},
                            {"barrier", OrNull(disk.barrier)},
                            {"trouble", OrNull(Short(disk.trouble))},
                            {"latency_us", Latency(disk.latency)}});
  }
  out["cycle_us"] = status_.disk->cycle_us;
  out["fitness"] = Fitness(status_.disk->fitness);
  out["highest_held"] = OrNull(view.highest_held);
  out["highest_promise"] = OrNull(view.highest_promise);
  out["sides"] = view.election.sides;
  out["election"] = OrNull(Short(view.election.why));
  for (const qdiskd::NodeOnDisk& node : view.nodes) {
    out["slots"].push_back(Slot(node));
    if (node.node != status_.self) continue;
    out["latency_us"] = Latency(node.slot.latency);
  }
  return out;
}

json Writer::FenceDevices() const {
  json out = json::array();
  for (const FenceDevice& device : cib_.fence_devices) {
    json targets = json::array();
    for (const auto& [id, plug] : device.targets) targets.push_back(NameOf(id));
    json entry = {
        {"id", device.id}, {"agent", device.agent}, {"targets", targets}, {"monitor", nullptr}};
    for (const node::FenceDeviceStatus& health : status_.fence_devices) {
      if (health.id != device.id || !health.asked) continue;
      entry["monitor"] = {{"ok", health.ok},
                          {"age_ms", ToMillis(health.age)},
                          {"trouble", OrNull(Short(health.trouble))}};
    }
    out.push_back(std::move(entry));
  }
  return out;
}

json Writer::Resource(const Group& group, const Primitive& primitive) const {
  json out = {{"id", primitive.id},
              {"group", group.id},
              {"agent", Cat("ocf:", primitive.provider, ":", primitive.type)},
              {"enabled", primitive.enabled},
              {"here", nullptr},
              {"placement", nullptr}};
  for (const ResourceStatus& here : status_.resources) {
    if (here.resource != primitive.id) continue;
    out["here"] = {{"state", std::string(ToText(here.state))},
                   {"busy", here.busy},
                   {"fail_count", here.fail_count}};
    if (here.fail_count > 0) {
      out["here"]["failure"] = Cat(ToText(here.failed_action), " ", ToText(here.failure));
    }
  }
  if (!Coordinates()) return out;
  for (const policy::Placement& placement : status_.placements) {
    if (placement.resource != primitive.id) continue;
    json active = json::array();
    for (const NodeId id : placement.active) active.push_back(NameOf(id));
    out["placement"] = {{"target", placement.target ? json(NameOf(*placement.target)) : json()},
                        {"active", active},
                        {"reason", OrNull(Short(placement.reason))}};
  }
  return out;
}

json Writer::Resources() const {
  json out = json::array();
  for (const Group& group : cib_.groups) {
    for (const Primitive& primitive : group.members) out.push_back(Resource(group, primitive));
  }
  return out;
}

bool Writer::AllIsWell(const json& out) const {
  bool well = status_.vote_trouble.empty() && !status_.leaving;
  if (config_.quorum_disk) {
    well = well && status_.disk_connected && status_.disk && status_.disk->view.readable;
  }
  if (!config_.watchdog_device.empty()) well = well && out["watchdog"]["fed"].get<bool>();
  for (const json& node : out["nodes"]) well = well && node["there"].get<bool>();
  for (const json& resource : out["resources"]) {
    if (!resource["enabled"].get<bool>()) continue;
    const json& placement = resource["placement"];
    if (!placement.is_null()) well = well && placement["reason"].is_null();
    const json& here = resource["here"];
    if (!here.is_null()) well = well && here["fail_count"].get<std::uint32_t>() == 0;
  }
  return well;
}

json Writer::Write(const Traffic& traffic, const WatchdogStatus& watchdog) const {
  json out = {{"format", kFormat},
              {"cluster", config_.cluster_name},
              {"node", NameOf(status_.self)},
              {"id", status_.self.value()},
              {"quorate", status_.quorate},
              {"coordinates", Coordinates()},
              {"coordinator", OrNull(NameOf(status_.coordinator))},
              {"term", OrNull(status_.term)},
              {"authority_left_ms", ToMillis(status_.authority_left)},
              {"leaving", status_.leaving},
              {"quiesced", status_.quiesced},
              {"votes",
               {{"held", status_.votes_held},
                {"expected", status_.expected},
                {"needed", config_.Majority().value()}}},
              {"own_vote", OwnVote()},
              {"disk", Disk()},
              {"watchdog", Watchdog(watchdog)},
              {"nodes", json::array()},
              {"attributes_settling", status_.settling},
              {"score_attribute", OrNull(config_.attributes.score)},
              {"stonith_enabled", cib_.stonith_enabled},
              {"fence_devices", FenceDevices()},
              {"fencings", json::array()},
              {"resources", Resources()},
              {"unsafe", json::array()},
              {"traffic",
               {{"sent", traffic.sent},
                {"received", traffic.received},
                {"not_opened", traffic.not_opened},
                {"not_read", traffic.not_read},
                {"disk_not_read", traffic.disk_not_read},
                {"tools_refused", traffic.tools_refused},
                {"tools_not_read", traffic.tools_not_read}}}};
  for (const node::PeerStatus& node : status_.nodes) out["nodes"].push_back(Node(node));
  const std::size_t older =
      status_.fence_log.size() - std::min(status_.fence_log.size(), kMaxFencingsShown);
  for (std::size_t i = older; i < status_.fence_log.size(); ++i) {
    out["fencings"].push_back(Short(status_.fence_log[i]));
  }
  for (const std::string& text : status_.unsafe) out["unsafe"].push_back(Short(text));
  if (out["unsafe"].empty() && !cib_.stonith_enabled) {  // known without being coordinator
    out["unsafe"].push_back("stonith-enabled=false: a lost node counts as off without proof");
  }
  out["health"] = !status_.quorate ? "no-quorum" : AllIsWell(out) ? "ok" : "degraded";
  return out;
}

}  // namespace

std::string StatusAnswer(const MemberStatus& status, const config::Config& config, const Cib& cib,
                         const Traffic& traffic, const WatchdogStatus& watchdog) {
  const auto dump = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  for (std::size_t most = kMaxReason; most > 0; most /= 4) {
    std::string text = dump(Writer(status, config, cib, most).Write(traffic, watchdog));
    if (text.size() <= kMaxLocalMessage) return text;
  }
  return dump({{"error", "the status does not fit into one message"}});
}

}  // namespace fencepost::daemon
