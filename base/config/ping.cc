#include "base/config/ping.h"

#include <algorithm>
#include <set>

#include "base/config/config.h"
#include "base/config/numeric_host.h"
#include "base/config/quote.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

using Need = Section::Need;

constexpr std::size_t kMaxDevice = 15;  // IFNAMSIZ less the zero
constexpr std::size_t kMaxHost = 253;   // RFC 1035 2.3.4, as text
constexpr std::size_t kMaxAttribute = 63;

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool IsDevice(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDevice && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 127 && c != '/' && c != ':'; });
}

bool IsV6(std::string_view host) { return host.find(':') != std::string_view::npos; }

std::optional<Error> CheckTarget(const PingTarget& t) {
  const std::string what = Cat("ping target ", Quoted(t.name));
  if (!t.device.empty() && !IsDevice(t.device)) {
    return Error{what, Cat("device ", Quoted(t.device), " is no interface name"),
                 "write one that ip link shows"};
  }
  if (!t.source.empty() && !NumericHost(t.source)) {
    return Error{what, Cat("source ", Quoted(t.source), " is no numeric address"),
                 "write an address of this node, or use device"};
  }
  if (!t.source.empty() && t.numeric && IsV6(t.source) != IsV6(t.host)) {
    return Error{what, Cat("its source ", t.source, " is of the other IP version"),
                 "use IPv4 for both or IPv6 for both"};
  }
  if ((t.probe == ProbeKind::kTcp) != (t.port != 0)) {
    return Error{what, t.port == 0 ? "a tcp probe needs a port" : "a port is for tcp probes only",
                 t.port == 0 ? "add port = 443" : "add probe = \"tcp\", or remove port"};
  }
  if (t.probe == ProbeKind::kArp && t.device.empty()) {
    return Error{what, "an arp probe needs to know where to ask", "add device = \"eth0\""};
  }
  if (t.probe == ProbeKind::kArp && (!t.numeric || IsV6(t.host))) {
    return Error{what, "an arp probe needs a numeric IPv4 address",
                 "write it, or use probe = \"icmp\""};
  }
  return std::nullopt;
}

std::optional<Error> CheckGroups(const PingConfig& config) {
  for (const PingTarget& target : config.targets) {
    const bool known = target.group.empty() ||
                       std::any_of(config.groups.begin(), config.groups.end(),
                                   [&](const PingGroup& g) { return g.name == target.group; });
    if (!known) {
      return Error{Cat("ping target ", Quoted(target.name)),
                   Cat("its group ", Quoted(target.group), " does not exist"),
                   "add a [[ping.group]] of this name"};
    }
  }
  for (const PingGroup& group : config.groups) {
    const auto members = std::count_if(config.targets.begin(), config.targets.end(),
                                       [&](const PingTarget& t) { return t.group == group.name; });
    if (members == 0 || group.need > members) {
      return Error{Cat("ping group ", Quoted(group.name)),
                   members == 0 ? "has no target"
                                : Cat("needs ", group.need, " answers of ", members, " targets"),
                   "correct need, or give targets group = \"…\""};
    }
  }
  return std::nullopt;
}

void ReadNeed(const toml::table& table, Section& section, PingGroup& out) {
  const toml::node* node = table.get("need");
  if (node == nullptr || !node->is_string()) {
    std::int64_t need = out.need;
    if (section.Int("need", 1, kMaxPingTargets, need)) out.need = static_cast<std::uint32_t>(need);
    return;
  }
  std::string word;
  if (!section.Text("need", word)) return;
  if (word != "any" && word != "all") {
    section.Fail("need", Cat(Quoted(word), " is no number of answers"),
                 "write \"any\", \"all\" or a number");
  }
  out.need = word == "all" ? kAllOfGroup : 1;
}

template <class Number>
void ReadNumber(Section& section, std::string_view key, std::int64_t low, std::int64_t high,
                Number& out) {
  std::int64_t number = 0;
  if (section.Int(key, low, high, number)) out = static_cast<Number>(number);
}

template <class Choice>
void ReadChoice(Section& section, std::string_view key,
                std::initializer_list<std::pair<std::string_view, Choice>> choices, Choice& out) {
  std::string word;
  if (!section.Text(key, word)) return;
  std::string known;
  for (const auto& [name, value] : choices) {
    if (name == word) {
      out = value;
      return;
    }
    known += Cat(known.empty() ? "" : ", ", Quoted(name));
  }
  section.Fail(key, Cat(Quoted(word), " is not known"), Cat("choose one of ", known));
}

