#include "fence-agents/ipmilan/presence.h"

#include <array>

namespace fencepost::ipmilan {

agent::Presence AskPresence(const agent::Address& address, std::uint16_t port) {
  // RMCP header (version 6, no acknowledgement, class ASF), then an ASF presence ping: enterprise
  // 4542, type 80h, tag 0.
  constexpr std::array<std::uint8_t, 12> kPing{6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x80, 0, 0, 0};
  return agent::AskOnce(address, port, kPing, kPresenceLimitMs);
}

}  // namespace fencepost::ipmilan
