#include "membership/fencepost/timing_report.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace fencepost::config {
namespace {

std::string Left(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string Right(std::string text, std::size_t width) {
  text.insert(0, width > text.size() ? width - text.size() : 0, ' ');
  return text;
}

std::string OrNone(Duration d) { return d == Duration{} ? "none" : ToText(d); }

struct Symbol {
  std::string_view symbol, key;
  std::string value;
};

std::vector<Symbol> Symbols(const Timing& t) {
  return {{"I", "interval", ToText(t.interval)},
          {"O", "io_timeout", ToText(t.io_timeout)},
          {"L", "lease", ToText(t.lease)},
          {"Lmax", "lease_max", ToText(t.lease_max)},
          {"G", "guard", ToText(t.guard)},
          {"e", "eps", ToText(t.eps)},
          {"r", "drift_ppm", Cat(t.drift_ppm, "ppm")},
          {"tko", "tko", ToText(t.tko)},
          {"k", "tolerated", ToText(t.tolerated)},
          {"H", "heartbeat", ToText(t.heartbeat)},
          {"T", "peer_timeout", ToText(t.peer_timeout)},
          {"F", "fence_timeout", ToText(t.fence_timeout)},
          {"M", "path_failover", OrNone(t.path_failover)},
          {"W", "watchdog", OrNone(t.watchdog)},
          {"C", "I + 2*O", ToText(t.NextCycle())},
          {"V", "(1+r)*L + e", ToText(t.VoterWait())}};
}

}  // namespace

std::string TimingReport(std::string_view title, const Timing& timing) {
  constexpr std::size_t kColumns = 4;
  std::string out = Cat(title, "\n");
  const auto symbols = Symbols(timing);
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const Symbol& s = symbols[i];
    const bool last = i % kColumns == kColumns - 1;
    const std::string cell = Cat(Left(ToText(s.symbol), 5), Left(ToText(s.key), 14));
    out += Cat("  ", cell, last ? s.value + "\n" : Left(s.value, 8));
  }
  out += "\n  inequality                          left     right     slack\n";
  for (const Inequality& i : CheckTiming(timing)) {
    out += Cat("  ", Left(ToText(i.name), 31), Right(ToText(i.left), 9), Right(ToText(i.right), 10),
               Right(ToText(i.Slack()), 10), i.Holds() ? "  ok      " : "  VIOLATED", "  ",
               i.formula, "\n");
  }
  out += "\n  worst case until resources may start elsewhere\n";
  for (const Failover& f : WorstFailover(timing)) {
    out += Cat("  ", Left(ToText(f.fault), 52), Right(ToText(f.worst), 9), "  ", f.formula, "\n");
  }
  return out;
}

}  // namespace fencepost::config
