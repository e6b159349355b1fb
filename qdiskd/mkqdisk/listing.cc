#include "qdiskd/mkqdisk/listing.h"

#include <array>

#include "base/text.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

constexpr std::uint64_t kSecondsADay = 86400;

// "\tLabel:                quorum\n": the value begins in the same column everywhere.
std::string Line(std::string_view name, std::string_view value) {
  constexpr std::size_t kColumn = 22;
  std::string line = Cat("\t", name, ":");
  line.resize(std::max(line.size() + 1, kColumn + 1), ' ');
  return Cat(line, value, "\n");
}

std::string TwoDigits(std::uint64_t value) { return Cat(value < 10 ? "0" : "", value); }

std::string TermText(Term term) { return term.IsNone() ? "none" : ToText(term); }

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::string TimeText(std::uint64_t wall_ms) {
  constexpr std::array kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::uint64_t seconds = wall_ms / 1000, days = seconds / kSecondsADay;
  // Days since 1 March of year 0, in eras of 400 years: the leap day is the last of a year.
  const std::uint64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
  const std::uint64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t month = (5 * of_year + 2) / 153;  // 0 is March
  const std::uint64_t day = of_year - (153 * month + 2) / 5 + 1;
  const std::uint64_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
  const std::uint64_t of_day = seconds % kSecondsADay;
  return Cat(kDays[days % 7], " ", kMonths[(month + 2) % 12], " ", day < 10 ? " " : "", day, " ",
             TwoDigits(of_day / 3600), ":", TwoDigits(of_day / 60 % 60), ":",
             TwoDigits(of_day % 60), " ", year);
}

std::string DiskText(const ListedDisk& disk) {
  const qdiskd::Superblock& s = disk.superblock;
  const auto geometry = qdiskd::Geometry::Make(s.nodes, s.cib_units);
  return Cat(
      Printable(disk.device), ":\n", Line("Magic", "46454e43"), Line("Label", Printable(s.label)),
      Line("Created", TimeText(s.created_ms)), Line("Host", Printable(s.creator_host)),
      Line("Kernel Sector Size", Cat(disk.sector_bytes)),
      Line("Recorded Sector Size", Cat(s.sector_bytes)),
      Line("Format", Cat(qdiskd::kFormatMajor, ".", s.minor)),
      Line("Cluster", Printable(s.cluster_name)),
      Line("Cluster Id", UuidText(s.identity.cluster.bytes)),
      Line("Disk Id", UuidText(s.identity.disk.bytes)), Line("Nodes", Cat("room for ", s.nodes)),
      Line("Size", Cat(geometry.ok() ? geometry->total_bytes() : 0, " bytes")),
      Line("Authentic", disk.authenticated ? "yes" : "not checked: no key of this cluster"), "\n");
}

std::string SlotText(NodeId node, const qdiskd::SlotPair& pair, bool advanced) {
  if (pair.condition == qdiskd::Condition::kBlank) return "";
  const std::string title = Cat("Status block for node ", node, "\n");
  if (!IsReadable(pair.condition)) return Cat(title, Line("Unreadable", Explain(pair.condition)));
  const qdiskd::Slot& s = pair.slot;
  const char* state = s.report.left       ? "Left"
                      : s.report.quiesced ? "Quiesced"
                      : s.report.quorate  ? "Quorate"
                                          : "Inquorate";
  return Cat(title, Line("Last updated on", TimeText(s.wall_ms)),
             Line("Living", advanced ? "yes" : "no"), Line("State", state),
             Line("Score", Cat(s.report.score)), Line("Votes", Cat(s.report.votes)),
             Line("Cycle", ToText(s.interval)),
             Line("I/O latency", Cat("median ", s.latency.p50_us, " us, 99% ", s.latency.p99_us,
                                     " us, longest ", s.latency.max_us, " us")),
             Line("Boot", UuidText(s.boot.bytes)), Line("Incarnation", Cat(s.incarnation)),
             Line("Sequence", Cat(s.sequence)), Line("Promise", TermText(s.promise)),
             Line("Held", TermText(s.held)), Line("Conceded", TermText(s.conceded)),
             Line("Version", Printable(s.version)));
}

}  // namespace fencepost::qdiskd::mkqdisk
