// The fence devices of a CIB, primitives of class stonith, and its <fencing-topology>.
//
// Promise: every device names a node that it can fence; every level names devices that have its
//          target. A secret is refused, and its value never repeated.
// Errors:  reported to the Xml, which keeps the first; look at Failed() before using the result.
// Source:  Pacemaker Explained 2.1, "Fencing"; which agents take storage or network only: the
//          fence-agents project.
#pragma once
#include "base/cib.h"
#include "membership/cib/xml.h"

namespace fencepost::cib {

// REQUIRES: cib.nodes is filled.
[[nodiscard]] FenceDevice ReadFenceDevice(Xml& xml, pugi::xml_node at, const Cib& cib);
// Fills fence_levels. REQUIRES: nodes and fence_devices are filled.
void ReadTopology(Xml& xml, pugi::xml_node topology, Cib& cib);

}  // namespace fencepost::cib
