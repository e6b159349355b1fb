#include "qdiskd/reload.h"

#include "base/config/difference.h"
#include "env/linux/site_files.h"

namespace fencepost::qdiskd {

std::string WhatNeedsRestart(const config::Config& now, const config::Config& next) {
  std::string out;
  for (const std::string_view name : config::Differences(now, next)) {
    if (name == "quorum_disk.heuristic" || name == "quorum_disk.min_score" ||
        name == "quorum_disk.status_file" || name == "ping") {
      continue;
    }
    out += Cat(out.empty() ? "" : ", ", name);
  }
  return out;
}

void Reload(const Options& options, config::Config& config, HeuristicRunner& heuristics,
            FactSink& facts) {
  const auto next = LoadConfigFile(options.config_file);
  std::string why;
  if (!next.ok()) {
    for (const std::string& each : next.error()) why += Cat(why.empty() ? "" : "; ", each);
  } else if (const std::string keys = WhatNeedsRestart(config, *next); !keys.empty()) {
    why = Cat("changed, and need a restart of every node: ", keys);
  }
  if (!why.empty()) {
    facts.Record(Fact{Severity::kError, "reload-refused", {}}.With("why", why));
    return;
  }
  config = *next;
  heuristics.Reload(config.quorum_disk->fitness);
  facts.Record(Fact{Severity::kNotice, "reload-done", {}}.With(
      "heuristics", config.quorum_disk->fitness.heuristics.size()));
}

}  // namespace fencepost::qdiskd
