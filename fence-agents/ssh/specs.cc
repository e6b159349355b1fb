#include "fence-agents/ssh/specs.h"

namespace fencepost::ssh {

using agent::Type;

namespace {

std::vector<agent::Parameter> Where() {
  return {
      {.name = "ip",
       .help = "Address or name of the device. An address needs no name server.",
       .short_option = 'a',
       .obsoletes = "ipaddr",
       .required = true},
      {.name = "ipport",
       .type = Type::kInteger,
       .help = "TCP port of its ssh.",
       .short_option = 'u',
       .default_value = "22",
       .low = 1,
       .high = 65535},
      {.name = "identity_file",
       .help = "Private key to log in with; password is then its passphrase, if it has one.",
       .short_option = 'k'},
      {.name = "ssh",
       .type = Type::kBoolean,
       .help = "Without effect: it is always ssh.",
       .short_option = 'x',
       .obsoletes = "secure",
       .default_value = "1"},
      {.name = "known_hosts_file",
       .help = "File with the host keys of devices, instead of ssh's own files."},
      {.name = "host_key",
       .help = "Fingerprint of the device's host key, SHA256:..., instead of a file."},
  };
}

std::vector<agent::Parameter> Old() {
  std::vector<agent::Parameter> out = {
      agent::Ignored("command_prompt", 'c', "cmd_prompt"),
      agent::Ignored("ssh_options"),
      agent::Ignored("ssh_path"),
      agent::IgnoredFlag("inet4_only", '4'),
      agent::IgnoredFlag("inet6_only", '6'),
  };
  return out;
}

agent::Spec Family() {
  agent::Spec spec;
  spec.has_plugs = true;
  spec.username_required = true;
  spec.password_optional = true;  // a key may stand for it
  spec.parameters = Where();
  for (agent::Parameter& p : Old()) spec.parameters.push_back(std::move(p));
  return spec;
}

}  // namespace

agent::Spec BrocadeSpec() {
  agent::Spec spec = Family();
  spec.name = "fence_brocade";
  spec.shortdesc = "Fence agent for Brocade fibre channel switches over ssh";
  spec.longdesc =
      "Disables a machine's ports of a Brocade switch, so that it reaches its storage no more. The "
      "machine keeps running. A plug is a port as switchshow names it: N on a fixed switch, "
      "SLOT/PORT or the index on a director. A port is off when switchshow says that it is "
      "disabled. All ports of a machine, on all fabrics, must be cut. The switch's host key must "
      "be "
      "known.";
  spec.vendor_url = "https://www.broadcom.com/products/fibre-channel-networking";
  spec.fabric = true;
  spec.parameters.push_back({.name = "persistent",
                             .type = Type::kBoolean,
                             .help = "Disable the port so that it stays disabled when the switch "
                                     "restarts.",
                             .default_value = "1"});
  spec.parameters.push_back(agent::Ignored("telnet_path"));
  return agent::BuildSpec(std::move(spec));
}

agent::Spec VirshSpec() {
  agent::Spec spec = Family();
  spec.name = "fence_virsh";
  spec.shortdesc = "Fence agent for guests of libvirt, by virsh over ssh";
  spec.longdesc =
      "Destroys and starts guests by virsh on their host. A plug is a guest's name or UUID. A "
      "guest "
      "is off when virsh domstate says that it is shut off; paused and crashed guests are on. The "
      "host's key must be known.";
  spec.vendor_url = "https://libvirt.org";
  spec.parameters.push_back({.name = "missing_as_off",
                             .type = Type::kBoolean,
                             .help =
                                 "A guest that the host does not know is off. Only where guests "
                                 "cannot be on another host.",
                             .default_value = "0"});
  spec.parameters.push_back({.name = "use_sudo",
                             .type = Type::kBoolean,
                             .help = "Run virsh by sudo, which must ask for no password.",
                             .obsoletes = "sudo",
                             .default_value = "0"});
  spec.parameters.push_back(
      {.name = "sudo_path", .help = "Path of sudo there.", .default_value = "/usr/bin/sudo"});
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::ssh
