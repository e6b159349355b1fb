#include "membership/fencepost/status_report.h"

#include <algorithm>

#include "base/text.h"

namespace fencepost::command {
namespace {

using nlohmann::json;

constexpr std::size_t kColumns = 80;
constexpr std::size_t kLabel = 13;  // width of "coordinator  "
const json kNothing;

// A member of an object, or null: versions may differ.
const json& At(const json& object, const char* key) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}
std::string Text(const json& value, std::string_view otherwise = "?") {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return ToText(value.get<std::int64_t>());
  return std::string(otherwise);
}
bool Yes(const json& value) { return value.is_boolean() && value.get<bool>(); }
std::int64_t Number(const json& value) {
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}
std::string Span(const json& milliseconds) {
  return milliseconds.is_number_integer() ? ToText(Duration(Millis(Number(milliseconds)))) : "?";
}

// Characters, not bytes: a cut text ends with an ellipsis.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}
std::string Pad(std::string text, std::size_t width) {
  const std::size_t is = Width(text);
  text.append(is < width ? width - is : 1, ' ');
  return text;
}
std::string TrimEnd(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// `first` then the words of `text`; further lines begin with as many blanks.
std::string Wrap(const std::string& first, std::string_view text) {
  const std::string indent(Width(first), ' ');
  std::string out, line = first;
  bool fresh = true;
  for (const std::string& word : Split(text, ' ')) {
    if (!fresh && Width(line) + 1 + Width(word) > kColumns) {
      out += TrimEnd(line) + "\n";
      line = indent;
      fresh = true;
    }
    line += Cat(fresh ? "" : " ", word);
    fresh = false;
  }
  return out + TrimEnd(line) + "\n";
}
std::string Row(std::string_view label, const std::string& text) {
  return Wrap(Pad(std::string(label), kLabel), text);
}

std::string Join(const json& names) {
  std::string out;
  for (const json& name : names) out += Cat(out.empty() ? "" : ", ", Text(name));
  return out.empty() ? "nobody" : out;
}

std::string Watchdog(const json& watchdog) {
  const std::string device = Text(At(watchdog, "device"));
  if (!Yes(At(watchdog, "armed"))) return device + ", NOT ARMED: nothing is started here";
  std::string out =
      Cat(device, " (", Text(At(watchdog, "driver")), "), ", Span(At(watchdog, "timeout_ms")), ", ",
          Yes(At(watchdog, "fed")) ? "fed" : "STARVING: it resets this node");
  if (!Yes(At(watchdog, "evidence")))
    out += "; it proves nothing to others (see evidence of [watchdog])";
  return out;
}

std::string Head(const json& status) {
  const bool quorate = Yes(At(status, "quorate"));
  const json& votes = At(status, "votes");
  std::string out =
      Row("cluster", Cat(Text(At(status, "cluster")), ", seen from ", Text(At(status, "node")),
                         " (node ", Text(At(status, "id")), ")"));
  std::string quorum = quorate ? "yes" : "NO: nothing may run here";
  if (quorate) quorum += Cat(", authority for another ", Span(At(status, "authority_left_ms")));
  out += Row("quorate", quorum);
  if (quorate) {
    out += Row("coordinator", Cat(Text(At(status, "coordinator")),
                                  Yes(At(status, "coordinates")) ? " (this node)" : "", ", term ",
                                  Text(At(status, "term"))));
  } else {
    out += Row("coordinator", "none known");
  }
  if (Yes(At(status, "coordinates")) || Number(At(votes, "held")) > 0) {
    out += Row("votes", Cat(Text(At(votes, "held")), " held here of ", Text(At(votes, "expected")),
                            ", ", Text(At(votes, "needed")), " needed"));
  } else {
    out += Row("votes",
               Cat(Text(At(votes, "expected")), " in all, ", Text(At(votes, "needed")), " needed"));
  }
  const json& own = At(status, "own_vote");
  out += Row("own vote", Cat("granted to ", Text(At(own, "granted_to"), "nobody"),
                             At(own, "term").is_string() ? ", term " + Text(At(own, "term")) : ""));
  if (At(own, "trouble").is_string()) out += Row("", Text(At(own, "trouble")));
  const json& watchdog = At(status, "watchdog");
  if (watchdog.is_object()) out += Row("watchdog", Watchdog(watchdog));
  if (Yes(At(status, "leaving"))) out += Row("leaving", "yes: it hands over, then ends");
  if (Yes(At(status, "quiesced"))) out += Row("quiesced", "yes: it runs nothing");
  return out;
}

std::string Nodes(const json& status) {
  const bool has_disk = At(status, "disk").is_object();
  std::string out = TrimEnd(Cat("\n", Pad("NODE", 22), Pad("STATE", 34),
                                has_disk ? Pad("DISK", 8) : "", "VOTE HELD HERE"));
  out += "\n";
  for (const json& node : At(status, "nodes")) {
    const std::string name = Cat(Pad(Text(At(node, "id")), 3), Text(At(node, "name")),
                                 Yes(At(node, "self")) ? " (here)" : "");
    const std::string vote =
        Yes(At(node, "vote_held")) ? "for " + Span(At(node, "vote_left_ms")) : "-";
    const std::string disk = Yes(At(node, "self")) ? "-" : Yes(At(node, "on_disk")) ? "yes" : "no";
    out += TrimEnd(Cat(Pad(name, 22), Pad(Text(At(node, "state")), 34),
                       has_disk ? Pad(disk, 8) : "", vote)) +
           "\n";
    std::string told;
    const json& attributes = At(node, "attributes");
    if (attributes.is_object()) {
      for (const auto& [attribute, value] : attributes.items()) {
        told += Cat(told.empty() ? "" : ", ", attribute, "=", Text(value));
      }
    }
    const json& score = At(node, "score");
    if (has_disk && Number(score) != 0) {
      told += Cat(told.empty() ? "" : "; ", "score in a split: ", Text(score));
    }
    if (!told.empty()) out += Wrap("   ", told);
  }
  if (Yes(At(status, "attributes_settling"))) {
    out += "   attributes have changed and are settling: not acted upon yet\n";
  }
  return out;
}

std::string OneDisk(const json& disk, bool named) {
  const std::string name = named ? Cat(Text(At(disk, "device")), ": ") : "";
  if (At(disk, "trouble").is_string()) return Cat(name, "NOT IN USE, ", Text(At(disk, "trouble")));
  return Cat(name, "in use, barrier ", Text(At(disk, "barrier"), "none"), ", median ",
             Text(At(At(disk, "latency_us"), "p50")), " us");
}

// Nothing where nothing is asked.
std::string Heuristics(const json& fitness) {
  if (!fitness.is_object() || At(fitness, "heuristics").empty()) return "";
  std::string out =
      Row("fitness", Cat(Yes(At(fitness, "fit")) ? "fit" : "UNFIT: fit sides win a split first",
                         ", score ", Text(At(fitness, "score")), " of ",
                         Text(At(fitness, "highest")), ", needs ", Text(At(fitness, "min_score"))));
  for (const json& each : At(fitness, "heuristics")) {
    out +=
        Row("", Cat(Text(At(each, "name")), " ", Text(At(each, "state")), ", score ",
                    Text(At(each, "score")), ", last run ", Text(At(each, "last"), "not over"),
                    At(each, "last").is_null() ? "" : Cat(", ", Span(At(each, "age_ms")), " ago")));
  }
  return out;
}

std::string Disk(const json& status) {
  const json& disk = At(status, "disk");
  if (!disk.is_object()) return "";
  std::string out = "\n" + Row("disk", Text(At(disk, "device")));
  if (!Yes(At(disk, "connected"))) {
    return out + Row("", "qdiskd is not running: start it with \"systemctl start qdiskd\"");
  }
  const json& disks = At(disk, "disks");
  out += Row("", Cat(Yes(At(disk, "readable")) ? "readable" : "NOT READABLE", ", ",
                     Text(At(disk, "disks_ready"), "0"), " of ", disks.size(), " disks ready"));
  for (const json& each : disks) out += Row("", OneDisk(each, disks.size() > 1));
  out += Row("disk vote", Yes(At(disk, "vote_held"))
                              ? Cat("held here for ", Span(At(disk, "vote_left_ms")), ", worth ",
                                    Text(At(disk, "votes")))
                              : Cat("not held here, worth ", Text(At(disk, "votes")),
                                    "; last held: term ", Text(At(disk, "highest_held"), "none")));
  const json& latency = At(disk, "latency_us");
  if (latency.is_object()) {
    out += Row("latency", Cat("p50 ", Text(At(latency, "p50")), " us, p99 ",
                              Text(At(latency, "p99")), " us, max ", Text(At(latency, "max")),
                              " us, last cycle ", Text(At(disk, "cycle_us")), " us"));
  }
  std::string slots;
  for (const json& slot : At(disk, "slots")) {
    slots += Cat(slots.empty() ? "" : ", ", Text(At(slot, "node")), " ", Text(At(slot, "state")));
    if (Text(At(slot, "state")) == "stale") slots += " for " + Span(At(slot, "silent_ms"));
    if (Yes(At(slot, "quiesced"))) slots += " and quiesced";
    if (At(slot, "fit") == false) slots += " and unfit";
  }
  out += Row("slots", slots.empty() ? "none seen yet" : slots);
  out += Heuristics(At(disk, "fitness"));
  if (Number(At(disk, "sides")) > 1) {
    out += Row("split", Cat("into ", Text(At(disk, "sides")),
                            " sides, decided by: ", Text(At(disk, "election"))));
  }
  return out;
}

std::string Fencing(const json& status) {
  std::string out;
  for (const json& device : At(status, "fence_devices")) {
    std::string text = Cat(Text(At(device, "agent")), " for ", Join(At(device, "targets")));
    const json& monitor = At(device, "monitor");
    if (monitor.is_object()) {
      text += Cat(Yes(At(monitor, "ok")) ? ", reached " : ", NOT REACHED ",
                  Span(At(monitor, "age_ms")), " ago");
      if (!Yes(At(monitor, "ok"))) text += Cat(": ", Text(At(monitor, "trouble")));
    }
    out += Wrap(Pad("  " + Text(At(device, "id")), 22), text);
  }
  if (out.empty()) out = "  no device\n";
  for (const json& fencing : At(status, "fencings")) out += Wrap("  fenced: ", Text(fencing));
  return "\nFENCING\n" + out;
}

std::string ResourceLine(const json& resource, bool coordinates) {
  const json& here = At(resource, "here");
  const json& placement = At(resource, "placement");
  const json& active = At(placement, "active");
  std::string where = Cat("here: ", Text(At(here, "state"), "unknown"));
  if (coordinates && placement.is_object()) {
    where = active.empty() ? "STOPPED" : "on " + Join(active);
  }
  std::string out = TrimEnd(Cat(Pad("  " + Text(At(resource, "id")), 22),
                                Pad(Text(At(resource, "agent")), 26), where)) +
                    "\n";
  if (At(placement, "reason").is_string()) out += Wrap("      ", Text(At(placement, "reason")));
  if (Number(At(here, "fail_count")) > 0) {
    out += Wrap("      ", Cat("failed here ", Text(At(here, "fail_count")),
                              " times, last: ", Text(At(here, "failure")),
                              "; then: fencepost cleanup ", Text(At(resource, "id"))));
  }
  return out;
}

std::string Resources(const json& status) {
  const bool coordinates = Yes(At(status, "coordinates"));
  std::string out = "\nRESOURCES\n";
  for (const json& resource : At(status, "resources")) out += ResourceLine(resource, coordinates);
  if (At(status, "resources").empty()) out += "  none configured\n";
  if (!coordinates && At(status, "coordinator").is_string()) {
    out += Cat("  For where they run and why not, ask on ", Text(At(status, "coordinator")),
               ", the coordinator.\n");
  }
  return out;
}

}  // namespace

int StatusExit(const json& status) {
  const std::string health = Text(At(status, "health"));
  return health == "ok" ? 0 : health == "degraded" ? 1 : 2;
}

std::string StatusReport(const json& status) {
  std::string out = Head(status) + Nodes(status) + Disk(status) + Fencing(status);
  out += Resources(status);
  const json& unsafe = At(status, "unsafe");
  if (!unsafe.empty()) out += "\n";
  for (const json& text : unsafe) out += Wrap("UNSAFE: ", Text(text));
  const json& traffic = At(status, "traffic");
  const std::int64_t foreign = Number(At(traffic, "not_opened"));
  if (foreign > 0) {
    out += "\n" + Wrap("WARNING: ", Cat(foreign,
                                        " datagrams were not sealed under this cluster's "
                                        "key: another key on a node, or noise"));
  }
  return out;
}

}  // namespace fencepost::command
