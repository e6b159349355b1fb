#include "base/config/quote.h"

namespace fencepost::config {

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::size_t end = text.size() < kMaxShown ? text.size() : kMaxShown;
  while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;  // whole UTF-8 only
  std::string out = "\"";
  for (const char c : text.substr(0, end)) {
    out += static_cast<unsigned char>(c) >= 0x20 && c != 0x7f ? c : '?';
  }
  return out + (text.size() > kMaxShown ? "…\"" : "\"");
}

}  // namespace fencepost::config
