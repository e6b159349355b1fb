// The flight recorder on the disk, byte for byte: docs/format/disk.md, "Flight recorder".
//
// Promise: a unit of the ring is sealed as every unit is. It is a page of records of one
// incarnation
//          of one node's qdiskd; their numbers rise within a node for ever. What cannot be read is
//          never taken for empty by a reader of the story: it is counted.
// Time:    wall clock, display only. Errors: Condition.
#pragma once
#include <optional>
#include <vector>

#include "qdiskd/decision.h"
#include "qdiskd/disk_format.h"

namespace fencepost::qdiskd {

struct Record {
  std::uint64_t number = 0;   // rises by at least one; from 1
  std::uint64_t wall_ms = 0;  // since 1970, of the writer
  Decision decision;
  friend bool operator==(const Record&, const Record&) = default;
};

struct RecorderPage {
  BootId boot;  // both of the writer of this page; its earlier records may be older
  Incarnation incarnation;
  std::uint64_t sequence = 0;  // of this incarnation's writes into the ring
  std::uint64_t wall_ms = 0;   // of the write
  std::vector<Record> records;
  friend bool operator==(const RecorderPage&, const RecorderPage&) = default;
};

// Bytes of a page for records, and what one takes.
inline constexpr std::size_t kPageRoom = kUnitBytes - 112 - 2;
[[nodiscard]] inline std::size_t RecordBytes(const Record& record) {
  return 8 + 8 + 8 + 1 + 1 + 2 + record.decision.text.size();
}

// REQUIRES: place in the recorder; numbers rise; the records fit; texts within kMaxDecisionText.
[[nodiscard]] Bytes EncodePage(const RecorderPage& page, const Place& place,
                               const DiskIdentity& identity, const MacFunction& mac);
struct DecodedPage {
  Condition condition = Condition::kNotOurs;
  RecorderPage page;  // only when IsReadable(condition)
};
[[nodiscard]] DecodedPage DecodePage(ByteView unit, const Place& place,
                                     const DiskIdentity& identity, const MacFunction& mac);

// The ring of one node from the bytes of its kRecorderUnits units. REQUIRES: that many bytes.
[[nodiscard]] std::vector<DecodedPage> DecodeRing(ByteView ring, NodeId node,
                                                  const Geometry& geometry,
                                                  const DiskIdentity& identity,
                                                  const MacFunction& mac);

}  // namespace fencepost::qdiskd
