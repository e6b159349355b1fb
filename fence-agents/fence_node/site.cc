#include "fence-agents/fence_node/site.h"

#include "base/text.h"
#include "fence-agents/fence_node/cluster_conf.h"
#include "membership/cib/cib.h"

namespace fencepost::fence_node {
namespace {

std::string_view ShortName(std::string_view host) { return host.substr(0, host.find('.')); }

std::string KnownNodes(const config::Config& config) {
  std::string out;
  for (const config::NodeConfig& node : config.nodes) {
    out += Cat(out.empty() ? "" : ", ", node.name);
  }
  return out;
}

// Both files name the machine by id and by name; when they do not agree, the fence device that is
// found for it may switch another one.
Status MustAgree(const Site& site, const config::NodeConfig& node) {
  for (const CibNode& other : site.cib.nodes) {
    if ((other.id == node.id) == (other.name == node.name)) continue;
    return Error{Cat("node ", node.name),
                 Cat("is number ", node.id, " in the configuration, but ", site.config.paths.cib,
                     " has number ", other.id, " as ", other.name),
                 "give [[node]] and <node id= uname=> the same ids and names"};
  }
  return Ok{};
}

Result<Site, std::string> FromRhcs(std::string_view text, const std::string& file) {
  auto conf = ParseClusterConf(text, file);
  if (!conf) return conf.error().Text() + "\n";
  Site site;
  site.from_rhcs = true;
  site.config.cluster_name = conf->name;
  site.config.paths.cib = file;
  for (const CibNode& node : conf->cib.nodes) {
    config::NodeConfig entry;
    entry.id = node.id;
    entry.name = node.name;
    site.config.nodes.push_back(std::move(entry));
  }
  site.cib = std::move(conf->cib);
  site.actions = std::move(conf->actions);
  site.unfence = std::move(conf->unfence);
  return site;
}

}  // namespace

Result<Site, std::string> LoadSite(const std::string& config_file, const ReadFile& read) {
  const auto config_text = read(config_file, config::kMaxConfigBytes);
  if (!config_text) return config_text.error().Text() + "\n";
  if (Trim(*config_text).starts_with('<')) return FromRhcs(*config_text, config_file);
  auto config = config::ParseConfig(*config_text, config_file);
  if (!config) {
    std::string lines;
    for (const config::ConfigError& error : config.error()) lines += error.Text() + "\n";
    return lines;
  }
  const auto cib_text = read(config->paths.cib, kMaxCibBytes);
  if (!cib_text) return Cat(cib_text.error().Text(), " (paths.cib of ", config_file, ")\n");
  auto cib = cib::ParseCib(*cib_text, config->paths.cib);
  if (!cib) return cib.error().Text() + "\n";
  Site site;
  site.config = std::move(*config);
  site.cib = std::move(*cib);
  return site;
}

Result<Target> ChooseTarget(const Site& site, const std::string& name, std::string_view host) {
  const config::NodeConfig* node = site.config.FindNode(name);
  if (name.empty()) {
    node = site.config.FindNode(host);
    if (node == nullptr) node = site.config.FindNode(ShortName(host));
  }
  if (node == nullptr) {
    return Error{name.empty() ? Cat("this host, ", host, ",") : Cat("node ", name),
                 Cat("is no node of cluster ", site.config.cluster_name),
                 Cat("name one of: ", KnownNodes(site.config))};
  }
  if (const Status agree = MustAgree(site, *node); !agree) return agree.error();
  Target target;
  target.id = node->id;
  target.name = node->name;
  target.is_this_host = ShortName(node->name) == ShortName(host);
  for (const FenceDevice& device : site.cib.fence_devices) {
    if (device.targets.contains(node->id)) target.devices.push_back(device);
  }
  for (const FenceLevel& level : site.cib.fence_levels) {
    if (level.target == node->id) target.levels.push_back(level);
  }
  const auto action = site.actions.find(node->id);
  target.action = action == site.actions.end() ? site.cib.stonith_action : action->second;
  target.unfence = target.devices;
  if (site.from_rhcs) {
    const auto unfence = site.unfence.find(node->id);
    target.unfence = unfence == site.unfence.end() ? std::vector<FenceDevice>() : unfence->second;
  }
  return target;
}

}  // namespace fencepost::fence_node
