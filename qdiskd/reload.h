// Reads the configuration again (SIGHUP) while the daemon runs.
//
// Promise: heuristics, min_score and status_file are taken; [ping] is none of qdiskd's business.
// Where anything
//          else has changed, or the file is wrong, nothing is taken: the old stays, and the fact
//          says which keys need a restart of every node.
// Errors:  fact reload-refused; reload-done when it was taken.
#pragma once
#include "base/config/config.h"
#include "env/fact_sink.h"
#include "qdiskd/heuristic_runner.h"
#include "qdiskd/options.h"

namespace fencepost::qdiskd {

// The keys of `next` that a running daemon does not take; empty: it takes it.
[[nodiscard]] std::string WhatNeedsRestart(const config::Config& now, const config::Config& next);

void Reload(const Options& options, config::Config& config, HeuristicRunner& heuristics,
            FactSink& facts);

}  // namespace fencepost::qdiskd
