#include "fence-agents/ipmilan/table.h"

namespace fencepost::ipmilan {

using agent::Type;

namespace {

std::vector<agent::Parameter> WhereTheBmcIs() {
  return {
      {.name = "ip",
       .help = "Address or name of the BMC. An address needs no name server.",
       .short_option = 'a',
       .obsoletes = "ipaddr"},
      {.name = "ipport",
       .type = Type::kInteger,
       .help = "UDP port of the BMC.",
       .short_option = 'u',
       .default_value = "623",
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
  };
}

std::vector<agent::Parameter> HowItIsSpokenTo() {
  return {
      {.name = "privlvl",
       .type = Type::kSelect,
       .help = "Privilege of the session. Unless said, operator is asked for first, then "
               "administrator if the BMC refuses.",
       .short_option = 'L',
       .choices = {"callback", "user", "operator", "administrator"}},
      {.name = "cipher",
       .type = Type::kSelect,
       .help = "Cipher suite. Suites 2 and 3 prove each packet; 0 and 1 do not, and are refused.",
       .short_option = 'C',
       .default_value = "3",
       .choices = {"2", "3"}},
      {.name = "hexadecimal_kg",
       .help = "Key of the BMC (Kg), up to 40 hexadecimal digits.",
       .secret = true},
      {.name = "lanplus",
       .type = Type::kBoolean,
       .help = "Without effect: sessions are always RMCP+ (lanplus).",
       .short_option = 'P',
       .default_value = "1"},
      {.name = "method",
       .type = Type::kSelect,
       .help = "onoff. With cycle, reboot is still off, proved, then on.",
       .short_option = 'm',
       .default_value = "onoff",
       .choices = {"onoff", "cycle"}},
      {.name = "target",
       .help = "Bridged address of another controller.",
       .refused = "bridging to another controller is not supported, and without it the wrong "
                  "machine would be switched"},
  };
}

}  // namespace

agent::Spec IpmilanSpec() {
  agent::Spec spec;
  spec.name = "fence_ipmilan";
  spec.shortdesc = "Fence agent for machines with an IPMI 2.0 management controller (BMC)";
  spec.longdesc =
      "Powers a machine off, on, or off and on again through its BMC, by an authenticated and "
      "encrypted RMCP+ session. Success means that the BMC was seen to report the new state twice "
      "in a row after the command. The BMC's own cycle and reset commands are never used, because "
      "nobody can observe that the machine was off.";
  spec.vendor_url = "https://www.intel.com/content/www/us/en/servers/ipmi/ipmi-home.html";
  spec.defaults = {{"power_wait", "2"}};
  spec.parameters = WhereTheBmcIs();
  for (const agent::Parameter& p : HowItIsSpokenTo()) spec.parameters.push_back(p);
  for (const char* name : {"ipmitool_path", "ipmitool_timeout", "sudo_path"}) {
    spec.parameters.push_back(agent::Ignored(name));
  }
  spec.parameters.push_back(agent::Ignored("auth", 'A'));
  spec.parameters.push_back(agent::IgnoredFlag("use_sudo", 0, "sudo"));
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::ipmilan
