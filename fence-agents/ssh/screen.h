// What switches and hypervisors print, read.
//
// Promise: pure; any text gives rows or nothing. Columns are found by the header, not by counting
//          words: directors have one more. A line that does not fit its header is left out.
// Errors:  none: what is not understood is not there.
// Source:  FOS switchshow of fixed switches and directors; virsh list and domstate.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fencepost::ssh {

struct FabricPort {
  std::string index, slot, port;  // slot is empty on a fixed switch
  bool disabled = false;
  std::string comment{};  // what stands after the protocol: "F-Port 10:00:..."
  // What the switch takes as its name: "3", "2/3".
  [[nodiscard]] std::string Name() const { return slot.empty() ? port : slot + "/" + port; }
};
// nullopt when there is no table at all.
std::optional<std::vector<FabricPort>> ReadSwitchShow(std::string_view screen);

enum class DomainState { kOff, kOn };
// "shut off" is off; every other state that virsh knows is on (paused or crashed, it can be resumed
// or is still there); anything else is nothing.
std::optional<DomainState> ReadDomainState(std::string_view text);
struct DomainRow {
  std::string name;
  std::optional<DomainState> state;
};
std::vector<DomainRow> ReadDomainList(std::string_view screen);

// "3", "2/3".
bool IsPortName(std::string_view text);
// Letters, digits and ._:+@-, not beginning with a minus.
bool IsDomainName(std::string_view text);

}  // namespace fencepost::ssh