void ReadTarget(Section section, PingConfig& out) {
  PingTarget target;
  std::string host;
  const bool given = section.Text("host", host, Need::kRequired);
  if (given) {
    const Result<PingTarget> parsed = ParsePingHost(host);
    if (parsed.ok()) {
      target = *parsed;
    } else {
      section.Fail("host", Cat(parsed.error().what, " ", parsed.error().cause),
                   parsed.error().remedy);
    }
  }
  section.Name("name", target.name, Need::kOptional);
  ReadChoice(section, "probe",
             {{"icmp", ProbeKind::kIcmp}, {"tcp", ProbeKind::kTcp}, {"arp", ProbeKind::kArp}},
             target.probe);
  ReadNumber(section, "port", 1, 65535, target.port);
  section.Text("source", target.source);
  section.Text("device", target.device);
  ReadNumber(section, "weight", 1, kMaxPingWeight, target.weight);
  section.Name("group", target.group, Need::kOptional);
  if (section.Has("group") && section.Has("weight")) {
    section.Fail("weight", "is of no use for a target in a group", "give the group its weight");
  }
  section.Finish();
  if (!given || target.host.empty()) return;
  if (target.source.empty() && target.device.empty()) {
    const bool fits =
        !target.numeric || out.source.empty() || IsV6(out.source) == IsV6(target.host);
    if (fits) target.source = out.source;
    target.device = out.device;
  }
  const auto same = std::find_if(out.targets.begin(), out.targets.end(),
                                 [&](const PingTarget& t) { return t.name == target.name; });
  if (same != out.targets.end()) {
    section.Fail(section.Has("name") ? "name" : "host",
                 Cat(Quoted(target.name), " is there already"), "give each target its own name");
  } else if (const auto fault = CheckTarget(target)) {
    section.Fail("host", fault->cause, fault->remedy);
  }
  out.targets.push_back(std::move(target));
}

void ReadGroup(const toml::table& table, Section section, PingConfig& out) {
  PingGroup group;
  const bool named = section.Name("name", group.name, Need::kRequired);
  ReadNeed(table, section, group);
  ReadNumber(section, "weight", 1, kMaxPingWeight, group.weight);
  section.Finish();
  if (!named) return;
  for (const PingGroup& other : out.groups) {
    if (other.name == group.name) {
      section.Fail("name", Cat(Quoted(group.name), " is there already"),
                   "give each group its own name");
    }
  }
  out.groups.push_back(std::move(group));
}

void ReadTimes(Section& section, PingConfig& out) {
  section.Time("interval", out.interval);
  section.Time("timeout", out.timeout);
  if (section.Time("dampen", out.dampen)) out.hold = 3 * out.dampen;
  section.Time("hold", out.hold);
  if (out.interval < kMinPingInterval) {
    section.Fail("interval", Cat("is below ", kMinPingInterval), "probe less often");
  }
  if (out.timeout < kMinPingTimeout) {
    section.Fail("timeout", Cat("is below ", kMinPingTimeout), "wait longer for an answer");
  }
  if (out.hold < out.dampen) {
    section.Fail("hold", Cat(out.hold, " is below dampen, ", out.dampen),
                 "leave it out for three times dampen");
  }
}

void ReadCounting(Section& section, PingConfig& out) {
  ReadNumber(section, "attempts", 1, kMaxPingAttempts, out.attempts);
  ReadNumber(section, "lose_after", 1, kMaxPingRounds, out.lose_after);
  ReadNumber(section, "return_after", 1, kMaxPingRounds, out.return_after);
  ReadNumber(section, "multiplier", 1, kMaxScore, out.multiplier);
  ReadNumber(section, "failure_score", 0, kMaxScore, out.failure_score);
  section.Name("attribute", out.attribute, Need::kOptional);
  ReadChoice(section, "sink",
             {{"fencepost", PingSink::kFencepost},
              {"pacemaker", PingSink::kPacemaker},
              {"none", PingSink::kNone}},
             out.sink);
  ReadChoice(section, "on_stop",
             {{"remove", PingStop::kRemove}, {"zero", PingStop::kZero}, {"keep", PingStop::kKeep}},
             out.on_stop);
  section.Path("attrd_updater", out.attrd_updater);
  section.Text("source", out.source);
  section.Text("device", out.device);
}

}  // namespace

