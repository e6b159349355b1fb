#include "stonith/rehearsal/record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace fencepost::stonith {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRecords = 256;

std::string_view Word(Proof proof) {
  switch (proof) {
    case Proof::kProved:
      return "proved";
    case Proof::kFailed:
      return "failed";
    case Proof::kNotProvable:
      return "not-provable";
  }
  return "";
}

Proof ToProof(const std::string& word) {
  return word == "proved"   ? Proof::kProved
         : word == "failed" ? Proof::kFailed
                            : Proof::kNotProvable;
}

json Millis(const std::optional<Duration>& d) { return d ? json(ToMillis(*d)) : json(); }

std::optional<Duration> ToDuration(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  return fencepost::Millis(value.get<std::int64_t>());
}

std::string Text(const json& at, const char* name) {
  return at.contains(name) && at[name].is_string() ? at[name].get<std::string>() : "";
}

json ToJson(const Rehearsed& r) {
  json out = {{"node", r.node},     {"kind", r.disruptive ? "disruptive" : "harmless"},
              {"passed", r.passed}, {"why", r.why},
              {"at", r.wall},       {"outlets", json::array()}};
  for (const OutletProof& p : r.outlets) {
    out["outlets"].push_back({{"outlet", p.outlet},
                              {"agent", p.agent},
                              {"reach", Word(p.reach)},
                              {"reach_by", p.reach_by},
                              {"login", Word(p.login)},
                              {"privilege", Word(p.privilege)},
                              {"privilege_by", p.privilege_by},
                              {"machine", Word(p.machine)},
                              {"machine_by", p.machine_by},
                              {"took_ms", ToMillis(p.took)}});
  }
  if (!r.disruptive) return out;
  out["proved_by"] = r.proved_by;
  out["off_proved_ms"] = Millis(r.off_proved);
  out["silent_network_ms"] = Millis(r.silent_network);
  out["silent_disk_ms"] = Millis(r.silent_disk);
  out["powered_on_ms"] = Millis(r.powered_on);
  out["back_ms"] = Millis(r.back);
  return out;
}

OutletProof ToOutlet(const json& at) {
  OutletProof out;
  out.outlet = Text(at, "outlet");
  out.agent = Text(at, "agent");
  out.reach = ToProof(Text(at, "reach"));
  out.reach_by = Text(at, "reach_by");
  out.login = ToProof(Text(at, "login"));
  out.privilege = ToProof(Text(at, "privilege"));
  out.privilege_by = Text(at, "privilege_by");
  out.machine = ToProof(Text(at, "machine"));
  out.machine_by = Text(at, "machine_by");
  out.took = ToDuration(at.value("took_ms", json())).value_or(Duration());
  return out;
}

std::optional<Rehearsed> ToRecord(const json& at) {
  Rehearsed out;
  if (!at.is_object() || Text(at, "node").empty()) return std::nullopt;
  out.node = Text(at, "node");
  out.disruptive = Text(at, "kind") == "disruptive";
  out.passed = at.contains("passed") && at["passed"].is_boolean() && at["passed"].get<bool>();
  out.why = Text(at, "why");
  if (at.contains("at") && at["at"].is_number_integer()) out.wall = at["at"].get<std::int64_t>();
  if (at.contains("outlets") && at["outlets"].is_array()) {
    for (const json& outlet : at["outlets"]) {
      if (outlet.is_object()) out.outlets.push_back(ToOutlet(outlet));
    }
  }
  out.proved_by = Text(at, "proved_by");
  out.off_proved = ToDuration(at.value("off_proved_ms", json()));
  out.silent_network = ToDuration(at.value("silent_network_ms", json()));
  out.silent_disk = ToDuration(at.value("silent_disk_ms", json()));
  out.powered_on = ToDuration(at.value("powered_on_ms", json()));
  out.back = ToDuration(at.value("back_ms", json()));
  return out;
}

std::string Dump(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string Age(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  if (seconds < 0) return "in the future: the clock was set";
  if (seconds < 2 * kMinute) return Cat(seconds, " seconds ago");
  if (seconds < 2 * kHour) return Cat(seconds / kMinute, " minutes ago");
  if (seconds < 2 * kDay) return Cat(seconds / kHour, " hours ago");
  return Cat(seconds / kDay, " days ago");
}

}  // namespace

std::string EncodeRecords(const std::vector<Rehearsed>& records) {
  json out = {{"format", 1}, {"records", json::array()}};
  for (const Rehearsed& record : records) out["records"].push_back(ToJson(record));
  return Dump(out, 1) + "\n";
}

std::vector<Rehearsed> DecodeRecords(std::string_view text) {
  std::vector<Rehearsed> out;
  const json whole = json::parse(text.begin(), text.end(), nullptr, false);
  if (!whole.is_object() || !whole.contains("records") || !whole["records"].is_array()) return out;
  for (const json& record : whole["records"]) {
    if (out.size() >= kMaxRecords) break;
    if (auto read = ToRecord(record)) out.push_back(std::move(*read));
  }
  return out;
}

void Put(const Rehearsed& record, std::vector<Rehearsed>* records) {
  std::erase_if(*records, [&](const Rehearsed& other) {
    return other.node == record.node && other.disruptive == record.disruptive;
  });
  records->push_back(record);
}

std::string RecordJson(const Rehearsed& record) { return Dump(ToJson(record), 2) + "\n"; }

std::string ShowRecords(const std::vector<Rehearsed>& records, std::int64_t wall) {
  std::string out;
  for (const Rehearsed& r : records) {
    const std::int64_t age = wall - r.wall;
    out += Cat("  rehearsed: ", r.node, ", ", r.disruptive ? "disruptive" : "harmless", ", ",
               r.passed ? "passed" : Cat("FAILED (", r.why, ")"), ", ", Age(age),
               age > kStaleAfterS ? ", STALE: do it again" : "", "\n");
  }
  return out;
}

}  // namespace fencepost::stonith
