// fencepost-sim: replays one seed, or runs many.
#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "base/text.h"
#include "tests/sim/run.h"
#include "tests/sim/scene_times.h"

namespace {

namespace po = boost::program_options;
using fencepost::Cat;
using fencepost::sim::RunResult;
using fencepost::sim::RunSeed;
using fencepost::sim::Summary;

constexpr int kGood = 0, kBad = 1, kUsage = 2;
constexpr std::uint64_t kShowBad = 20;  // verdicts printed at most
constexpr int kProvePatience = 4;       // times the budget: sanitizers and busy machines are slow

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

std::string Verdict(const RunResult& result) {
  std::string out = Cat("seed ", result.seed, " (", result.shape, ", ", result.virtual_ms,
                        " virtual ms, recovered in ", result.recovered_ms, " ms, fingerprint ",
                        result.fingerprint, "): ");
  if (result.trouble.empty()) return out + "VERDICT: safe\n";
  out += "VERDICT: violated\n";
  for (const std::string& trouble : result.trouble) out += Cat("  ", trouble, "\n");
  return out;
}

int Replay(std::uint64_t seed, bool quiet) {
  const RunResult result = RunSeed(seed, true);
  if (!quiet) Print(result.timeline);
  Print(Verdict(result));
  return result.trouble.empty() ? kGood : kBad;
}

int Many(std::uint64_t from, std::uint64_t most, std::chrono::duration<double> budget, bool prove) {
  Summary summary;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = from; seed < from + most; ++seed) {
    const auto spent = std::chrono::steady_clock::now() - start;
    const bool wanted = prove && !summary.NotReached().empty() && spent < kProvePatience * budget;
    if (spent > budget && !wanted) break;
    const RunResult result = RunSeed(seed, false);
    summary.Add(result);
    if (!result.trouble.empty() && summary.bad_seeds.size() <= kShowBad) {
      Print(Cat(Verdict(result), "  replay: fencepost-sim --seed ", seed, "\n"));
      std::fflush(stdout);
    }
  }
  Print(summary.Text());
  int code = summary.bad_seeds.empty() ? kGood : kBad;
  for (const std::string& missing : summary.NotReached()) {
    Print(Cat("never reached: ", missing, "\n"));
    if (prove) code = kBad;
  }
  return code;
}

int Times(const std::string& scene, std::uint64_t from, std::uint64_t seeds, bool slowest) {
  const auto times = fencepost::sim::TimeScene(scene, from, seeds, slowest);
  if (!times) {
    std::fprintf(stderr, "fencepost-sim: no scene %s; there are %s\n", scene.c_str(),
                 std::string(fencepost::sim::kSceneNames).c_str());
    return kUsage;
  }
  Print(Cat("scene ", scene, ": ", times->Text()));
  return times->bad.empty() ? kGood : kBad;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t kNoEnd = std::uint64_t{1} << 62;
  std::uint64_t seed = 0, seeds = kNoEnd, from = 1;
  double minutes = 0;
  std::string scene;
  po::options_description options("fencepost-sim: whole clusters in virtual time, from seeds");
  auto add = options.add_options();
  add("help,h", "show this");
  add("seed", po::value(&seed), "replay this one: its timeline and its verdict");
  add("quiet", "with --seed: the verdict alone");
  add("seeds", po::value(&seeds), "run so many");
  add("from", po::value(&from), "the first of them (default 1)");
  add("minutes", po::value(&minutes), "stop after so many minutes of real time");
  add("scene", po::value(&scene), "time a scene of the demo over --seeds (default 200)");
  add("slowest", "with --scene: the timeline of the slowest run");
  add("prove",
      "fail also if the runs did not reach everything that they must; up to four times as "
      "many minutes are spent on it");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::fprintf(stderr, "fencepost-sim: %s; --help shows the options\n", error.what());
    return kUsage;
  }
  if (given.count("seed") != 0) return Replay(seed, given.count("quiet") != 0);
  if (given.count("scene") != 0) {
    constexpr std::uint64_t kTimed = 200;
    const std::uint64_t runs = given.count("seeds") != 0 ? seeds : kTimed;
    return Times(scene, from, runs, given.count("slowest") != 0);
  }
  if (given.count("seeds") + given.count("minutes") == 0) {
    Print(Cat("usage: fencepost-sim --seed N | --seeds N | --minutes M\n"));
    return given.count("help") != 0 ? kGood : kUsage;
  }
  const double limit = given.count("minutes") != 0 ? minutes : 1e6;
  return Many(from, seeds, std::chrono::duration<double>(limit * 60), given.count("prove") != 0);
}
