#include "fence-agents/dummy/table.h"

namespace fencepost::dummy {

using agent::Type;

agent::Spec DummySpec() {
  agent::Spec spec;
  spec.name = "fence_dummy";
  spec.shortdesc = "Fence agent for tests, whose machine is a file";
  spec.longdesc =
      "Switches nothing but the content of a file, for tests of what calls fence agents. It must "
      "not be configured for a real machine.";
  spec.vendor_url = "https://github.com/ClusterLabs/fence-agents";
  spec.needs_login = false;
  spec.parameters = {
      {.name = "status_file",
       .help = "File with the state: on or off. Without the file the state is not known.",
       .default_value = "/tmp/fence_dummy.status"},
      {.name = "type",
       .type = Type::kSelect,
       .help = "What the device is like. With file it works; with fail it takes commands but says "
               "that the state is unknown; with stuck it takes commands and stays as it is; with "
               "none nothing answers.",
       .default_value = "file",
       .choices = {"file", "fail", "stuck", "none"}},
      {.name = "random_sleep_range",
       .type = Type::kInteger,
       .help = "Each answer takes from 1 to this many seconds.",
       .long_name = "random_sleep_range",
       .low = 1,
       .high = 600},
  };
  return agent::BuildSpec(std::move(spec));
}

}  // namespace fencepost::dummy
