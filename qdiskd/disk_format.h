// The quorum disk, byte for byte: format v1. Tables: docs/format/disk.md.
//
// Promise: every unit carries where it belongs (cluster, disk, region, node, copy, unit number), a
//          CRC32C over all of it and a MAC under the cluster key. What is decoded as readable was
//          written by a holder of the key for this very place; anything else has a named condition
//          and is never taken for "empty": a unit of zeros is kNotOurs, not kBlank.
// Time:    none; wall clock values inside are for display. Units: a unit is 4096 bytes on every
//          disk, whatever its sectors; offsets and sizes are bytes unless they are called units.
// Errors:  Condition for code, Explain() for people.
// Source of constants: the format itself; a change of any is a new major version.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/seal/seal.h"
#include "qdiskd/slot.h"

namespace fencepost::qdiskd {

inline constexpr std::uint16_t kFormatMajor = 1;  // readers refuse another one
inline constexpr std::uint16_t kFormatMinor = 0;  // later ones only add fields behind the known
inline constexpr std::uint32_t kUnitBytes = 4096;
inline constexpr int kCopies = 2;         // A and B, written in turn
inline constexpr int kRecorderUnits = 8;  // a ring for each node
inline constexpr std::uint32_t kMinCibUnits = 1;
inline constexpr std::uint32_t kMaxCibUnits = 4096;    // 16 MiB a copy
inline constexpr std::uint32_t kDefaultCibUnits = 64;  // 256 KiB a copy
inline constexpr std::size_t kMaxLabelBytes = 127;
inline constexpr std::size_t kMaxNameBytes = 63;     // of the cluster and the creator's host
inline constexpr std::size_t kMaxVersionBytes = 15;  // of Slot::version

// Feature words of the superblock: a reader refuses a disk with an incompat bit it does not know.
inline constexpr std::uint64_t kKnownIncompat = 0;

using seal::Mac16;
// The MAC under the cluster key; a pure function. It keeps the key, and wipes it with itself.
using MacFunction = std::function<Mac16(ByteView)>;
[[nodiscard]] MacFunction DiskMac(const seal::ClusterKey& key);

enum class Region : std::uint16_t {
  kSuperblock = 1,
  kHeartbeat = 2,  // heartbeat and ballot in one: slot.h
  kBallot = 3,     // this and the following: reserved, blank in v1.0
  kDecision = 4,
  kOutbox = 5,
  kAck = 6,
  kRecorder = 7,
  kCib = 8,
};
inline constexpr std::array kNodeRegions = {Region::kHeartbeat, Region::kBallot, Region::kDecision,
                                            Region::kOutbox,    Region::kAck,    Region::kRecorder,
                                            Region::kCib};

// Where everything is. Two numbers decide it, both are in the superblock.
class Geometry {
 public:
  // Errors: nodes not in 1..kMaxNodes, cib_units not in kMinCibUnits..kMaxCibUnits.
  static Result<Geometry> Make(int nodes, std::uint32_t cib_units = kDefaultCibUnits);

  [[nodiscard]] int nodes() const { return nodes_; }
  [[nodiscard]] std::uint32_t cib_units() const { return cib_units_; }
  [[nodiscard]] std::uint64_t total_bytes() const;
  // First byte and length of a whole region: one read fetches the slots of all nodes.
  [[nodiscard]] std::uint64_t RegionOffset(Region region) const;
  [[nodiscard]] std::uint64_t RegionBytes(Region region) const;
  // Copies of one node in a region (kRecorderUnits in the recorder), and the size of one.
  [[nodiscard]] static int Copies(Region region);
  [[nodiscard]] std::uint32_t CopyBytes(Region region) const;
  // REQUIRES: node in 1..nodes() (0 for the superblock), copy in 0..Copies(region)-1.
  [[nodiscard]] std::uint64_t Offset(Region region, NodeId node, int copy) const;
  friend bool operator==(const Geometry&, const Geometry&) = default;

