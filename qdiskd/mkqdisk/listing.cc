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

struct Civil {  // UTC; weekday from Thursday
  std::uint64_t year = 0, month = 0, day = 0, weekday = 0, of_day = 0;
};

Civil CivilOf(std::uint64_t wall_ms) {
  const std::uint64_t seconds = wall_ms / 1000, days = seconds / kSecondsADay;
  // Days since 1 March of year 0, in eras of 400 years: the leap day is the last of a year.
  const std::uint64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
  const std::uint64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t month = (5 * of_year + 2) / 153;  // 0 is March
  Civil c;
  c.day = of_year - (153 * month + 2) / 5 + 1;
  c.month = (month + 2) % 12 + 1;
  c.year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
  c.weekday = days % 7;
  c.of_day = seconds % kSecondsADay;
  return c;
}

std::string ClockText(const Civil& c) {
  return Cat(TwoDigits(c.of_day / 3600), ":", TwoDigits(c.of_day / 60 % 60), ":",
             TwoDigits(c.of_day % 60));
}

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
  const Civil c = CivilOf(wall_ms);
  return Cat(kDays[c.weekday], " ", kMonths[c.month - 1], " ", c.day < 10 ? " " : "", c.day, " ",
             ClockText(c), " ", c.year);
}

std::string InstantText(std::uint64_t wall_ms) {
  const Civil c = CivilOf(wall_ms);
  const std::string millis = Cat(1000 + wall_ms % 1000).substr(1);
  return Cat(c.year, "-", TwoDigits(c.month), "-", TwoDigits(c.day), " ", ClockText(c), ".",
             millis);
}

std::string SlotState(const qdiskd::Slot& s) {
  return s.report.left       ? "left"
         : s.report.quiesced ? "quiesced"
         : s.report.quorate  ? "quorate"
                             : "inquorate";
}

std::string DiskText(const ListedDisk& disk) {
  const std::string title = Cat(Printable(disk.device), ":\n");
  const std::string sector = Line("Kernel Sector Size", Cat(disk.info.sector_bytes));
  const std::string designator =
      disk.info.designator.empty() ? "" : Line("Designator", Printable(disk.info.designator));
  if (disk.foreign) {
    std::string text = title;
    for (const auto& [name, value] : disk.foreign->fields) text += Line(name, value);
    return Cat(text, sector, designator,
               Line("Foreign",
                    Cat("a quorum disk of ", disk.foreign->owner, "; Fencepost does not use it")),
               "\n");
  }
  const qdiskd::Superblock& s = disk.superblock;
  const auto geometry = qdiskd::Geometry::Make(s.nodes, s.cib_units);
  std::string text = Cat(
      title, Line("Magic", "46454e43"), Line("Label", Printable(s.label)),
      Line("Created", TimeText(s.created_ms)), Line("Host", Printable(s.creator_host)), sector,
      Line("Recorded Sector Size", Cat(s.sector_bytes)),
      Line("Format", Cat(qdiskd::kFormatMajor, ".", s.minor)),
      Line("Cluster", Printable(s.cluster_name)),
      Line("Cluster Id", UuidText(s.identity.cluster.bytes)),
      Line("Disk Id", UuidText(s.identity.disk.bytes)), designator,
      Line("Nodes", Cat("room for ", s.nodes)),
      Line("CIB area", Cat(s.cib_units * 4, " KiB a copy")),
      Line("Size",
           Cat(geometry.ok() ? geometry->total_bytes() : 0, " bytes of ", disk.info.size_bytes)),
      Line("Authentic", disk.authenticated ? "yes" : "not checked: no key of this cluster"), "\n");
  for (std::size_t i = 0; i < disk.slots.size(); ++i) {
    text += SlotText(NodeId(static_cast<std::uint8_t>(i + 1)), disk.slots[i], disk.living.at(i));
  }
  return text + MessagesText(disk.outboxes, disk.acks);
}

