#include "fence-agents/fence_node/cluster_conf.h"

#include <algorithm>

#include "base/text.h"
#include "membership/cib/values.h"
#include "membership/cib/xml.h"

namespace fencepost::fence_node {
namespace {

using cib::Xml;

// What RHCS itself takes from a line; the rest is the agent's.
bool IsForRhcs(std::string_view name) {
  return name == "name" || name == "agent" || name == "action" || name == "option";
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view file) : xml_(text, file) {}

  Result<ClusterConf> Read() {
    const pugi::xml_node root = xml_.Load();
    if (!xml_.Failed() && std::string_view(root.name()) != "cluster") {
      xml_.Fail(root, Cat("the root element is <", root.name(), ">"), "cluster.conf has <cluster>");
    }
    if (!xml_.Failed()) ReadCluster(root);
    if (xml_.Failed()) return xml_.error();
    return std::move(out_);
  }

 private:
  void ReadCluster(pugi::xml_node root) {
    out_.name = root.attribute("name").value();
    devices_ = root.child("fencedevices");
    for (const pugi::xml_node node : root.child("clusternodes").children("clusternode")) {
      if (xml_.Failed()) return;
      ReadNode(node);
    }
    if (out_.cib.nodes.empty()) xml_.Fail(root, "there are no <clusternode>s", "add them");
  }

  void ReadNode(pugi::xml_node at) {
    CibNode node;
    node.name = xml_.Required(at, "name");
    const std::string number = xml_.Required(at, "nodeid");
    const auto id = ParseInt(number, 1, kMaxNodes);
    if (!id || !cib::IsName(node.name)) {
      xml_.Fail(at, Cat("node \"", node.name, "\" with nodeid=\"", number, "\""),
                Cat("a host name, and a number from 1 to ", kMaxNodes));
      return;
    }
    node.id = NodeId(static_cast<std::uint8_t>(*id));
    for (const CibNode& other : out_.cib.nodes) {
      if (other.id != node.id && other.name != node.name) continue;
      xml_.Fail(at, Cat("node ", node.name, " has the name or nodeid of ", other.name),
                "give each node its own");
      return;
    }
    out_.cib.nodes.push_back(node);
    int index = 0;
    bool switches_on = false, switches_off = false;
    for (const pugi::xml_node method : at.child("fence").children("method")) {
      if (++index > kMaxMethods) {
        xml_.Fail(method, Cat("more than ", kMaxMethods, " methods"), "remove some");
        return;
      }
      ReadMethod(method, node.id, index, &switches_on, &switches_off);
    }
    const bool only_off = switches_off && !switches_on;
    out_.actions[node.id] = only_off ? FenceAction::kOff : FenceAction::kReboot;
    for (const pugi::xml_node line : at.child("unfence").children("device")) {
      if (auto device = ReadDevice(line, node.id)) out_.unfence[node.id].push_back(*device);
    }
  }

  void ReadMethod(pugi::xml_node method, NodeId node, int index, bool* switches_on,
                  bool* switches_off) {
    FenceLevel level{Cat("method-", index), node, index, {}};
    int lines = 0;
    for (const pugi::xml_node line : method.children("device")) {
      if (++lines > kMaxMethodDevices) {
        xml_.Fail(line, Cat("more than ", kMaxMethodDevices, " devices"), "use another method");
        return;
      }
      const std::string_view action = line.attribute("action").value();
      *switches_on = *switches_on || action != "off";
      *switches_off = *switches_off || action == "off";
      if (action == "on") continue;
      auto device = ReadDevice(line, node);
      if (!device) return;
      const std::string id = Enter(std::move(*device), node, level);
      if (std::find(level.devices.begin(), level.devices.end(), id) == level.devices.end()) {
        level.devices.push_back(id);
      }
    }
    if (!level.devices.empty()) out_.cib.fence_levels.push_back(std::move(level));
  }

  std::optional<FenceDevice> ReadDevice(pugi::xml_node line, NodeId node) {
    const std::string name = xml_.Required(line, "name");
    const pugi::xml_node common =
        devices_.find_child_by_attribute("fencedevice", "name", name.c_str());
    if (!common) {
      xml_.Fail(line, Cat("device \"", name, "\" is none of the <fencedevices>"),
                "define it there");
      return std::nullopt;
    }
    FenceDevice device;
    device.id = name;
    device.agent = xml_.Required(common, "agent");
    if (!cib::IsName(device.agent)) {
      xml_.Fail(common, Cat("agent=\"", device.agent, "\" is not the name of an agent"),
                "use its file's name, without a path");
    }
    for (const pugi::xml_node from : {line, common}) {  // the later one wins
      for (const pugi::xml_attribute a : from.attributes()) {
        if (!IsForRhcs(a.name())) device.parameters[a.name()] = a.value();
      }
    }
    std::string plug;
    for (const char* parameter : {"port", "plug"}) {
      const auto it = device.parameters.find(parameter);
      if (it == device.parameters.end()) continue;
      plug = it->second;
      device.parameters.erase(it);
    }
    device.targets[node] = plug;
    if (xml_.Failed()) return std::nullopt;
    return device;
  }

  // One device of the cluster for lines that differ in nothing but node and plug.
  std::string Enter(FenceDevice device, NodeId node, const FenceLevel& level) {
    const std::string plug = device.targets.at(node), name = device.id;
    for (int i = 1;; ++i) {
      device.id = i == 1 ? name : Cat(name, "#", i);
      const auto known = std::find_if(out_.cib.fence_devices.begin(), out_.cib.fence_devices.end(),
                                      [&](const FenceDevice& d) { return d.id == device.id; });
      if (known == out_.cib.fence_devices.end()) {
        out_.cib.fence_devices.push_back(device);
        return device.id;
      }
      if (known->parameters != device.parameters || known->agent != device.agent) continue;
      const auto before = known->targets.find(node);
      if (before == known->targets.end()) {
        known->targets[node] = plug;
        return device.id;
      }
      if (before->second == plug) return device.id;
      const bool same_method =
          std::find(level.devices.begin(), level.devices.end(), device.id) != level.devices.end();
      if (!same_method) continue;  // another method's outlet
      before->second += Cat(",", plug);
      return device.id;
    }
  }

  Xml xml_;
  pugi::xml_node devices_;
  ClusterConf out_;
};

}  // namespace

Result<ClusterConf> ParseClusterConf(std::string_view text, std::string_view file) {
  return Reader(text, file).Read();
}

}  // namespace fencepost::fence_node
