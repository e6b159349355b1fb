#include "pingd/status.h"

#include <algorithm>

#include "base/config/quote.h"

namespace fencepost::ping {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShown = 200;

json OfTarget(const Watch& watch, TargetIndex index, MonoTime now) {
  const config::PingTarget& target = watch.config().targets[index];
  const TargetView& view = watch.target(index);
  json out{{"name", target.name},
           {"host", target.host},
           {"probe", std::string(Name(target.probe))},
           {"state", std::string(Name(view.state))},
           {"since_ms", ToMillis(now - view.since)},
           {"address", view.address},
           {"trouble", view.trouble},
           {"sent", view.sent},
           {"answered", view.answered},
           {"rounds", view.rounds},
           {"lost_rounds", view.lost_rounds},
           {"rtt_us", nullptr},
           {"group", nullptr},
           {"weight", nullptr}};
  if (view.rtt) {
    out["rtt_us"] = std::chrono::duration_cast<std::chrono::microseconds>(*view.rtt).count();
  }
  if (target.group.empty()) {
    out["weight"] = target.weight;
  } else {
    out["group"] = target.group;
  }
  return out;
}

json OfGroups(const Watch& watch) {
  json out = json::array();
  for (const config::PingGroup& group : watch.config().groups) {
    std::size_t members = 0, answering = 0;
    for (TargetIndex i = 0; i < watch.config().targets.size(); ++i) {
      if (watch.config().targets[i].group != group.name) continue;
      ++members;
      answering += watch.target(i).state == TargetState::kUp ? 1 : 0;
    }
    const std::size_t need = group.need == config::kAllOfGroup ? members : group.need;
    out.push_back({{"name", group.name},
                   {"need", need},
                   {"targets", members},
                   {"answering", answering},
                   {"met", answering >= need},
                   {"weight", group.weight}});
  }
  return out;
}

std::string Field(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return "?";
  const json& value = object[key];
  if (value.is_string()) return config::Printable(value.get<std::string>(), kMaxShown);
  if (value.is_null()) return "-";
  return Dump(value);
}

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

std::string Dump(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

json StatusJson(const Watch& watch, const ReplyCounters& replies, const SinkState& sink,
                MonoTime now, std::size_t first, std::size_t count) {
  const auto raw = watch.RawScore();
  const auto published = watch.Published();
  json out{{"format", 1},
           {"attribute", watch.config().attribute},
           {"score", nullptr},
           {"published", nullptr},
           {"highest", config::HighestScore(watch.config())},
           {"failure_score", watch.config().failure_score},
           {"failed", nullptr},
           {"dampening", watch.Dampening()},
           {"sink", {{"name", sink.name}, {"reached", sink.reached}, {"trouble", sink.trouble}}},
           {"replies",
            {{"accepted", replies.accepted},
             {"malformed", replies.malformed},
             {"foreign", replies.foreign},
             {"forged", replies.forged},
             {"late", replies.late}}},
           {"groups", OfGroups(watch)},
           {"targets", json::array()}};
  if (raw) out["score"] = *raw;
  if (published) {
    out["published"] = *published;
    out["failed"] = *published < watch.config().failure_score;
  }
  const std::size_t all = watch.config().targets.size();
  const std::size_t end = first >= all ? all : first + std::min(count, all - first);
  for (std::size_t i = first; i < end; ++i) {
    out["targets"].push_back(OfTarget(watch, static_cast<TargetIndex>(i), now));
  }
  out["next"] = end < all ? json(end) : json(nullptr);
  return out;
}

std::string StatusText(const json& status) {
  std::string out = Cat(Field(status, "attribute"), " = ", Field(status, "published"), " of ",
                        Field(status, "highest"));
  if (Field(status, "published") != Field(status, "score")) {
    out += Cat(" (now ", Field(status, "score"), ", held back)");
  }
  if (Field(status, "failed") == "true") {
    out += Cat(", FAILED: below ", Field(status, "failure_score"));
  }
  out += "\n";
  const json sink = status.value("sink", json::object());
  if (Field(sink, "name") != "none") {
    const bool reached = Field(sink, "reached") == "true";
    const std::string why = Field(sink, "trouble");
    out += Cat("told to ", Field(sink, "name"), reached ? "" : ": NOT REACHED",
               reached || why.empty() ? "" : Cat(": ", why), "\n");
  }
  const json groups = status.value("groups", json::array());
  for (const json& group : groups) {
    out += Cat("group ", Padded(Field(group, "name"), 16), " ",
               Field(group, "met") == "true" ? "met    " : "NOT MET", " ",
               Field(group, "answering"), " of ", Field(group, "targets"), ", needs ",
               Field(group, "need"), ", weight ", Field(group, "weight"), "\n");
  }
  const json targets = status.value("targets", json::array());
  std::size_t width = 8;
  for (const json& target : targets) width = std::max(width, Field(target, "name").size());
  for (const json& target : targets) {
    const bool alone = Field(target, "group") == "-";
    out += Cat(
        Padded(Field(target, "name"), width), " ", Padded(Field(target, "state"), 7), " ",
        Padded(Field(target, "probe"), 4), " ",
        Padded(Cat("rtt ", Field(target, "rtt_us"), " us"), 16), " answered ",
        Field(target, "answered"), "/", Field(target, "sent"), " ",
        alone ? Cat("weight ", Field(target, "weight")) : Cat("group ", Field(target, "group")));
    const std::string trouble = Field(target, "trouble");
    if (!trouble.empty() && trouble != "?") out += Cat(" (", trouble, ")");
    out += "\n";
  }
  return out;
}

}  // namespace fencepost::ping