std::string MessagesText(const std::vector<qdiskd::Outbox>& outboxes,
                         const std::vector<qdiskd::AckBox>& acks) {
  std::string text;
  for (const qdiskd::Outbox& box : outboxes) {
    for (const qdiskd::OutMessage& m : box.messages) {
      text += Cat("Message of node ", box.node, " to node ", m.to, "\n",
                  Line("Kind", ToText(m.kind)), Line("Number", Cat(box.incarnation, "/", m.number)),
                  Line("Term", TermText(m.term)), Line("For the boot", UuidText(m.to_boot.bytes)),
                  Line("Written last on", TimeText(box.wall_ms)));
    }
  }
  for (const qdiskd::AckBox& box : acks) {
    for (const qdiskd::Acknowledgement& a : box.entries) {
      text += Cat(
          "Answer of node ", box.node, " to node ", a.from, "\n", Line("Kind", ToText(a.kind)),
          Line("Number", Cat(a.from_incarnation, "/", a.number)), Line("Answer", ToText(a.phase)),
          a.phase == qdiskd::MessagePhase::kResetting
              ? Line("Watchdog",
                     a.watchdog > Duration() ? Cat(a.watchdog) : std::string("none that proves"))
              : "",
          Line("Boot", UuidText(box.boot.bytes)), Line("Written on", TimeText(box.wall_ms)));
    }
  }
  return text;
}

void WatchedSlot::See(const qdiskd::SlotPair& now, MonoTime at) {
  const bool first = !changed;
  if (first || (IsReadable(now.condition) && IsNewer(now.slot, pair.slot))) {
    changed = at;
    if (!first) ++changes;
  }
  pair = now;
}

bool WatchedSlot::IsLive(MonoTime now) const {
  return changes > 0 &&
         now - *changed <= kLiveCycles * std::max<Duration>(pair.slot.interval, Millis(1));
}

std::string RoundText(std::uint64_t wall_ms, const std::vector<WatchedSlot>& slots, MonoTime now) {
  std::string text = Cat(InstantText(wall_ms), "\n");
  const auto row = [&](const std::vector<std::string>& cells) {
    constexpr std::size_t kWidths[] = {5, 10, 6, 9, 10, 10, 10, 7, 6, 9};
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::string cell = cells[i];
      if (i < std::size(kWidths)) cell.resize(std::max(cell.size() + 1, kWidths[i]), ' ');
      line += cell;
    }
    text += Cat(line, "\n");
  };
  row({"node", "state", "live", "sequence", "held", "promise", "conceded", "score", "votes", "age",
       "latency (median / 99% / longest, us)"});
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const WatchedSlot& w = slots[i];
    if (!w.changed || w.pair.condition == qdiskd::Condition::kBlank) continue;
    if (!IsReadable(w.pair.condition)) {
      row({Cat(i + 1), Explain(w.pair.condition)});
      continue;
    }
    const qdiskd::Slot& s = w.pair.slot;
    row({Cat(i + 1), SlotState(s), w.IsLive(now) ? "yes" : "no", Cat(s.sequence), TermText(s.held),
         TermText(s.promise), TermText(s.conceded), Cat(s.report.score), Cat(s.report.votes),
         Cat(w.changes > 0 ? "" : ">", Cat(now - *w.changed)),
         Cat(s.latency.p50_us, " / ", s.latency.p99_us, " / ", s.latency.max_us)});
  }
  return Cat(text, "\n");
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
             Line("Cycle", Cat(s.interval)),
             Line("I/O latency", Cat("median ", s.latency.p50_us, " us, 99% ", s.latency.p99_us,
                                     " us, longest ", s.latency.max_us, " us")),
             Line("Boot", UuidText(s.boot.bytes)), Line("Incarnation", Cat(s.incarnation)),
             Line("Sequence", Cat(s.sequence)), Line("Promise", TermText(s.promise)),
             Line("Held", TermText(s.held)), Line("Conceded", TermText(s.conceded)),
             Line("Version", Printable(s.version)));
}

}  // namespace fencepost::qdiskd::mkqdisk
