#include "membership/fencepost/clock_rate.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace fencepost::command {
namespace {

// Directive and the rest of a line; nothing for a comment.
std::pair<std::string, std::string> Directive(std::string_view line) {
  line = Trim(line);
  if (line.empty() || line.find_first_of("!;#%") == 0) return {};
  const auto end = line.find_first_of(" \t");
  std::string name(line.substr(0, end));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return {name, end == std::string_view::npos ? "" : std::string(Trim(line.substr(end)))};
}

}  // namespace

std::optional<double> MaxSlewIn(std::string_view text) {
  std::optional<double> out;
  for (const std::string& line : Split(text, '\n')) {
    const auto [name, value] = Directive(line);
    if (name != "maxslewrate") continue;
    double ppm = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), ppm);
    if (read.ec == std::errc() && ppm > 0) out = ppm;
  }
  return out;
}

std::vector<std::string> ConfDirsIn(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string& line : Split(text, '\n')) {
    const auto [name, value] = Directive(line);
    if (name != "confdir") continue;
    for (const std::string& word : Split(value, ' ')) {
      if (!word.empty()) out.push_back(word);
    }
  }
  return out;
}

std::vector<std::string> ClockWarnings(const ClockFacts& facts, DriftPpm drift) {
  std::vector<std::string> out;
  const double half = static_cast<double>(drift) / 2;
  const std::int64_t may = static_cast<std::int64_t>(half);
  if (facts.chrony && facts.max_slew.value_or(kChronyDefaultSlew) > half) {
    const auto slew = static_cast<std::int64_t>(facts.max_slew.value_or(kChronyDefaultSlew));
    out.push_back(Cat(facts.chrony_file, ": maxslewrate is ",
                      facts.max_slew ? "" : "not set and so ", slew,
                      " ppm; leases hold only while no clock is off by more than ", may,
                      " ppm (half of drift_ppm); add \"maxslewrate ", may,
                      "\" on every node and restart chrony"));
  }
  if (facts.rate_ppm && std::abs(*facts.rate_ppm) > half) {
    out.push_back(Cat("the kernel's clock is being slewed by ",
                      static_cast<std::int64_t>(*facts.rate_ppm), " ppm now; drift_ppm allows ",
                      may, " on each node; see what steers the clock (chronyc tracking, ntpq -p)"));
  }
  return out;
}

}  // namespace fencepost::command
