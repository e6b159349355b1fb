#include "base/config/heuristics.h"

#include <algorithm>

#include "base/config/quote.h"
#include "base/text.h"

namespace fencepost::config {
namespace {

using Need = Section::Need;

void ReadProgram(Section& section, HeuristicConfig& out) {
  if (!section.Has("program")) {
    return section.Fail("program", "is missing",
                        "add program = [\"/usr/sbin/pingd\", \"--once\", …], path and arguments");
  }
  if (!section.Texts("program", kMaxHeuristicArguments, out.program)) return;
  if (out.program.empty()) return section.Fail("program", "is empty", "write path and arguments");
  if (!out.program.front().starts_with('/')) {
    section.Fail("program", Cat(Quoted(out.program.front()), " is not an absolute path"),
                 "write the whole path; no shell looks for it");
  }
  out.name = out.program.front().substr(out.program.front().rfind('/') + 1);
}

void ReadCounts(Section& section, HeuristicConfig& out) {
  std::int64_t score = out.score, tko = out.tko, tko_up = out.tko_up;
  section.Int("score", 1, kMaxHeuristicScore, score);
  section.Int("tko", 1, kMaxHeuristicTko, tko);
  section.Int("tko_up", 1, kMaxHeuristicTko, tko_up);
  out.score = static_cast<std::int32_t>(score);
  out.tko = static_cast<std::uint32_t>(tko);
  out.tko_up = static_cast<std::uint32_t>(tko_up);
}

HeuristicConfig ReadHeuristic(Section section, const Timing& timing) {
  HeuristicConfig out;
  ReadProgram(section, out);
  section.Name("name", out.name, Need::kOptional);
  ReadCounts(section, out);
  out.interval = std::max(timing.peer_timeout / kHeuristicRunsPerSilence, kMinHeuristicInterval);
  section.Time("interval", out.interval);
  if (out.interval < kMinHeuristicInterval) {
    section.Fail("interval", Cat(out.interval, " is below ", kMinHeuristicInterval),
                 "run the program less often");
  }
  out.timeout = out.interval;
  section.Time("timeout", out.timeout);
  if (out.timeout > out.interval * out.tko) {
    section.Fail("timeout",
                 Cat(out.timeout, " is longer than tko * interval, ", out.interval * out.tko),
                 "a run that hangs must not be noticed later than runs that fail: lower timeout, "
                 "or raise tko or interval");
  }
  section.Finish();
  return out;
}

}  // namespace

void ReadFitness(Section& section, const Timing& timing, Errors& errors, FitnessConfig& out) {
  const auto tables = section.Tables("heuristic");
  if (tables.size() > kMaxHeuristics) {
    section.Fail("heuristic", Cat("there are ", tables.size(), " heuristics"),
                 Cat("at most ", kMaxHeuristics, "; let one program ask several things"));
    return;
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    out.heuristics.push_back(ReadHeuristic(
        Section(tables[i], Cat("quorum_disk.heuristic[", i + 1, "]"), errors), timing));
  }
  const std::int32_t highest = out.Highest();
  if (tables.empty()) {
    if (section.Has("min_score")) {
      std::int64_t ignored = 0;
      section.Int("min_score", 1, kMaxScore, ignored);
      section.Fail("min_score", "is given, but there is no heuristic",
                   "add [[quorum_disk.heuristic]] or remove it");
    }
    return;
  }
  std::int64_t least = (highest + 1) / 2;  // as qdisk(5) says
  section.Int("min_score", 1, highest, least);
  out.min_score = static_cast<std::int32_t>(least);
}

void ReadElection(Section& section, bool nodes_known, const Config& config,
                  const FitnessConfig& fitness, ElectionConfig& out) {
  std::string required, tie;
  section.Bool("master_wins", out.master_wins);
  if (section.Text("required_node", required) && nodes_known) {
    const NodeConfig* node = config.FindNode(required);
    if (node == nullptr) {
      section.Fail("required_node", Cat(Quoted(required), " is none of the nodes"),
                   "write the name of a [[node]]");
    } else {
      out.required_node = node->id;
    }
  }
  if (section.Text("tie_breaker", tie)) {
    if (tie != "lowest" && tie != "highest") {
      section.Fail("tie_breaker", Cat(Quoted(tie), " is not known"),
                   "choose \"lowest\" or \"highest\" (node id); for one node use required_node");
    }
    out.highest_wins = tie == "highest";
  }
  if (!out.master_wins) return;
  if (!fitness.heuristics.empty()) {
    section.Fail("master_wins",
                 "contradicts heuristics: who holds the vote would keep it, however unfit",
                 "remove master_wins or every [[quorum_disk.heuristic]]");
  }
  if (!required.empty()) {
    section.Fail("master_wins", "contradicts required_node: each names another winner",
                 "remove one of them");
  }
}

void ReadStatusFile(Section& section, std::string& out) {
  std::string path;
  if (!section.Text("status_file", path)) return;
  if (path != "-" && !path.starts_with('/')) {
    section.Fail("status_file", Cat(Quoted(path), " is neither an absolute path nor \"-\""),
                 "write a path below /run");
  }
  out = path;
}

}  // namespace fencepost::config
