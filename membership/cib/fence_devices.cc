#include "membership/cib/fence_devices.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.h"
#include "membership/cib/resources.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

constexpr std::int64_t kMaxActionLimit = 64, kMaxAttempts = 10;

// Agents that cut a node off and leave its power on. They are to be switched on again before the
// node runs anything.
constexpr std::array<std::string_view, 5> kStorageAgents = {
    "fence_scsi", "fence_mpath", "fence_brocade", "fence_cisco_mds", "fence_sanbox2"};
constexpr std::array<std::string_view, 1> kNetworkAgents = {"fence_ifmib"};

// "a b,c;d" of pcmk_host_list.
std::vector<std::string> Words(std::string_view text, std::string_view separators) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (separators.find(c) == std::string_view::npos) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

void AddTarget(Xml& xml, const NvPair& pair, const Cib& cib, std::string_view node,
               std::string_view plug, FenceDevice& device) {
  const auto id = FindNode(cib, node);
  if (!id) {
    xml.Fail(pair.at, Cat(pair.name, " names \"", node, "\", which is none of the <nodes>"),
             "use the uname of a node");
  } else {
    device.targets[*id] = plug;
  }
}

// pcmk_host_list="a b": the plug is the node's name; pcmk_host_map="a:1;b:2,3" says otherwise.
void ReadTargets(Xml& xml, const Cib& cib, const std::vector<NvPair>& pairs, FenceDevice& device) {
  for (const NvPair& pair : pairs) {
    if (pair.name != "pcmk_host_list") continue;
    for (const std::string& node : Words(pair.value, " \t,;")) {
      AddTarget(xml, pair, cib, node, node, device);
    }
  }
  for (const NvPair& pair : pairs) {
    if (pair.name != "pcmk_host_map") continue;
    for (const std::string& word : Words(pair.value, " \t;")) {
      const std::size_t colon = word.find(':');
      const std::string plugs = colon == std::string::npos ? "" : word.substr(colon + 1);
      if (plugs.empty() || Words(plugs, ",").empty()) {
        xml.Fail(pair.at, Cat("pcmk_host_map has \"", word, "\""),
                 "write NODE:PLUG;NODE:PLUG,PLUG");
        return;
      }
      AddTarget(xml, pair, cib, word.substr(0, colon), plugs, device);
    }
  }
}

// True: it was one of the times and counts that Pacemaker keeps from the agent.
bool ReadLimit(Xml& xml, const NvPair& pair, FenceDevice& device) {
  const std::pair<std::string_view, Duration FenceDevice::*> times[] = {
      {"pcmk_off_timeout", &FenceDevice::off_timeout},
      {"pcmk_on_timeout", &FenceDevice::on_timeout},
      {"pcmk_status_timeout", &FenceDevice::status_timeout},
      {"pcmk_monitor_timeout", &FenceDevice::monitor_timeout}};
  for (const auto& [name, field] : times) {
    if (pair.name != name) continue;
    const auto time = ParseTime(pair.value);
    if (!time || *time == Duration{}) xml.FailPair(pair, "no time", "write one such as 20s");
    device.*field = time.value_or(Duration{});
    return true;
  }
  if (pair.name == "pcmk_off_retries") {  // Pacemaker counts tries, not repetitions
    const auto tries = ParseInt(pair.value, 1, kMaxAttempts);
    if (!tries) xml.FailPair(pair, "no count", Cat("write a number from 1 to ", kMaxAttempts));
    device.off_attempts = static_cast<int>(tries.value_or(1));
    return true;
  }
  if (pair.name == "pcmk_action_limit") {
    const auto limit = ParseInt(pair.value, -1, kMaxActionLimit);
    if (!limit) {
      xml.FailPair(pair, "no count", Cat("write a number up to ", kMaxActionLimit, ", or -1"));
    }
    const auto value = limit.value_or(1);
    device.action_limit = value < 0 ? 0 : std::max(static_cast<int>(value), 1);
    return true;
  }
  return false;
}

