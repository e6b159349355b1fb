// What a switch or a hypervisor prints over SSH: a port is called disabled, and a guest off, only
// where the very words stand on the screen.
#include "base/check.h"
#include "fence-agents/ssh/screen.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view screen(reinterpret_cast<const char*>(data), size);
  if (const auto ports = ssh::ReadSwitchShow(screen)) {
    for (const ssh::FabricPort& port : *ports) {
      FENCEPOST_CHECK(ssh::IsPortName(port.Name()) || port.Name().size() > 4);
      FENCEPOST_CHECK(!port.disabled || screen.find("Disabled") != std::string_view::npos);
    }
  }
  for (const ssh::DomainRow& row : ssh::ReadDomainList(screen)) {
    FENCEPOST_CHECK(row.state != ssh::DomainState::kOff ||
                    screen.find("shut") != std::string_view::npos);
  }
  if (ssh::ReadDomainState(screen) == ssh::DomainState::kOff) {
    FENCEPOST_CHECK(screen.find("shut off") != std::string_view::npos);
  }
  return 0;
}
