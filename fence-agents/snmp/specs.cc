#include "fence-agents/snmp/specs.h"

#include "fence-agents/snmp/outlets.h"
#include "fence-agents/snmp/settings.h"

namespace fencepost::snmp {
namespace {

agent::Spec Family(std::string name, std::string shortdesc, std::string longdesc,
                   std::string vendor_url, const std::string& version) {
  agent::Spec spec;
  spec.name = std::move(name);
  spec.shortdesc = std::move(shortdesc);
  spec.longdesc = std::move(longdesc);
  spec.vendor_url = std::move(vendor_url);
  spec.has_plugs = true;
  spec.password_optional = true;
  spec.parameters = SnmpParameters(version);
  return spec;
}

agent::Parameter Model(const std::vector<OutletFamily>& families) {
  agent::Parameter model = {
      .name = "model",
      .type = agent::Type::kSelect,
      .help = "Which of its outlet tables the unit has. Unless said, its sysObjectID decides.",
  };
  for (const OutletFamily& f : families) model.choices.push_back(f.model);
  return model;
}

constexpr const char* kNeverUnknown =
    " Success means that the unit was seen to report the new state twice in a row after the "
    "command. A state that its table does not know is a failure, never off. There is no default "
    "community.";

}  // namespace

agent::Spec ApcSpec() {
  agent::Spec spec = Family("fence_apc_snmp", "Fence agent for APC and Tripp Lite PDUs over SNMP",
                            std::string("Switches outlets of APC rack PDUs (both generations), "
                                        "MasterSwitch and MasterSwitch Plus, and of Tripp Lite "
                                        "PDUs.") +
                                kNeverUnknown,
                            "https://www.apc.com", "1");
  spec.parameters.push_back(Model(ApcFamilies()));
  spec.parameters.push_back({.name = "switch",
                             .type = agent::Type::kInteger,
                             .help = "Switch of a plug that names none, where units have several; "
                                     "or say plug=SWITCH:PLUG.",
                             .short_option = 's',
                             .default_value = "1",
                             .low = 1,
                             .high = 64});
  return agent::BuildSpec(std::move(spec));
}

agent::Spec EatonSpec() {
  agent::Spec spec = Family("fence_eaton_snmp", "Fence agent for Eaton PDUs over SNMP",
                            std::string("Switches outlets of Eaton managed, switched, G2 and G3 "
                                        "ePDUs. Plugs count from 1 in all of them.") +
                                kNeverUnknown,
                            "https://www.eaton.com", "1");
  spec.defaults["power_wait"] = "2";
  spec.parameters.push_back(Model(EatonFamilies()));
  return agent::BuildSpec(std::move(spec));
}

agent::Spec RaritanSpec() {
  agent::Spec spec =
      Family("fence_raritan", "Fence agent for Raritan PX PDUs over SNMP",
             std::string("Switches outlets of Raritan Dominion PX, PX2 and PX3.") + kNeverUnknown,
             "https://www.raritan.com", "");
  spec.parameters.push_back(Model(RaritanFamilies()));
  spec.parameters.push_back(agent::Ignored("telnet_path"));
  return agent::BuildSpec(std::move(spec));
}

agent::Spec InterfaceSpec() {
  agent::Spec spec = Family(
      "fence_ifmib", "Fence agent for ports of switches that speak IF-MIB",
      "Takes a machine's switch ports down, so that it reaches neither its storage nor its peers. "
      "The machine keeps running. A plug is an interface number, or the exact name, description or "
      "alias of one interface; names are better, for numbers may change when a switch restarts. A "
      "port is off when it is commanded down and seen down. All ports of a machine belong into one "
      "plug list. There is no default community.",
      "https://www.rfc-editor.org/rfc/rfc2863", "2c");
  spec.fabric = true;
  return agent::BuildSpec(std::move(spec));
}

agent::Spec MdsSpec() {
  agent::Spec spec = Family(
      "fence_cisco_mds", "Fence agent for Cisco MDS fibre channel switches",
      "Takes a machine's fibre channel ports offline, so that it reaches its storage no more. The "
      "machine keeps running. A plug is a port, fcSLOT/PORT. A port is off when it is commanded "
      "offline and seen offline. All ports of a machine, on all fabrics, must be cut. There is no "
      "default community.",
      "https://www.cisco.com", "");
  spec.fabric = true;
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::snmp