void ReadScope(Xml& xml, const NvPair& pair, FenceDevice& device) {
  if (pair.value == "node") {
    device.scope = FenceScope::kNode;
  } else if (pair.value == "storage") {
    device.scope = FenceScope::kStorage;
  } else if (pair.value == "network") {
    device.scope = FenceScope::kNetwork;
  } else {
    xml.FailPair(pair, "not known", "write node, storage or network: what the target loses");
  }
}

void ReadDeviceParameter(Xml& xml, const NvPair& pair, FenceDevice& device) {
  if (pair.name == "pcmk_host_list" || pair.name == "pcmk_host_map") return;
  if (pair.name == "fencepost_scope") return ReadScope(xml, pair, device);
  if (ReadLimit(xml, pair, device)) return;
  if (pair.name == "pcmk_host_check") {
    if (pair.value != "static-list") {
      xml.FailPair(pair, "not supported", "write static-list, and pcmk_host_list");
    }
  } else if (pair.name.starts_with("pcmk_")) {
    xml.Fail(pair.at, Cat(pair.name, " is not supported"),
             "remove it; understood are: pcmk_host_list, pcmk_host_map, pcmk_host_check, "
             "pcmk_action_limit, pcmk_off_retries, and pcmk_ACTION_timeout of off, on, status and "
             "monitor");
  } else if (IsSecretParameter(pair.name)) {  // its value is never repeated
    xml.Fail(pair.at,
             Cat(pair.name,
                 " would put a secret into the configuration, which is "
                 "replicated and readable by many"),
             Cat("write it into a file of mode 0600 and give ",
                 pair.name == "passwd" ? "password" : pair.name, "_file"));
  } else if (!IsParameterName(pair.name)) {
    xml.Fail(pair.at, Cat("\"", pair.name, "\" is not the name of an agent's parameter"),
             "use letters, digits and '_'");
  } else {
    device.parameters[pair.name] = pair.value;
  }
}

// The one operation of a device is to be looked after.
void ReadMonitor(Xml& xml, pugi::xml_node at, FenceDevice& device) {
  const pugi::xml_node operations = xml.OnlyChild(at, "operations");
  xml.AllowAttributes(operations, {"id"});
  xml.AllowChildren(operations, {"op"});
  if (operations.attribute("id")) xml.UniqueId(operations);
  const pugi::xml_node op = xml.OnlyChild(operations, "op");
  if (!op) return;
  xml.AllowAttributes(op, {"id", "name", "interval", "timeout"});
  xml.AllowChildren(op, {});
  xml.UniqueId(op);
  if (xml.Required(op, "name") != "monitor") {
    xml.Fail(op, Cat("operation ", op.attribute("name").value(), " of a fence device"),
             "the only one is monitor; other time-outs are pcmk_off_timeout and the like");
  }
  const auto interval = ParseTime(xml.Required(op, "interval"));
  if (!interval) {
    xml.Fail(op, Cat("interval=\"", op.attribute("interval").value(), "\" is no time up to 24h"),
             "write one such as 60s");
  }
  device.monitor_interval = interval.value_or(Duration{});
  if (!op.attribute("timeout")) return;
  const auto timeout = ParseTime(op.attribute("timeout").value());
  if (!timeout || *timeout == Duration{}) {
    xml.Fail(op, Cat("timeout=\"", op.attribute("timeout").value(), "\" is no time"),
             "write one such as 20s");
  }
  device.monitor_timeout = timeout.value_or(Duration{});
}

void ReadDeviceMeta(Xml& xml, pugi::xml_node at, FenceDevice& device) {
  for (const NvPair& pair : xml.Pairs(at, "meta_attributes")) {
    if (pair.name != "provides") {
      xml.Fail(pair.at, Cat("meta attribute ", pair.name, " of a fence device is not supported"),
               "remove it; understood is: provides");
    } else if (pair.value != "unfencing") {
      xml.FailPair(pair, "not supported", "write unfencing or remove it");
    } else {
      device.unfencing = true;
    }
  }
}

bool IsAmong(std::string_view agent, const auto& agents) {
  return std::find(agents.begin(), agents.end(), agent) != agents.end();
}

