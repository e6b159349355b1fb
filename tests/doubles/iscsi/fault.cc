#include "tests/doubles/iscsi/fault.h"

#include <charconv>
#include <utility>
#include <vector>

#include "base/text.h"

namespace fencepost::doubles {
namespace {

using On = Fault::On;
using Act = Fault::Act;

constexpr std::pair<std::string_view, On> kOns[] = {
    {"any", On::kAny},         {"read", On::kRead},           {"write", On::kWrite},
    {"compare", On::kCompare}, {"reset", On::kReset},         {"reserve-out", On::kReserveOut},
    {"login", On::kLogin},     {"reserve-in", On::kReserveIn}};

struct ActWord {
  std::string_view word;
  Act act;
  int numbers;  // that follow it
  int base;
};
constexpr ActWord kActs[] = {{"delay", Act::kDelay, 1, 10},   {"late", Act::kLate, 1, 10},
                             {"drop", Act::kDrop, 0, 10},     {"error", Act::kError, 2, 16},
                             {"status", Act::kStatus, 1, 16}, {"tear", Act::kTear, 1, 10},
                             {"lose", Act::kLose, 0, 10},     {"shift", Act::kShift, 1, 10},
                             {"stale", Act::kStale, 0, 10},   {"close", Act::kClose, 0, 10}};

Error Wrong(std::string_view word) {
  return {Cat("'", word, "'"), "is not understood in a fault", "see tests/doubles/iscsi/fault.h"};
}

template <class Number>
bool Parse(std::string_view text, int base, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool Option(std::string_view word, Fault& out) {
  const std::size_t sign = word.find('=');
  if (sign == std::string_view::npos) return false;
  const std::string_view name = word.substr(0, sign), value = word.substr(sign + 1);
  if (name == "count") return Parse(value, 10, out.left) && out.left >= 0;
  if (name == "skip") return Parse(value, 10, out.skip) && out.skip >= 0;
  if (name == "from") {
    out.from = value;
    return !value.empty();
  }
  const std::size_t dash = value.find('-');
  return name == "offset" && dash != std::string_view::npos &&
         Parse(value.substr(0, dash), 10, out.low) && Parse(value.substr(dash + 1), 10, out.high);
}

}  // namespace

Result<Fault> ParseFault(std::string_view words) {
  std::vector<std::string> parts;
  for (const auto& part : Split(words, ' ')) {
    if (!part.empty()) parts.emplace_back(part);
  }
  if (parts.size() < 2) return Wrong(words);
  Fault out;
  std::size_t next = 0;
  bool known = false;
  for (const auto& [word, on] : kOns) {
    if (parts[next] != word) continue;
    out.on = on;
    known = true;
  }
  if (!known) return Wrong(parts[next]);
  ++next;
  const ActWord* act = nullptr;
  for (const ActWord& each : kActs) {
    if (parts[next] == each.word) act = &each;
  }
  if (act == nullptr) return Wrong(parts[next]);
  out.act = act->act;
  ++next;
  if (parts.size() < next + static_cast<std::size_t>(act->numbers)) return Wrong(parts.back());
  if (act->numbers > 0 && !Parse(parts[next++], act->base, out.number)) return Wrong(words);
  if (act->numbers > 1 && !Parse(parts[next++], act->base, out.ascq)) return Wrong(words);
  for (; next < parts.size(); ++next) {
    if (!Option(parts[next], out)) return Wrong(parts[next]);
  }
  return out;
}

}  // namespace fencepost::doubles