 private:
  Geometry(int nodes, std::uint32_t cib_units) : nodes_(nodes), cib_units_(cib_units) {}
  int nodes_;
  std::uint32_t cib_units_;
};

// Which unit this is. Part of what is sealed, so that a misdirected write is found.
struct Place {
  Region region = Region::kHeartbeat;
  NodeId node;
  int copy = 0;
  std::uint64_t offset = 0;  // bytes, from Geometry::Offset
};
[[nodiscard]] inline Place PlaceOf(const Geometry& g, Region region, NodeId node, int copy) {
  return {region, node, copy, g.Offset(region, node, copy)};
}

struct DiskIdentity {
  ClusterId cluster;
  DiskId disk;
  friend bool operator==(const DiskIdentity&, const DiskIdentity&) = default;
};

enum class Condition {
  kOk,
  kBlank,               // initialised by mkqdisk, never written since: readable
  kNotOurs,             // no magic: zeros, foreign data, never initialised
  kBadChecksum,         // torn or rotten
  kUnsupportedVersion,  // checksum right, another major version or an unknown incompat feature
  kForeignCluster,      // checksum right, of another cluster
  kForeignDisk,         // of this cluster, of another (or an earlier) quorum disk
  kBadMac,              // written without the cluster key, or with another one
  kMisdirected,         // authentic, but belongs to another place on the disk
  kMalformed,           // authentic, but a field is outside its range: a writer's fault
};
[[nodiscard]] constexpr bool IsReadable(Condition c) {
  return c == Condition::kOk || c == Condition::kBlank;
}
[[nodiscard]] std::string Explain(Condition condition);  // cause and remedy, in one line

// The first bytes of every unit we write; says nothing about the rest.
[[nodiscard]] bool HasMagic(ByteView unit);

struct Superblock {
  std::uint16_t minor = kFormatMinor;
  std::uint64_t compat = 0, incompat = 0;
  DiskIdentity identity;
  std::string label;                       // at most kMaxLabelBytes
  std::string cluster_name, creator_host;  // at most kMaxNameBytes each
  std::uint64_t created_ms = 0;            // since 1970, display only
  std::uint32_t sector_bytes = 512;        // of the device at creation
  int nodes = kMaxNodes;
  std::uint32_t cib_units = kDefaultCibUnits;
  friend bool operator==(const Superblock&, const Superblock&) = default;
};

// REQUIRES: what Superblock and Slot say about their fields; copy 0 or 1.
[[nodiscard]] Bytes EncodeSuperblock(const Superblock& superblock, int copy,
                                     const MacFunction& mac);
struct DecodedSuperblock {
  Condition condition = Condition::kNotOurs;
  Superblock superblock;       // only when condition is kOk
  bool authenticated = false;  // false when it was decoded without a key
};
// mac == nullptr: without the key, for listings; nothing may be decided on such a superblock.
[[nodiscard]] DecodedSuperblock DecodeSuperblock(ByteView unit, int copy, const MacFunction* mac);
// The superblock of a disk from the first two units. Two valid copies that differ are kMalformed.
[[nodiscard]] DecodedSuperblock DecodeSuperblocks(ByteView first_two_units, const MacFunction* mac);

// A slot as mkqdisk leaves it, for any region of nodes (of the CIB area: its first unit).
[[nodiscard]] Bytes EncodeBlank(const Place& place, const DiskIdentity& identity,
                                const MacFunction& mac);

// The heartbeat region. REQUIRES: slot.node == place.node.
[[nodiscard]] Bytes EncodeSlot(const Slot& slot, const Place& place, const DiskIdentity& identity,
                               const MacFunction& mac);
struct DecodedSlot {
  Condition condition = Condition::kNotOurs;
  Slot slot;  // only when IsReadable(condition)
};
[[nodiscard]] DecodedSlot DecodeSlot(ByteView unit, const Place& place,
                                     const DiskIdentity& identity, const MacFunction& mac);

// What two copies say together. The newest readable copy wins; beside it a copy that is torn
// (kNotOurs, kBadChecksum) reads as the old value, as an interrupted write legally does. A copy
// whose checksum is right but that is not ours was not torn: somebody else writes here, and the
// pair is unreadable. So it is when none is readable.
struct SlotPair {
  Condition condition = Condition::kNotOurs;
  Slot slot;           // only when IsReadable(condition)
  int write_next = 0;  // the copy that does not hold `slot`; only when IsReadable(condition)
};
[[nodiscard]] SlotPair PickNewest(const DecodedSlot& copy_a, const DecodedSlot& copy_b);

inline constexpr std::size_t kPairBytes = std::size_t{kCopies} * kUnitBytes;
// The slot of one node from its two copies. REQUIRES: kPairBytes; node in 1..geometry.nodes().
[[nodiscard]] SlotPair DecodeHeartbeat(ByteView pair, const Geometry& geometry, NodeId node,
                                       const DiskIdentity& identity, const MacFunction& mac);
// The slots of nodes 1, 2, ... from one read that began at RegionOffset(kHeartbeat): as many nodes
// as the read covers. REQUIRES: region is whole pairs, not more than geometry has nodes.
[[nodiscard]] std::vector<SlotPair> DecodeHeartbeats(ByteView region, const Geometry& geometry,
                                                     const DiskIdentity& identity,
                                                     const MacFunction& mac);

}  // namespace fencepost::qdiskd
