#include "tests/sim/scene_times.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "tests/sim/cluster.h"

namespace fencepost::sim {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kHalfDrift = 500;  // ppm
constexpr Duration kLimit = seconds(60);
constexpr Duration kSplitLasts = seconds(10);

struct Stage {
  Cluster& cluster;
  Node& active;
  Node& passive;
};

void PowerLoss(Stage& s) { s.active.PowerOff("the plug is pulled"); }
void Split(Stage& s) { s.cluster.Split(NodeId(1), NodeId(2)); }
void SplitWithoutDisk(Stage& s) {
  Split(s);
  s.cluster.disk().Cut(s.active.id());
}
void PlannedStop(Stage& s) { s.active.Leave(); }

struct Scene {
  std::string_view name;
  void (*fault)(Stage&);
  bool prefers_the_passive;
};
constexpr std::array kScenes = {Scene{"1", PowerLoss, false}, Scene{"2b", Split, true},
                                Scene{"3", SplitWithoutDisk, false},
                                Scene{"4", PlannedStop, false}};

ClusterSettings Draw(std::uint64_t seed, Prng& rng) {
  ClusterSettings out;
  out.seed = seed;
  for (int i = 0; i < out.nodes; ++i) {
    out.rates_ppm.push_back(static_cast<std::int64_t>(rng.Below(2 * kHalfDrift + 1)) - kHalfDrift);
  }
  return out;
}

std::optional<Duration> TimeOne(const Scene& scene, std::uint64_t seed, std::string* timeline) {
  Prng rng(seed);
  ClusterSettings settings = Draw(seed, rng);
  const bool first = rng.OneIn(2);  // which node is up first, and so has the services
  if (scene.prefers_the_passive)
    settings.scores = first ? std::vector{0, 100} : std::vector{100, 0};
  Cluster cluster(settings);
  Node& active = cluster.node(first ? 1 : 2);
  Node& passive = cluster.node(first ? 2 : 1);
  active.StartDaemons();
  if (!cluster.RunUntil(cluster.Bound(), [&] { return cluster.AllOn(active.id().value()); })) {
    return std::nullopt;
  }
  passive.StartDaemons();
  if (!cluster.RunUntil(cluster.Bound(), [&] { return cluster.Healthy(); })) return std::nullopt;
  // A split that is over: the voter of the side that lost it may have no vote left for this term.
  if (!scene.prefers_the_passive && rng.OneIn(2)) {
    cluster.Split(NodeId(1), NodeId(2));
    cluster.Run(kSplitLasts);
    cluster.HealNetwork();
    passive.PowerOn();
    if (!cluster.RunUntil(cluster.Bound(), [&] { return cluster.Healthy(); })) return std::nullopt;
    if (!cluster.AllOn(active.id().value())) return std::nullopt;
  }
  // What the restart wait of a voter costs is known, and no matter of the scene.
  const auto votes = [&] {
    return passive.member()->Status(passive.machine().Now()).vote_trouble.empty();
  };
  if (!cluster.RunUntil(cluster.Bound(), [&] { return cluster.Healthy() && votes(); })) {
    return std::nullopt;
  }
  cluster.Run(Millis(static_cast<std::int64_t>(rng.Below(7000))));
  Stage stage{cluster, active, passive};
  scene.fault(stage);
  const auto took = cluster.RunUntil(kLimit, [&] { return cluster.AllOn(passive.id().value()); });
  if (timeline != nullptr) *timeline = cluster.journal().Text();
  return cluster.violations().empty() ? took : std::nullopt;
}

}  // namespace

std::string SceneTimes::Text() const {
  if (took.empty()) return Cat("no run ended well, ", bad.size(), " bad\n");
  const auto at = [&](std::size_t percent) {
    return ToMillis(took[(took.size() - 1) * percent / 100]);
  };
  std::string out = Cat(took.size(), " runs, ms: min ", at(0), ", p10 ", at(10), ", median ",
                        at(50), ", p90 ", at(90), ", p99 ", at(99), ", max ", at(100), " (seed ",
                        seeds.back(), "), ", bad.size(), " bad\n");
  for (const std::uint64_t seed : bad) out += Cat("bad: seed ", seed, "\n");
  return out;
}

std::optional<SceneTimes> TimeScene(std::string_view name, std::uint64_t from, std::uint64_t seeds,
                                    bool print_slowest) {
  const auto* const scene =
      std::find_if(kScenes.begin(), kScenes.end(), [&](const Scene& s) { return s.name == name; });
  if (scene == kScenes.end()) return std::nullopt;
  SceneTimes out;
  std::vector<std::pair<Duration, std::uint64_t>> all;
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    const auto took = TimeOne(*scene, seed, nullptr);
    if (took) all.emplace_back(*took, seed);
    if (!took) out.bad.push_back(seed);
  }
  std::sort(all.begin(), all.end());
  for (const auto& [took, seed] : all) {
    out.took.push_back(took);
    out.seeds.push_back(seed);
  }
  if (print_slowest && !all.empty()) {
    std::string timeline;
    (void)TimeOne(*scene, all.back().second, &timeline);
    std::fputs(timeline.c_str(), stdout);
  }
  return out;
}

}  // namespace fencepost::sim
