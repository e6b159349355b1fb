// From the two files that every node shares to what its daemon's mind works from.
//
// Promise: nodes with equal digests were configured to do the same: all of fencepost.toml that
//          concerns more than one node (not paths, logs or secrets), and all of the CIB.
// Errors:  SettingsOf refuses a CIB whose nodes are not those of the configuration; it names the
//          node and what to change.
#pragma once
#include "base/cib.h"
#include "base/config/config.h"
#include "base/result.h"
#include "membership/node/member.h"

namespace fencepost::daemon {

[[nodiscard]] messaging::Digest DigestOf(const config::Config& config, const Cib& cib);

// Everything but what the runner reads at its start: boot, incarnation, voter state, term counter.
[[nodiscard]] Result<node::MemberSettings> SettingsOf(const config::Config& config, const Cib& cib,
                                                      NodeId self);

}  // namespace fencepost::daemon
