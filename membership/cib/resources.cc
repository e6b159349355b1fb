#include "membership/cib/resources.h"

#include <algorithm>

#include "base/text.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

constexpr Duration kDefaultOperationTime = std::chrono::seconds(20);  // Pacemaker's

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

std::optional<Duration> ReadTime(Xml& xml, pugi::xml_node op, const char* attribute) {
  if (!op.attribute(attribute)) return std::nullopt;
  const std::string text = op.attribute(attribute).value();
  const auto time = ParseTime(text);
  if (!time) {
    xml.Fail(op, Cat(attribute, "=\"", text, "\" is no time up to 24h"),
             "write a number and ms, s, min or h, such as 20s");
  }
  return time;
}

void ReadOperation(Xml& xml, pugi::xml_node op, Primitive& primitive, std::set<std::string>& seen) {
  xml.AllowAttributes(op, {"id", "name", "interval", "timeout"});
  xml.AllowChildren(op, {});
  xml.UniqueId(op);
  const std::string name = xml.Required(op, "name");
  const Duration interval = ReadTime(xml, op, "interval").value_or(Duration{});
  const Duration timeout = ReadTime(xml, op, "timeout").value_or(kDefaultOperationTime);
  if (timeout == Duration{}) {
    xml.Fail(op, "timeout=\"0\" would end the operation at once", "give it time, such as 20s");
  }
  const bool recurring = interval != Duration{};
  if (!seen.insert(Cat(name, recurring)).second) {
    xml.Fail(op, Cat("a second ", recurring ? "recurring " : "", name, " operation"),
             "keep one: one recurring monitor, one of interval 0, one start, one stop");
  }
  if (name == "monitor") {
    (recurring ? primitive.monitor_timeout : primitive.probe_timeout) = timeout;
    primitive.monitor_interval = std::max(primitive.monitor_interval, interval);
  } else if (recurring && (name == "start" || name == "stop")) {
    xml.Fail(op, Cat("a ", name, " does not recur"), "remove its interval");
  } else if (name == "start") {
    primitive.start_timeout = timeout;
  } else if (name == "stop") {
    primitive.stop_timeout = timeout;
  } else {
    xml.Fail(op, Cat("operation ", name, " is not supported"),
             "remove it; understood are: start, stop, monitor");
  }
}

void ReadOperations(Xml& xml, pugi::xml_node at, Primitive& primitive) {
  primitive.start_timeout = primitive.stop_timeout = kDefaultOperationTime;
  primitive.monitor_timeout = primitive.probe_timeout = kDefaultOperationTime;
  const pugi::xml_node operations = xml.OnlyChild(at, "operations");
  xml.AllowAttributes(operations, {"id"});
  xml.AllowChildren(operations, {"op"});
  if (operations.attribute("id")) xml.UniqueId(operations);
  std::set<std::string> seen;
  for (const pugi::xml_node op : operations.children("op")) {
    ReadOperation(xml, op, primitive, seen);
  }
  // Without its own time-out a probe takes as long as the monitor, which does the same.
  if (!seen.contains(Cat("monitor", false))) primitive.probe_timeout = primitive.monitor_timeout;
}

Parameters ReadAgentParameters(Xml& xml, pugi::xml_node at) {
  Parameters parameters;
  for (const NvPair& pair : xml.Pairs(at, "instance_attributes")) {
    if (!IsParameterName(pair.name) || pair.name.starts_with("CRM_meta")) {
      xml.Fail(pair.at, Cat("\"", pair.name, "\" is not the name of an agent's parameter"),
               "use letters, digits and '_'; names that begin with CRM_meta are reserved");
    }
    parameters[pair.name] = pair.value;
  }
  return parameters;
}

std::string RequiredName(Xml& xml, pugi::xml_node at, const char* attribute) {
  std::string value = xml.Required(at, attribute);
  if (!value.empty() && !IsName(value)) {
    xml.Fail(at, Cat(attribute, "=\"", value, "\" is not the name of an agent"),
             "use its file's name, without a path");
  }
  return value;
}

Primitive ReadPrimitive(Xml& xml, pugi::xml_node at, const Meta& inherited) {
  xml.AllowAttributes(at, {"id", "class", "provider", "type", "description"});
  xml.AllowChildren(at, {"instance_attributes", "meta_attributes", "operations"});
  Primitive primitive;
  primitive.id = xml.UniqueId(at);
  const std::string standard = xml.Required(at, "class");
  if (standard != "ocf" && !standard.empty()) {
    xml.Fail(at, Cat("class=\"", standard, "\" is not supported here"),
             "use an agent of class ocf; fence devices, of class stonith, stand outside groups");
  }
  primitive.provider = RequiredName(xml, at, "provider");
  primitive.type = RequiredName(xml, at, "type");
  primitive.parameters = ReadAgentParameters(xml, at);
  const Meta meta = ReadMeta(xml, at, inherited);
  primitive.stickiness = meta.stickiness;
  primitive.migration_threshold = meta.migration_threshold;
  primitive.enabled = meta.enabled;
  ReadOperations(xml, at, primitive);
  return primitive;
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

// pcmk_host_list="a b": the plug is the node's name; pcmk_host_map="a:1;b:2" says otherwise.
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
      if (colon == std::string::npos || colon + 1 == word.size()) {
        xml.Fail(pair.at, Cat("pcmk_host_map has \"", word, "\""), "write NODE:PLUG;NODE:PLUG");
        return;
      }
      AddTarget(xml, pair, cib, word.substr(0, colon), word.substr(colon + 1), device);
    }
  }
}

