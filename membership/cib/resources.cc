#include "membership/cib/resources.h"

#include <algorithm>

#include "base/text.h"
#include "membership/cib/fence_devices.h"
#include "membership/cib/values.h"

namespace fencepost::cib {
namespace {

constexpr Duration kDefaultOperationTime = std::chrono::seconds(20);  // Pacemaker's

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
  primitive.needs = meta.Needs();
  ReadOperations(xml, at, primitive);
  return primitive;
}

// Pacemaker's word for what must have been done to a lost node. Its "nothing" asks for starts
// without a quorum, and there are none here.
void ReadRequires(Xml& xml, const NvPair& pair, Meta& meta) {
  if (pair.value == "fencing") {
    meta.requirement = {true, false, false};
  } else if (pair.value == "unfencing") {
    meta.requirement = {false, true, false};
  } else if (pair.value == "quorum") {
    meta.requirement = {};
  } else {
    xml.FailPair(pair, "not supported", "write fencing, unfencing or quorum");
  }
}

// "storage,network"
void ReadNeeds(Xml& xml, const NvPair& pair, Meta& meta) {
  Coverage needs;
  for (const std::string& word : Split(pair.value, ',')) {
    if (word == "node") {
      needs.node = true;
    } else if (word == "storage") {
      needs.storage = true;
    } else if (word == "network") {
      needs.network = true;
    } else {
      return xml.FailPair(pair, "not known",
                          "write node, storage, network or storage,network: what a lost node must "
                          "have lost");
    }
  }
  meta.scope = needs;
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

std::string RequiredName(Xml& xml, pugi::xml_node at, const char* attribute) {
  std::string value = xml.Required(at, attribute);
  if (!value.empty() && !IsName(value)) {
    xml.Fail(at, Cat(attribute, "=\"", value, "\" is not the name of an agent"),
             "use its file's name, without a path");
  }
  return value;
}

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
    } else if (pair.name == "requires") {
      ReadRequires(xml, pair, meta);
    } else if (pair.name == "fencepost_scope") {
      ReadNeeds(xml, pair, meta);
    } else {
      xml.Fail(pair.at, Cat("meta attribute ", pair.name, " is not supported"),
               "remove it; understood are: resource-stickiness, migration-threshold, target-role, "
               "requires, fencepost_scope");
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
