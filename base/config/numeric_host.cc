#include "base/config/numeric_host.h"

#include <arpa/inet.h>

#include <array>
#include <cstdint>

namespace fencepost::config {

std::optional<std::string> NumericHost(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string host(text);
  std::array<std::uint8_t, 16> raw{};
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, host.c_str(), raw.data()) != 1) continue;
    inet_ntop(family, raw.data(), canonical.data(), static_cast<socklen_t>(canonical.size()));
    return std::string(canonical.data());
  }
  return std::nullopt;
}

}  // namespace fencepost::config
