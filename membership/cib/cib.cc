#include "membership/cib/cib.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "membership/cib/fence_devices.h"
#include "membership/cib/resources.h"
#include "membership/cib/rules.h"
#include "membership/cib/values.h"
#include "membership/cib/xml.h"

namespace fencepost::cib {
namespace {

std::uint32_t ReadCounter(Xml& xml, pugi::xml_node at, const char* attribute) {
  if (!at.attribute(attribute)) return 0;
  const auto value =
      ParseInt(at.attribute(attribute).value(), 0, std::numeric_limits<std::int32_t>::max());
  if (!value) {
    xml.Fail(at, Cat(attribute, "=\"", at.attribute(attribute).value(), "\" is no number"),
             "write 0 or more");
  }
  return static_cast<std::uint32_t>(value.value_or(0));
}

// An option whose other values Pacemaker knows and we do not.
void RequireValue(Xml& xml, const NvPair& pair, std::string_view only) {
  if (pair.value != only) {
    xml.FailPair(pair, "not supported", Cat("write ", only, " or remove it"));
  }
}

bool ReadBool(Xml& xml, const NvPair& pair) {
  const auto value = ParseBool(pair.value);
  if (!value) xml.FailPair(pair, "neither true nor false", "write true or false");
  return value.value_or(false);
}

// Pacemaker's tools write these for information; they ask for nothing.
bool IsInformation(std::string_view option) {
  return option == "cluster-name" || option == "cluster-infrastructure" || option == "dc-version" ||
         option == "have-watchdog" || option == "last-lrm-refresh";
}

void ReadOption(Xml& xml, const NvPair& pair, Cib& cib) {
  if (pair.name == "stonith-enabled") {
    cib.stonith_enabled = ReadBool(xml, pair);
  } else if (pair.name == "start-failure-is-fatal") {
    cib.start_failure_is_fatal = ReadBool(xml, pair);
  } else if (pair.name == "stonith-action") {
    if (pair.value != "reboot" && pair.value != "off") {
      xml.FailPair(pair, "not supported", "write reboot or off");
    }
    cib.stonith_action = pair.value == "off" ? FenceAction::kOff : FenceAction::kReboot;
  } else if (pair.name == "stonith-timeout") {
    const auto time = ParseTime(pair.value);
    if (!time || *time == Duration{}) xml.FailPair(pair, "no time", "write one such as 60s");
    cib.stonith_timeout = time.value_or(Duration{});
  } else if (pair.name == "no-quorum-policy") {
    RequireValue(xml, pair, "stop");
  } else if (pair.name == "symmetric-cluster") {
    RequireValue(xml, pair, "true");
  } else if (!IsInformation(pair.name)) {
    xml.Fail(pair.at, Cat("cluster option ", pair.name, " is not supported"),
             "remove it; docs/cib.md lists what is understood");
  }
}

void ReadNode(Xml& xml, pugi::xml_node at, Cib& cib) {
  xml.AllowAttributes(at, {"id", "uname", "type", "description"});
  xml.AllowChildren(at, {"instance_attributes"});
  const std::string number = xml.Required(at, "id");
  const auto id = ParseInt(number, 1, kMaxNodes);
  CibNode node{NodeId(static_cast<std::uint8_t>(id.value_or(0))), xml.Required(at, "uname"), false};
  if (!id) {
    xml.Fail(at, Cat("node id=\"", number, "\" is not a number from 1 to ", kMaxNodes),
             "use the number that the node has in fencepost.toml");
  }
  if (!IsName(node.name)) {
    xml.Fail(at, Cat("uname=\"", node.name, "\" is not a node's name"), "use its host name");
  }
  if (at.attribute("type") && std::string_view(at.attribute("type").value()) != "member") {
    xml.Fail(at, Cat("node type=\"", at.attribute("type").value(), "\" is not supported"),
             "write member or remove it");
  }
  for (const CibNode& other : cib.nodes) {
    if (other.id == node.id || other.name == node.name) {
      xml.Fail(at,
               Cat("node ", node.id, " \"", node.name, "\" has the id or name of node ", other.id,
                   " \"", other.name, "\""),
               "give each node its own");
    }
  }
  for (const NvPair& pair : xml.Pairs(at, "instance_attributes")) {
    if (pair.name == kStandbyAttribute) {
      node.standby = ReadBool(xml, pair);
    } else if (const auto why = WhyNotAttributeName(pair.name)) {
      xml.Fail(pair.at, Cat("node attribute \"", pair.name, "\" ", *why),
               "remove it, or give it another name");
    } else if (const auto unfit = WhyNotAttributeValue(pair.value)) {
      xml.Fail(pair.at, Cat("the value of node attribute ", pair.name, " ", *unfit), "shorten it");
    } else {
      node.attributes[pair.name] = pair.value;
    }
  }
  cib.nodes.push_back(std::move(node));
}

void ReadNodes(Xml& xml, pugi::xml_node nodes, pugi::xml_node configuration, Cib& cib) {
  xml.AllowAttributes(nodes, {});
  xml.AllowChildren(nodes, {"node"});
  for (const pugi::xml_node node : nodes.children("node")) {
    if (xml.Failed()) return;
    ReadNode(xml, node, cib);
  }
  if (cib.nodes.empty()) {
    xml.Fail(nodes ? nodes : configuration, "there are no nodes",
             "add <nodes><node id=\"1\" uname=\"...\"/>...</nodes>");
  }
  std::sort(cib.nodes.begin(), cib.nodes.end(),
            [](const CibNode& a, const CibNode& b) { return a.id < b.id; });
}

bool HasResource(const Cib& cib, std::string_view id) {
  return std::any_of(cib.groups.begin(), cib.groups.end(), [&](const Group& group) {
    return group.id == id || std::any_of(group.members.begin(), group.members.end(),
                                         [&](const Primitive& p) { return p.id == id; });
  });
}

void ReadPlainLocation(Xml& xml, pugi::xml_node at, const Cib& cib, Location& location) {
  const std::string node = xml.Required(at, "node");
  const std::string score_text = xml.Required(at, "score");
  if (xml.Failed()) return;
  const auto id = FindNode(cib, node);
  const auto score = ParseScore(score_text);
  if (!id) {
    xml.Fail(at, Cat("node=\"", node, "\" is none of the <nodes>"), "use the uname of a node");
  } else if (!score) {
    xml.Fail(at, Cat("score=\"", score_text, "\" is no score"),
             "write a number, INFINITY or -INFINITY");
  } else {
    location.node = *id;
    location.score = *score;
  }
}

void ReadLocation(Xml& xml, pugi::xml_node at, Cib& cib, RuleCount& count) {
  xml.AllowAttributes(at, {"id", "rsc", "node", "score"});
  xml.AllowChildren(at, {"rule"});
  Location location{xml.UniqueId(at), xml.Required(at, "rsc"), NodeId(), 0};
  if (xml.Failed()) return;
  if (!HasResource(cib, location.resource)) {
    xml.Fail(at, Cat("rsc=\"", location.resource, "\" is no primitive of class ocf and no group"),
             "use the id of one");
  } else if (cib.locations.size() == kMaxLocations) {
    xml.Fail(at, Cat("there are more than ", kMaxLocations, " constraints"), "remove some");
  } else if (!at.child("rule")) {
    ReadPlainLocation(xml, at, cib, location);
  } else if (at.attribute("node") || at.attribute("score")) {
    xml.Fail(at, Cat("constraint ", location.id, " has rules, and a node or score of its own"),
             "write node and score, or rules with their scores");
  }
  for (const pugi::xml_node rule : at.children("rule")) {
    if (!xml.Failed()) location.rules.push_back(ReadLocationRule(xml, rule, count));
  }
  if (!xml.Failed()) cib.locations.push_back(std::move(location));
}

void ReadConfiguration(Xml& xml, pugi::xml_node at, Cib& cib) {
  xml.AllowAttributes(at, {});
  xml.AllowChildren(
      at, {"crm_config", "nodes", "resources", "constraints", "rsc_defaults", "fencing-topology"});
  const pugi::xml_node options = xml.OnlyChild(at, "crm_config");
  xml.AllowAttributes(options, {});
  xml.AllowChildren(options, {"cluster_property_set"});
  for (const NvPair& pair : xml.Pairs(options, "cluster_property_set")) ReadOption(xml, pair, cib);

  const pugi::xml_node defaults = xml.OnlyChild(at, "rsc_defaults");
  xml.AllowAttributes(defaults, {});
  xml.AllowChildren(defaults, {"meta_attributes"});
  const Meta meta = ReadMeta(xml, defaults, Meta{});

  ReadNodes(xml, xml.OnlyChild(at, "nodes"), at, cib);
  if (xml.Failed()) return;
  ReadResources(xml, xml.OnlyChild(at, "resources"), meta, cib);
  if (xml.Failed()) return;
  ReadTopology(xml, xml.OnlyChild(at, "fencing-topology"), cib);
  const pugi::xml_node constraints = xml.OnlyChild(at, "constraints");
  xml.AllowAttributes(constraints, {});
  xml.AllowChildren(constraints, {"rsc_location"});
  RuleCount count;
  for (const pugi::xml_node location : constraints.children("rsc_location")) {
    if (xml.Failed()) return;
    ReadLocation(xml, location, cib, count);
  }
}

void ReadRoot(Xml& xml, pugi::xml_node root, Cib& cib) {
  if (std::string_view(root.name()) != "cib") {
    xml.Fail(root, Cat("the root element is <", root.name(), ">"), "it must be <cib>");
    return;
  }
  xml.AllowAttributes(
      root, {"admin_epoch", "epoch", "num_updates", "validate-with", "crm_feature_set",
             "cib-last-written", "update-origin", "update-client", "update-user", "have-quorum",
             "dc-uuid", "execution-date"});
  xml.AllowChildren(root, {"configuration", "status"});
  cib.version = {ReadCounter(xml, root, "admin_epoch"), ReadCounter(xml, root, "epoch"),
                 ReadCounter(xml, root, "num_updates")};
  const pugi::xml_node status = xml.OnlyChild(root, "status");
  if (status.first_child()) {
    xml.Fail(status, "<status> is not configuration", "remove what is in it");
  }
  const pugi::xml_node configuration = xml.OnlyChild(root, "configuration");
  if (!configuration) {
    xml.Fail(root, "<cib> has no <configuration>", "add one");
    return;
  }
  if (!xml.Failed()) ReadConfiguration(xml, configuration, cib);
}

}  // namespace

Result<Cib> ParseCib(std::string_view text, std::string_view name) {
  Xml xml(text, name);
  Cib cib;
  const pugi::xml_node root = xml.Load();
  if (!xml.Failed()) ReadRoot(xml, root, cib);
  if (xml.Failed()) return xml.error();
  return cib;
}

}  // namespace fencepost::cib