void ReadDeviceParameter(Xml& xml, const NvPair& pair, FenceDevice& device) {
  if (pair.name == "pcmk_host_list" || pair.name == "pcmk_host_map") return;
  if (pair.name == "pcmk_host_check") {
    if (pair.value != "static-list") {
      xml.FailPair(pair, "not supported", "write static-list, and pcmk_host_list");
    }
  } else if (pair.name.starts_with("pcmk_")) {
    xml.Fail(pair.at, Cat(pair.name, " is not supported"),
             "remove it; understood are: pcmk_host_list, pcmk_host_map, pcmk_host_check");
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

FenceDevice ReadFenceDevice(Xml& xml, pugi::xml_node at, const Cib& cib) {
  xml.AllowAttributes(at, {"id", "class", "type", "description"});
  xml.AllowChildren(at, {"instance_attributes"});
  FenceDevice device;
  device.id = xml.UniqueId(at);
  device.agent = RequiredName(xml, at, "type");
  const std::vector<NvPair> pairs = xml.Pairs(at, "instance_attributes");
  ReadTargets(xml, cib, pairs, device);
  for (const NvPair& pair : pairs) ReadDeviceParameter(xml, pair, device);
  if (device.targets.empty()) {
    xml.Fail(at, Cat("fence device ", device.id, " names no node that it can fence"),
             "add pcmk_host_list or pcmk_host_map");
  }
  return device;
}

Group ReadGroup(Xml& xml, pugi::xml_node at, const Meta& defaults) {
  xml.AllowAttributes(at, {"id", "description"});
  xml.AllowChildren(at, {"primitive", "meta_attributes"});
  Group group{xml.UniqueId(at), {}};
  const Meta meta = ReadMeta(xml, at, defaults);
  for (const pugi::xml_node member : at.children("primitive")) {
    group.members.push_back(ReadPrimitive(xml, member, meta));
  }
  if (group.members.empty()) {
    xml.Fail(at, Cat("group ", group.id, " is empty"), "add a <primitive> or remove the group");
  }
  return group;
}

}  // namespace

std::optional<NodeId> FindNode(const Cib& cib, std::string_view name) {
  for (const CibNode& node : cib.nodes) {
    if (node.name == name) return node.id;
  }
  return std::nullopt;
}

Meta ReadMeta(Xml& xml, pugi::xml_node at, Meta inherited) {
  Meta meta = inherited;
  for (const NvPair& pair : xml.Pairs(at, "meta_attributes")) {
    if (pair.name == "resource-stickiness") {
      const auto score = ParseScore(pair.value);
      if (!score) xml.FailPair(pair, "no score", "write a number, INFINITY or -INFINITY");
      meta.stickiness = score.value_or(0);
    } else if (pair.name == "migration-threshold") {
      const auto score = ParseScore(pair.value);
      if (!score || *score < 0) xml.FailPair(pair, "no count", "write a number or INFINITY");
      // Both 0 and INFINITY mean: never because of failures.
      meta.migration_threshold =
          score && *score != kInfinity ? static_cast<std::uint32_t>(std::max(*score, 0)) : 0;
    } else if (pair.name == "target-role") {
      if (pair.value != "Started" && pair.value != "Stopped") {
        xml.FailPair(pair, "not supported", "write Started or Stopped");
      }
      meta.enabled = pair.value != "Stopped";
    } else {
      xml.Fail(pair.at, Cat("meta attribute ", pair.name, " is not supported"),
               "remove it; understood are: resource-stickiness, migration-threshold, target-role");
    }
  }
  return meta;
}

void ReadResources(Xml& xml, pugi::xml_node resources, const Meta& defaults, Cib& cib) {
  xml.AllowAttributes(resources, {});
  xml.AllowChildren(resources, {"primitive", "group"});
  std::size_t primitives = 0;
  for (const pugi::xml_node at : resources.children()) {
    if (xml.Failed()) return;
    if (std::string_view(at.name()) == "group") {
      cib.groups.push_back(ReadGroup(xml, at, defaults));
      primitives += cib.groups.back().members.size();
    } else if (std::string_view(at.attribute("class").value()) == "stonith") {
      cib.fence_devices.push_back(ReadFenceDevice(xml, at, cib));
    } else {
      Primitive alone = ReadPrimitive(xml, at, defaults);
      cib.groups.push_back(Group{alone.id, {std::move(alone)}});
      ++primitives;
    }
    if (primitives > kMaxPrimitives || cib.fence_devices.size() > kMaxFenceDevices) {
      xml.Fail(
          at,
          Cat("more than ", kMaxPrimitives, " primitives or ", kMaxFenceDevices, " fence devices"),
          "split the cluster");
    }
  }
}

}  // namespace fencepost::cib
