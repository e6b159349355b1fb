// Out-box and acknowledgement on the disk, byte for byte: docs/format/disk.md, "Storage death".
//
// Promise: sealed as every unit is. A box that names a node twice, out of order or outside of
//          1..kMaxNodes, or holds a word that this version does not know, is malformed as a whole:
//          nobody obeys half of it.
// Time:    wall clock, display only. Errors: Condition.
#pragma once
#include <vector>

#include "qdiskd/disk_format.h"
#include "qdiskd/node_message.h"

namespace fencepost::qdiskd {

// REQUIRES: place of this region and node; entries as their struct says.
[[nodiscard]] Bytes EncodeOutbox(const Outbox& box, const Place& place,
                                 const DiskIdentity& identity, const MacFunction& mac);
[[nodiscard]] Bytes EncodeAckBox(const AckBox& box, const Place& place,
                                 const DiskIdentity& identity, const MacFunction& mac);

template <class Box>
struct DecodedBox {
  Condition condition = Condition::kNotOurs;
  Box box;             // only when IsReadable(condition)
  int write_next = 0;  // of a pair: the copy that does not hold `box`
};
[[nodiscard]] DecodedBox<Outbox> DecodeOutbox(ByteView unit, const Place& place,
                                              const DiskIdentity& identity, const MacFunction& mac);
[[nodiscard]] DecodedBox<AckBox> DecodeAckBox(ByteView unit, const Place& place,
                                              const DiskIdentity& identity, const MacFunction& mac);

// What the copies A and B of a node say together, as PickNewest of disk_format.h. REQUIRES: two
// units.
[[nodiscard]] DecodedBox<Outbox> DecodeOutboxPair(ByteView units, NodeId node, const Geometry& g,
                                                  const DiskIdentity& identity,
                                                  const MacFunction& mac);
[[nodiscard]] DecodedBox<AckBox> DecodeAckPair(ByteView units, NodeId node, const Geometry& g,
                                               const DiskIdentity& identity,
                                               const MacFunction& mac);

// Of nodes 1, 2, ... from one read that began at the region's offset: as many as it covers.
// REQUIRES: whole pairs, not more than geometry has nodes.
[[nodiscard]] std::vector<DecodedBox<Outbox>> DecodeOutboxes(ByteView region, const Geometry& g,
                                                             const DiskIdentity& identity,
                                                             const MacFunction& mac);
[[nodiscard]] std::vector<DecodedBox<AckBox>> DecodeAckBoxes(ByteView region, const Geometry& g,
                                                             const DiskIdentity& identity,
                                                             const MacFunction& mac);

}  // namespace fencepost::qdiskd