std::string_view Name(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kIcmp:
      return "icmp";
    case ProbeKind::kTcp:
      return "tcp";
    case ProbeKind::kArp:
      return "arp";
  }
  return "?";
}

std::int64_t HighestScore(const PingConfig& config) {
  std::int64_t sum = 0;
  for (const PingTarget& target : config.targets) sum += target.group.empty() ? target.weight : 0;
  for (const PingGroup& group : config.groups) sum += group.weight;
  return sum * config.multiplier;
}

Result<PingTarget> ParsePingHost(std::string_view text) {
  PingTarget out;
  std::string_view host = text;
  if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) {
    host = text.substr(0, zone);
    out.device = std::string(text.substr(zone + 1));
  }
  const auto numeric = NumericHost(host);
  out.numeric = numeric.has_value();
  out.host = numeric ? *numeric : std::string(host);
  out.name = std::string(text);
  const bool zone_fits = out.device.empty() ? host.size() == text.size() : IsDevice(out.device);
  const bool name_fits = !host.empty() && host.size() <= kMaxHost && host[0] != '-' &&
                         host[0] != '.' && std::all_of(host.begin(), host.end(), IsHostChar);
  if (!zone_fits || (!numeric && !name_fits)) {
    return Error{Quoted(text), "is no host",
                 "write a name, \"10.0.0.254\", \"fd00::1\" or \"fe80::1%eth0\""};
  }
  return out;
}

Result<Duration> ParsePingTime(std::string_view text) {
  const bool plain = !text.empty() && text.back() >= '0' && text.back() <= '9';
  if (text == "0" || text == "0s" || text == "0ms") return Duration{};
  return ParseDuration(plain ? Cat(text, "s") : std::string(text));
}

std::optional<Error> CheckPing(const PingConfig& config) {
  std::set<std::string_view> names;
  for (const PingTarget& target : config.targets) {
    if (!names.insert(target.name).second) {
      return Error{Cat("ping target ", Quoted(target.name)), "is given twice", "name it once"};
    }
    if (const auto fault = CheckTarget(target)) return fault;
  }
  if (const auto fault = CheckGroups(config)) return fault;
  if (config.targets.empty() || config.targets.size() > kMaxPingTargets) {
    return Error{"ping", Cat("there are ", config.targets.size(), " targets"),
                 Cat("give 1 to ", kMaxPingTargets, " hosts that stand for the world")};
  }
  if (HighestScore(config) > kMaxScore) {
    return Error{"ping", Cat("the highest score is ", HighestScore(config), ", above ", kMaxScore),
                 "lower multiplier or weights"};
  }
  if (config.interval < kMinPingInterval || config.timeout < kMinPingTimeout) {
    return Error{"ping", "interval or timeout is too short",
                 Cat("interval is at least ", kMinPingInterval, ", timeout ", kMinPingTimeout)};
  }
  if (config.hold < config.dampen) {
    return Error{"ping", "hold is below dampen", "leave it out for three times dampen"};
  }
  if (config.attribute.empty() || config.attribute.size() > kMaxAttribute ||
      !std::all_of(config.attribute.begin(), config.attribute.end(), IsHostChar) ||
      config.attribute[0] == '-') {
    return Error{Cat("attribute ", Quoted(config.attribute)), "is no name",
                 "use letters, digits, '.', '_' or '-'"};
  }
  return std::nullopt;
}

void ReadPing(const toml::table& table, Errors& errors, PingConfig& out) {
  Section section(&table, "ping", errors);
  ReadTimes(section, out);
  ReadCounting(section, out);
  const auto groups = section.Tables("group");
  const auto targets = section.Tables("target");
  section.Finish();
  if (groups.size() > kMaxPingGroups || targets.size() > kMaxPingTargets) {
    section.Fail(groups.size() > kMaxPingGroups ? "group" : "target", "there are too many",
                 Cat("at most ", kMaxPingGroups, " groups and ", kMaxPingTargets, " targets"));
    return;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    ReadGroup(*groups[i], Section(groups[i], Cat("ping.group[", i + 1, "]"), errors), out);
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    ReadTarget(Section(targets[i], Cat("ping.target[", i + 1, "]"), errors), out);
  }
  if (!errors.IsEmpty()) return;  // one fault is not told twice
  if (const auto fault = CheckPing(out)) {
    const std::string what = fault->what == "ping" ? "" : Cat(fault->what, " ");
    section.Fail("", Cat(what, fault->cause), fault->remedy);
  }
}

}  // namespace fencepost::config
