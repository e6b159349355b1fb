// The status file of qdisk(5): the text that monitoring of the Red Hat Cluster Suite reads.
//
// Promise: its lines, in its order: Time Stamp, Node ID, Score, Current state, Initializing Set,
//          Visible Set, Master Node ID, Quorate Set, an empty line; then, for each heuristic, one
//          line more, which RHCS does not have.
//          Running: the disk is read and written. Master: this node holds the disk's vote.
//          Initializing Set: nodes that write, and whose daemon says nothing yet (no votes).
// Time:    `when` is display only, as ctime() writes it. Errors: none.
#pragma once
#include <string>

#include "qdiskd/local_protocol.h"

namespace fencepost::qdiskd {

[[nodiscard]] std::string StatusFileText(const local::View& view, NodeId self,
                                         const std::string& when);

}  // namespace fencepost::qdiskd
