#include "fence-agents/scsi/table.h"

namespace fencepost::scsi {

using agent::Type;

namespace {

std::vector<agent::Parameter> Own() {
  return {
      {.name = "devices",
       .help = "The shared disks, all of them, with commas between them: /dev/... or "
               "iscsi://[user@]host[:port]/target/lun.",
       .short_option = 'd',
       .required = true},
      {.name = "plug",
       .help = "Node to shut out or to let in.",
       .short_option = 'n',
       .obsoletes = "port",
       .required = true},
      {.name = "key",
       .help = "Reservation key of plug, in hexadecimal. Unless said, it is made from its name.",
       .short_option = 'k'},
      {.name = "this_node",
       .help = "Name of the node that runs this. Unless said, that of the machine."},
      {.name = "own_key",
       .help = "Reservation key of this node, in hexadecimal. Unless said, it is made from its "
               "name."},
      {.name = "preempt_abort",
       .type = Type::kSelect,
       .help =
           "With auto, PREEMPT is used where the disk does not know PREEMPT AND ABORT: what is in "
           "flight may then still be written. With always that is a failure.",
       .default_value = "auto",
       .choices = {"auto", "always"}},
      {.name = "aptpl",
       .type = Type::kBoolean,
       .help = "Registrations survive a power loss of the disk.",
       .short_option = 'a',
       .default_value = "0"},
      {.name = "key_value",
       .type = Type::kSelect,
       .help = "How keys are made from names.",
       .default_value = "hash",
       .choices = {"hash"}},
      {.name = "initiator",
       .help = "Initiator name for iscsi:// disks. Unless said, it is made from this_node."},
      {.name = "chap_secret",
       .help = "CHAP secret of the user in iscsi:// disks.",
       .secret = true,
       .sourced = true},
  };
}

}  // namespace

agent::Spec ScsiSpec() {
  agent::Spec spec;
  spec.name = "fence_scsi";
  spec.shortdesc = "Fence agent that shuts a node out of shared disks by persistent reservations";
  spec.longdesc =
      "Takes a node's registration off the shared disks, on which a reservation keeps out who is "
      "not "
      "registered. The node keeps running and cannot write: something else must restart it. Off "
      "needs this node's own registration; a node that finds it gone was fenced itself and "
      "refuses. "
      "Disks are taken in one order everywhere, so that two nodes that shoot at each other meet on "
      "the first. On runs on the node itself and registers it on all disks. A disk given as "
      "/dev/... "
      "is reached through this machine's own session, whose writes the reservation then governs; a "
      "disk given as iscsi:// is reached by a session of this program's own.";
  spec.vendor_url = "https://www.t10.org";
  spec.needs_login = false;
  spec.fabric = true;
  spec.on_target = true;
  spec.on_always_acts = true;
  spec.parameters = Own();
  for (const char* name : {"corosync_cmap_path", "sg_persist_path", "sg_turs_path", "vgs_path"}) {
    spec.parameters.push_back(agent::Ignored(name));
  }
  spec.parameters.push_back(agent::Ignored("logfile", 'f'));
  spec.parameters.push_back(agent::IgnoredFlag("readonly"));
  spec.parameters.push_back(agent::IgnoredFlag("suppress_errors"));
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::scsi
