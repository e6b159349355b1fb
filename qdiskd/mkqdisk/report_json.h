// What mkqdisk shows, as JSON: docs in mkqdisk(8), "JSON".
//
// Promise: names stay; later versions only add. Text that came from a disk is printable. Terms are
//          text ("17.2"), instants milliseconds since 1970, durations milliseconds or microseconds
//          as their names say. Errors: none.
#pragma once
#include <nlohmann/json.hpp>

#include "qdiskd/mkqdisk/listing.h"
#include "qdiskd/mkqdisk/probe.h"
#include "qdiskd/mkqdisk/why.h"

namespace fencepost::qdiskd::mkqdisk {

using Json = nlohmann::ordered_json;
[[nodiscard]] Json DiskJson(const ListedDisk& disk);
[[nodiscard]] Json SlotJson(NodeId node, const SlotPair& pair);
[[nodiscard]] Json RoundJson(std::uint64_t wall_ms, const std::vector<WatchedSlot>& slots,
                             MonoTime now);
[[nodiscard]] Json ProbeJson(const std::string& device, const ProbeFindings& findings);
[[nodiscard]] Json WhyJson(const DiskStory& story, NodeId node, const NodeNames& names);

}  // namespace fencepost::qdiskd::mkqdisk
