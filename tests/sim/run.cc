#include "tests/sim/run.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tests/sim/chaos.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kFnvStart = 14695981039346656037ULL, kFnvPrime = 1099511628211ULL;
constexpr Duration kSteady = seconds(15);
constexpr Duration kCleanupAfter = seconds(20);  // an operator looks, and forgets old failures

std::uint64_t Fingerprint(const Journal& journal) {
  std::uint64_t hash = kFnvStart;
  const auto mix = [&](std::uint64_t value) { hash = (hash ^ value) * kFnvPrime; };
  for (const JournalLine& line : journal.lines()) {
    mix(static_cast<std::uint64_t>(line.at.time_since_epoch().count()));
    mix(line.node.value());
    for (const char c : line.who) mix(static_cast<std::uint8_t>(c));
    for (const char c : line.text) mix(static_cast<std::uint8_t>(c));
  }
  return hash;
}

// Healthy and unmoved for kSteady within the bound: what the last faults still cause is over.
void Recover(Cluster& cluster, Chaos& chaos, RunResult& out) {
  const Duration bound = cluster.Bound();
  Duration took{}, steady{};
  int active = 0;
  while (took < bound + kSteady && steady < kSteady && cluster.violations().empty()) {
    cluster.Run(seconds(1));
    took += seconds(1);
    chaos.Mend();  // whoever is fenced now is powered on by the operator
    if (took == kCleanupAfter) {
      for (const auto& node : cluster.nodes()) node->Cleanup();
    }
    const bool same = cluster.Healthy() && cluster.Active() == active;
    steady = same ? steady + seconds(1) : Duration();
    active = cluster.Active();
  }
  out.recovered_ms = ToMillis(took - steady);
  if (!cluster.violations().empty()) return;
  if (steady < kSteady) {
    const std::string why = cluster.WhyNotHealthy();
    out.trouble.push_back(Cat("L1: ", ToText(bound), " after the last fault ",
                              why.empty() ? "the services still move" : why));
    return;
  }
  cluster.Run(kSteady);
  if (!cluster.Healthy() || cluster.Active() != active) {
    out.trouble.push_back(Cat("L1: without any fault ",
                              cluster.Healthy() ? "the services moved" : cluster.WhyNotHealthy()));
  }
}

void CountWhatWasSeen(Cluster& cluster, const Chaos& chaos, RunResult& out) {
  for (const JournalLine& line : cluster.journal().lines()) ++out.facts[line.name];
  for (const auto& [fault, times] : chaos.struck()) {
    out.faults[fault] += static_cast<std::uint64_t>(times);
  }
  const auto seen = [&](const char* what, auto count) {
    out.seen[what] += static_cast<std::uint64_t>(count);
  };
  seen("coordinator changes", cluster.oracle().takeovers());
  seen("nodes shot", cluster.oracle().shots());
  seen("services moved", cluster.oracle().moves());
  for (int i = 0; i < cluster.disks(); ++i) {
    const SimDisk::Seen& disk = cluster.disk(i).seen();
    seen("late writes", disk.late_writes);
    seen("torn writes", disk.torn_writes);
    seen("lost writes", disk.lost_writes);
    seen("write barriers", disk.barriers);
    seen("writers shut out", disk.shut_out);
  }
  const SimNetwork::Seen& net = cluster.network().seen();
  seen("datagrams delivered", net.delivered);
  seen("datagrams lost", net.lost);
  seen("datagrams cut", net.cut);
  seen("datagrams doubled", net.doubled);
  seen("datagrams damaged", net.damaged);
  seen("datagrams replayed", net.replayed);
  for (const auto& node : cluster.nodes()) {
    seen("daemon starts", node->starts());
    seen("watchdogs that bit", node->watchdog().bites());
    seen("fence agents that came too late", node->power_device().too_late());
  }
}

void AddCounts(Counts& sum, const Counts& more) {
  for (const auto& [name, count] : more) sum[name] += count;
}

std::string Table(std::string_view title, const Counts& counts) {
  std::string out = Cat(title, "\n");
  for (const auto& [name, count] : counts) {
    const std::string number = Cat(count);
    out += Cat("  ", std::string(number.size() < 10 ? 10 - number.size() : 0, ' '), number, "  ",
               name, "\n");
  }
  return out;
}

}  // namespace

RunResult RunSeed(std::uint64_t seed, bool want_timeline) {
  RunResult out;
  out.seed = seed;
  Cluster cluster(DrawCluster(seed));
  Chaos chaos(cluster, seed);
  Prng rng(~seed);
  out.shape = Cat(cluster.nodes().size(), " nodes, ", cluster.disks(),
                  cluster.disks() == 1 ? " disk" : " disks");
  cluster.StartAll();
  cluster.Run(rng.OneIn(2) ? seconds(15) : Millis(static_cast<std::int64_t>(rng.Below(5000))));
  const auto faults_last = seconds(30 + rng.Below(90));
  chaos.Begin(faults_last);
  cluster.Run(faults_last);
  chaos.End();
  Recover(cluster, chaos, out);
  for (const std::string& violation : cluster.violations()) out.trouble.push_back(violation);
  out.virtual_ms = ToMillis(cluster.Elapsed());
  out.events = cluster.world().events_run();
  out.fingerprint = Fingerprint(cluster.journal());
  CountWhatWasSeen(cluster, chaos, out);
  if (want_timeline || !out.trouble.empty()) out.timeline = cluster.journal().Text();
  return out;
}

void Summary::Add(const RunResult& result) {
  ++runs;
  events += result.events;
  virtual_ms += result.virtual_ms;
  slowest_recovery_ms = std::max(slowest_recovery_ms, result.recovered_ms);
  if (!result.trouble.empty()) bad_seeds.push_back(result.seed);
  AddCounts(facts, result.facts);
  AddCounts(seen, result.seen);
  AddCounts(faults, result.faults);
}

std::string Summary::Text() const {
  return Cat(Table("faults that struck:", faults), Table("what was seen:", seen),
             Table("facts:", facts), runs, " seeds, ", virtual_ms / 60'000, " virtual minutes, ",
             events, " events, slowest recovery ", slowest_recovery_ms, " ms, ", bad_seeds.size(),
             " bad seeds\n");
}

std::vector<std::string> Summary::NotReached() const {
  static constexpr std::array kFacts = {"quorate",
                                        "quorum-lost",
                                        "stands-down",
                                        "quiesced",
                                        "fence-decided",
                                        "fence-proved",
                                        "fenced",
                                        "member-lost",
                                        "member-joined",
                                        "disk-lost",
                                        "disk-vote-promised",
                                        "disk-vote-held",
                                        "disk-vote-wait-ended",
                                        "disk-vote-conceded",
                                        "disk-vote-dropping",
                                        "power-is-off",
                                        "vote-granted",
                                        "follows",
                                        "authority-ended",
                                        "leaving",
                                        "qdiskd-gone",
                                        "gives-up-authority",
                                        "consumer-gone-with-term"};
  static constexpr std::array kSeen = {
      "coordinator changes", "nodes shot",        "services moved",    "late writes",
      "torn writes",         "lost writes",       "datagrams cut",     "datagrams damaged",
      "datagrams replayed",  "datagrams doubled", "watchdogs that bit"};
  std::vector<std::string> out;
  for (const char* fact : kFacts) {
    if (facts.count(fact) == 0) out.push_back(Cat("the fact ", fact));
  }
  for (const char* what : kSeen) {
    if (seen.count(what) == 0 || seen.at(what) == 0) out.push_back(what);
  }
  return out;
}

}  // namespace fencepost::sim