void ReadLevel(Xml& xml, pugi::xml_node at, Cib& cib) {
  xml.AllowAttributes(at, {"id", "target", "index", "devices"});
  xml.AllowChildren(at, {});
  FenceLevel level{xml.UniqueId(at), NodeId(), 0, {}};
  const std::string target = xml.Required(at, "target");
  const std::string index = xml.Required(at, "index");
  level.devices = Words(xml.Required(at, "devices"), ",");
  if (xml.Failed()) return;
  const auto node = FindNode(cib, target);
  const auto number = ParseInt(index, 1, kMaxFenceLevel);
  if (!node) {
    xml.Fail(at, Cat("target=\"", target, "\" is none of the <nodes>"), "use the uname of a node");
    return;
  }
  if (!number) {
    xml.Fail(at, Cat("index=\"", index, "\" is no number from 1 to ", kMaxFenceLevel),
             "levels are tried in order of their index");
    return;
  }
  level.target = *node;
  level.index = static_cast<int>(*number);
  if (level.devices.empty()) xml.Fail(at, "devices=\"\" is empty", "name fence devices");
  for (const std::string& id : level.devices) {
    const auto device = std::find_if(cib.fence_devices.begin(), cib.fence_devices.end(),
                                     [&](const FenceDevice& d) { return d.id == id; });
    if (device == cib.fence_devices.end()) {
      xml.Fail(at, Cat("devices has \"", id, "\", which is no primitive of class stonith"),
               "use the id of one");
    } else if (!device->targets.contains(level.target)) {
      xml.Fail(at, Cat("fence device ", id, " does not have ", target),
               Cat("add ", target, " to its pcmk_host_list or pcmk_host_map"));
    }
  }
  for (const FenceLevel& other : cib.fence_levels) {
    if (other.target != level.target || other.index != level.index) continue;
    xml.Fail(at, Cat("a second level ", level.index, " of ", target),
             "name all devices of a level in one, or give it another index");
  }
  cib.fence_levels.push_back(std::move(level));
}

}  // namespace

FenceDevice ReadFenceDevice(Xml& xml, pugi::xml_node at, const Cib& cib) {
  xml.AllowAttributes(at, {"id", "class", "type", "description"});
  xml.AllowChildren(at, {"instance_attributes", "meta_attributes", "operations"});
  FenceDevice device;
  device.id = xml.UniqueId(at);
  device.agent = RequiredName(xml, at, "type");
  if (IsAmong(device.agent, kStorageAgents)) device.scope = FenceScope::kStorage;
  if (IsAmong(device.agent, kNetworkAgents)) device.scope = FenceScope::kNetwork;
  const std::vector<NvPair> pairs = xml.Pairs(at, "instance_attributes");
  ReadTargets(xml, cib, pairs, device);
  for (const NvPair& pair : pairs) ReadDeviceParameter(xml, pair, device);
  device.unfencing = device.scope == FenceScope::kStorage;
  ReadDeviceMeta(xml, at, device);
  ReadMonitor(xml, at, device);
  if (device.targets.empty()) {
    xml.Fail(at, Cat("fence device ", device.id, " names no node that it can fence"),
             "add pcmk_host_list or pcmk_host_map");
  }
  return device;
}

void ReadTopology(Xml& xml, pugi::xml_node topology, Cib& cib) {
  xml.AllowAttributes(topology, {});
  xml.AllowChildren(topology, {"fencing-level"});
  for (const pugi::xml_node level : topology.children("fencing-level")) {
    if (xml.Failed()) return;
    if (cib.fence_levels.size() == kMaxFenceLevels) {
      xml.Fail(level, Cat("there are more than ", kMaxFenceLevels, " levels"), "remove some");
      return;
    }
    ReadLevel(xml, level, cib);
  }
  std::sort(cib.fence_levels.begin(), cib.fence_levels.end(),
            [](const FenceLevel& a, const FenceLevel& b) {
              return std::tie(a.target, a.index) < std::tie(b.target, b.index);
            });
}

}  // namespace fencepost::cib
