// Reads [[quorum_disk.heuristic]] and the keys of [quorum_disk] that say who wins a split.
//
// Promise, Errors: as base/config/config.h.
#pragma once
#include "base/config/config_reader.h"

namespace fencepost::config {

// `section` is [quorum_disk]. REQUIRES: out.timing and, when `nodes_known`, out.nodes are read.
void ReadFitness(Section& section, const Timing& timing, Errors& errors, FitnessConfig& out);
void ReadElection(Section& section, bool nodes_known, const Config& config,
                  const FitnessConfig& fitness, ElectionConfig& out);

void ReadStatusFile(Section& section, std::string& out);

}  // namespace fencepost::config
