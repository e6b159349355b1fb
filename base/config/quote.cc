#include "base/config/quote.h"

#include "base/text.h"

namespace fencepost::config {

std::string Printable(std::string_view text, std::size_t limit) {
  std::size_t end = text.size() < limit ? text.size() : limit;
  while (end > 0 && end < text.size() && (text[end] & 0xC0) == 0x80) --end;  // whole UTF-8 only
  std::string out;
  for (const char c : text.substr(0, end)) {
    out += static_cast<unsigned char>(c) >= 0x20 && c != 0x7f ? c : '?';
  }
  return out + (text.size() > limit ? "…" : "");
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMaxQuoted = 80;
  return Cat("\"", Printable(text, kMaxQuoted), "\"");
}

}  // namespace fencepost::config
