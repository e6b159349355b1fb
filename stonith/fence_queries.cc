// What switches nothing: status queries, and looking after the devices.
#include <algorithm>

#include "base/text.h"
#include "stonith/fencer.h"

namespace fencepost::stonith {
namespace {

constexpr int kAgentOn = 0, kAgentOff = 2;
constexpr Duration kFirstMonitorWithin = std::chrono::seconds(10);
const NodeId kNoNode{};

}  // namespace

// The next level gets its share of what is left; none may eat the time of the others.
void Fencer::NextLevel(Query* query) {
  query->asking.clear();
  query->twice.reset();
  if (query->level >= query->levels.size()) return AnswerQuery(query, Power::kUnknown);
  for (const Outlet& outlet : query->levels[query->level].outlets) {
    if (DeviceOf(outlet).config.scope == FenceScope::kNode) {
      query->asking.emplace_back().outlet = outlet;
    }
  }
}

void Fencer::AdvanceQuery(Query* query) {
  if (query->over) return;
  const auto left = query->asked.not_after - now_;
  if (left <= Duration()) {
    const bool runs = std::any_of(query->asking.begin(), query->asking.end(),
                                  [](const Query::Asking& a) { return a.run != 0; });
    if (query->reason.empty()) query->reason = "no time was left to ask";
    if (!runs) AnswerQuery(query, Power::kUnknown);
    return;
  }
  const Duration share = left / static_cast<int>(query->levels.size() - query->level);
  for (Query::Asking& asking : query->asking) {
    if (asking.answered || asking.run != 0) continue;
    const Duration limit = std::min(DeviceOf(asking.outlet).config.status_timeout, share);
    asking.run = Start(asking.outlet, query->asked.node, "status", RunKind::kQuery, limit,
                       query->asked.not_after);
    asking.begun = now_;
  }
}

bool Fencer::EndOfQuery(const AgentEnded& ended, bool ended_by_us) {
  for (Query& query : queries_) {
    for (Query::Asking& asking : query.asking) {
      if (asking.run != ended.run) continue;
      asking.run = 0;
      if (ended_by_us) return true;  // it gave way to a fence, and asks again
      asking.answered = true;
      const bool clear = ended.started && !ended.killed &&
                         (ended.exit_code == kAgentOn || ended.exit_code == kAgentOff);
      if (clear) {
        asking.power = ended.exit_code == kAgentOff ? Power::kOff : Power::kOn;
      } else {
        query.reason = AgentError(Cat("device ", asking.outlet.name), ended).Text();
      }
      JudgeLevel(&query);
      return true;
    }
  }
  return false;
}

// One outlet that is on feeds the machine; off needs every one of them.
void Fencer::JudgeLevel(Query* query) {
  bool waits = false, all_off = true, one_on = false;
  for (const Query::Asking& asking : query->asking) {
    waits = waits || !asking.answered;
    all_off = all_off && asking.answered && asking.power == Power::kOff;
    one_on = one_on || (asking.answered && asking.power == Power::kOn);
  }
  if (waits) return;
  if (all_off && query->asking.size() > 1 && !query->twice) {
    query->twice = kNever;
    for (Query::Asking& asking : query->asking) {
      query->twice = std::min(*query->twice, asking.begun);
      asking.answered = false;
    }
    return;
  }
  if (all_off) return AnswerQuery(query, Power::kOff);
  if (one_on) return AnswerQuery(query, Power::kOn);
  ++query->level;
  NextLevel(query);
}

void Fencer::AnswerQuery(Query* query, Power power) {
  StatusAnswer answer{query->asked.id, query->asked.node, power, "", now_, now_};
  for (const Query::Asking& asking : query->asking) {
    answer.begun_at = std::min(answer.begun_at, asking.begun);
  }
  if (query->twice) answer.begun_at = std::min(answer.begun_at, *query->twice);
  if (power == Power::kUnknown) answer.reason = query->reason;
  effects_.emplace_back(std::move(answer));
  query->over = true;
}

void Fencer::AdvanceMonitors() {
  if (!watching_) {  // not all at once, and not at the same instant on all nodes
    watching_ = true;
    for (std::size_t i = 0; i < watched_.size(); ++i) {
      const auto place = static_cast<int>(i + 1 + config_.self.value());
      watched_[i].next = now_ + (kFirstMonitorWithin * place) / (place + 1);
    }
  }
  for (Watched& watched : watched_) {
    if (watched.run != 0 || now_ < watched.next) continue;
    const FenceDevice& device = config_.devices[watched.device].config;
    watched.next = now_ + device.monitor_interval;
    watched.run = Start({watched.device, "", ""}, kNoNode, "monitor", RunKind::kMonitor,
                        device.monitor_timeout, now_ + device.monitor_timeout);
  }
}

bool Fencer::EndOfMonitor(const AgentEnded& ended, bool ended_by_us) {
  for (Watched& watched : watched_) {
    if (watched.run != ended.run) continue;
    watched.run = 0;
    if (ended_by_us) return true;
    DeviceHealth& health = watched.health;
    // Some agents of one plug answer 2 here when the machine is off: the device was reached.
    const bool ok = ended.started && !ended.killed &&
                    (ended.exit_code == kAgentOn || ended.exit_code == kAgentOff);
    const std::string trouble =
        ok ? "" : AgentError(Cat("monitor of ", health.device), ended).cause;
    if (ok != health.ok || !health.asked) {
      Fact fact{ok ? Severity::kNotice : Severity::kError,
                ok ? "fence-device-ok" : "fence-device-failed",
                {}};
      fact.With("device", health.device);
      if (!ok) fact.With("why", trouble);
      effects_.emplace_back(std::move(fact));
    }
    health.asked = true;
    health.ok = ok;
    health.ended = now_;
    health.trouble = trouble;
    return true;
  }
  return false;
}

std::vector<DeviceHealth> Fencer::Health() const {
  std::vector<DeviceHealth> out;
  for (const Watched& watched : watched_) out.push_back(watched.health);
  return out;
}

std::string PhasesInWords(const HistoryRecord& record) {
  std::string out = ToText(record.ended - record.asked);
  std::string_view before = ": ";
  for (const PhaseRecord& phase : record.phases) {
    out += Cat(before, phase.device, " ", phase.action, " ", phase.ended - phase.begun, " ",
               phase.verdict);
    before = ", ";
  }
  return out;
}

}  // namespace fencepost::stonith
