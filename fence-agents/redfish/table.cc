#include "fence-agents/redfish/table.h"

namespace fencepost::redfish {

using agent::Type;

namespace {

std::vector<agent::Parameter> WhereTheServiceIs() {
  return {
      {.name = "ip",
       .help = "Address or name of the BMC. Its certificate must bear what stands here.",
       .short_option = 'a',
       .obsoletes = "ipaddr"},
      {.name = "ipport",
       .type = Type::kInteger,
       .help = "TCP port of the BMC.",
       .short_option = 'u',
       .default_value = "443",
       .low = 1,
       .high = 65535},
      {.name = "plug",
       .help = "Address of the BMC when port_as_ip is set; else without effect.",
       .short_option = 'n',
       .obsoletes = "port"},
      {.name = "port_as_ip",
       .type = Type::kBoolean,
       .help = "Take the address from plug.",
       .default_value = "0"},
      {.name = "redfish_uri", .help = "Path of the service root.", .default_value = "/redfish/v1"},
      {.name = "systems_uri",
       .help = "Path of the machine, as /redfish/v1/Systems/1. Needed when the BMC has several."},
  };
}

std::vector<agent::Parameter> HowItIsTrusted() {
  return {
      {.name = "ssl",
       .type = Type::kBoolean,
       .help = "TLS. Without it the password crosses the network as it is.",
       .short_option = 'z',
       .default_value = "1"},
      {.name = "ssl_secure",
       .type = Type::kBoolean,
       .help = "Without effect: the certificate is checked unless ssl_insecure says otherwise.",
       .default_value = "1"},
      {.name = "ssl_insecure",
       .type = Type::kBoolean,
       .help = "Do not check the certificate: whoever answers gets the password.",
       .default_value = "0"},
      {.name = "ssl_ca_file",
       .help = "Certificates (PEM) to trust instead of the system's: the BMC's own, or its CA."},
  };
}

}  // namespace

agent::Spec RedfishSpec() {
  agent::Spec spec;
  spec.name = "fence_redfish";
  spec.shortdesc = "Fence agent for machines with a Redfish management controller (BMC)";
  spec.longdesc =
      "Powers a machine off, on, or off and on again through its BMC, by ResetType ForceOff and "
      "On. "
      "Success means that the BMC was seen to report the new PowerState twice in a row after the "
      "command. ForceRestart and the like are never used, because nobody can observe that the "
      "machine was off. The certificate is checked. A session is opened once a run and closed at "
      "its end.";
  spec.vendor_url = "https://www.dmtf.org/standards/redfish";
  spec.username_required = true;
  spec.parameters = WhereTheServiceIs();
  for (const agent::Parameter& p : HowItIsTrusted()) spec.parameters.push_back(p);
  spec.parameters.push_back(agent::Ignored("gnutlscli_path"));
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::redfish
