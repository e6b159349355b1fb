#include "qdiskd/message_format.h"

#include "base/check.h"
#include "qdiskd/disk_frame.h"

namespace fencepost::qdiskd {
namespace {

constexpr std::size_t kHead = frame::kSlotHeadLength + sizeof(std::uint16_t);
constexpr std::size_t kMessageBytes = 48, kAckBytes = 32;
constexpr std::size_t kPairBytes = std::size_t{kCopies} * kUnitBytes;
static_assert(kHead + kMaxNodes * kMessageBytes <= kUnitBytes);
static_assert(kHead + kMaxNodes * kAckBytes <= kUnitBytes);

NodeId Whom(const OutMessage& m) { return m.to; }
NodeId Whom(const Acknowledgement& a) { return a.from; }

void PutEntry(ByteWriter& w, const OutMessage& m) {
  w.Put(m.to.value());
  w.Put(static_cast<std::uint8_t>(m.kind));
  w.Put(std::uint16_t{0});
  w.Put(std::uint32_t{0});
  w.Put(m.number);
  w.Put(m.term.value());
  w.PutBytes(m.to_boot.bytes);
  w.Put(m.to_incarnation.value());
}

bool GetEntry(ByteReader& r, OutMessage& m) {
  m.to = NodeId(r.Get<std::uint8_t>());
  const auto kind = r.Get<std::uint8_t>();
  r.Skip(sizeof(std::uint16_t) + sizeof(std::uint32_t));  // for later minor versions
  m.number = r.Get<std::uint64_t>();
  m.term = Term::FromValue(r.Get<std::uint64_t>());
  m.to_boot.bytes = r.GetArray<16>();
  m.to_incarnation = Incarnation(r.Get<std::uint64_t>());
  m.kind = static_cast<MessageKind>(kind);
  return IsMessageKind(kind) && m.number != 0 && !m.to_boot.IsNone();
}

void PutEntry(ByteWriter& w, const Acknowledgement& a) {
  w.Put(a.from.value());
  w.Put(static_cast<std::uint8_t>(a.kind));
  w.Put(static_cast<std::uint8_t>(a.phase));
  w.Put(std::uint8_t{0});
  w.Put(static_cast<std::uint32_t>(ToMillis(a.watchdog)));
  w.Put(a.number);
  w.Put(a.from_incarnation.value());
  w.Put(std::uint64_t{0});
}

bool GetEntry(ByteReader& r, Acknowledgement& a) {
  a.from = NodeId(r.Get<std::uint8_t>());
  const auto kind = r.Get<std::uint8_t>();
  const auto phase = r.Get<std::uint8_t>();
  r.Skip(1);  // this and the last 8 bytes: for later minor versions
  a.watchdog = Millis(r.Get<std::uint32_t>());
  a.number = r.Get<std::uint64_t>();
  a.from_incarnation = Incarnation(r.Get<std::uint64_t>());
  r.Skip(sizeof(std::uint64_t));
  a.kind = static_cast<MessageKind>(kind);
  a.phase = static_cast<MessagePhase>(phase);
  return IsMessageKind(kind) && IsMessagePhase(phase) && a.number != 0;
}

std::vector<OutMessage>& EntriesOf(Outbox& box) { return box.messages; }
const std::vector<OutMessage>& EntriesOf(const Outbox& box) { return box.messages; }
std::vector<Acknowledgement>& EntriesOf(AckBox& box) { return box.entries; }
const std::vector<Acknowledgement>& EntriesOf(const AckBox& box) { return box.entries; }
constexpr Region RegionOf(const Outbox&) { return Region::kOutbox; }
constexpr Region RegionOf(const AckBox&) { return Region::kAck; }
constexpr std::size_t EntryBytes(const Outbox&) { return kMessageBytes; }
constexpr std::size_t EntryBytes(const AckBox&) { return kAckBytes; }

template <class Box>
Bytes EncodeBox(const Box& box, const Place& place, const DiskIdentity& identity,
                const MacFunction& mac) {
  FENCEPOST_CHECK(place.region == RegionOf(box) && place.node == box.node);
  FENCEPOST_CHECK(EntriesOf(box).size() <= kMaxNodes);
  const auto length = static_cast<std::uint16_t>(kHead + EntriesOf(box).size() * EntryBytes(box));
  ByteWriter w = frame::StartUnit(place, length, identity);
  frame::PutSlotHead(w, box.boot, box.incarnation, box.sequence, box.wall_ms);
  w.Put(static_cast<std::uint16_t>(EntriesOf(box).size()));
  NodeId before;
  for (const auto& entry : EntriesOf(box)) {
    FENCEPOST_CHECK(Whom(entry) > before && Whom(entry).value() <= kMaxNodes);
    before = Whom(entry);
    PutEntry(w, entry);
  }
  return frame::Seal(std::move(w), length, mac);
}

template <class Box>
bool GetEntries(ByteReader& r, Box& box) {
  const std::size_t count = r.Get<std::uint16_t>();
  if (count > kMaxNodes) return false;
  NodeId before;
  for (std::size_t i = 0; i < count; ++i) {
    auto& entry = EntriesOf(box).emplace_back();
    const bool fits = GetEntry(r, entry);
    if (!r.Ok() || !fits || Whom(entry) <= before || Whom(entry).value() > kMaxNodes) return false;
    before = Whom(entry);
  }
  return r.Ok();  // a later minor version may say more behind it
}

template <class Box>
DecodedBox<Box> DecodeBox(ByteView unit, const Place& place, const DiskIdentity& identity,
                          const MacFunction& mac) {
  DecodedBox<Box> out;
  out.condition = frame::CheckUnit(unit, place, frame::kSlotHeadLength, &identity, &mac);
  if (out.condition != Condition::kOk) return out;
  ByteReader head(unit);
  const frame::Frame f = frame::ReadFrame(head);
  ByteReader r(unit.first(f.length));
  r.Skip(frame::kBytes);
  Box box;
  box.node = NodeId(f.node);
  box.boot.bytes = r.GetArray<16>();
  box.incarnation = Incarnation(r.Get<std::uint64_t>());
  box.sequence = r.Get<std::uint64_t>();
  box.wall_ms = r.Get<std::uint64_t>();
  if (box.incarnation.value() == 0 && box.sequence == 0) {
    out.condition = Condition::kBlank;
  } else if (!GetEntries(r, box)) {
    out.condition = Condition::kMalformed;
  }
  if (IsReadable(out.condition)) out.box = std::move(box);
  return out;
}

template <class Box>
bool IsNewerBox(const Box& a, const Box& b) {
  return a.incarnation != b.incarnation ? a.incarnation > b.incarnation : a.sequence > b.sequence;
}

// As PickNewest of disk_format.h: a torn copy reads as the old value, a foreign one as nothing.
template <class Box>
DecodedBox<Box> DecodePair(ByteView units, NodeId node, const Geometry& g,
                           const DiskIdentity& identity, const MacFunction& mac) {
  FENCEPOST_CHECK(units.size() == kPairBytes);
  std::array<DecodedBox<Box>, kCopies> copies;
  for (int c = 0; c < kCopies; ++c) {
    const auto at = static_cast<std::size_t>(c);
    copies[at] = DecodeBox<Box>(units.subspan(at * kUnitBytes, kUnitBytes),
                                PlaceOf(g, RegionOf(Box()), node, c), identity, mac);
    const Condition condition = copies[at].condition;
    const bool torn = condition == Condition::kNotOurs || condition == Condition::kBadChecksum;
    if (!IsReadable(condition) && !torn) return {condition, {}, 0};
  }
  const bool a = IsReadable(copies[0].condition), b = IsReadable(copies[1].condition);
  if (!a && !b) return {copies[0].condition, {}, 0};
  const std::size_t newest = !b || (a && !IsNewerBox(copies[1].box, copies[0].box)) ? 0 : 1;
  copies[newest].write_next = newest == 0 ? 1 : 0;
  return std::move(copies[newest]);
}

template <class Box>
std::vector<DecodedBox<Box>> DecodeRegion(ByteView region, const Geometry& g,
                                          const DiskIdentity& identity, const MacFunction& mac) {
  FENCEPOST_CHECK(region.size() % kPairBytes == 0);
  FENCEPOST_CHECK(region.size() <= g.RegionBytes(RegionOf(Box())));
  std::vector<DecodedBox<Box>> out;
  for (std::size_t i = 0; i < region.size() / kPairBytes; ++i) {
    out.push_back(DecodePair<Box>(region.subspan(i * kPairBytes, kPairBytes),
                                  NodeId(static_cast<std::uint8_t>(i + 1)), g, identity, mac));
  }
  return out;
}

}  // namespace

Bytes EncodeOutbox(const Outbox& box, const Place& place, const DiskIdentity& identity,
                   const MacFunction& mac) {
  return EncodeBox(box, place, identity, mac);
}
Bytes EncodeAckBox(const AckBox& box, const Place& place, const DiskIdentity& identity,
                   const MacFunction& mac) {
  return EncodeBox(box, place, identity, mac);
}
DecodedBox<Outbox> DecodeOutbox(ByteView unit, const Place& place, const DiskIdentity& identity,
                                const MacFunction& mac) {
  return DecodeBox<Outbox>(unit, place, identity, mac);
}
DecodedBox<AckBox> DecodeAckBox(ByteView unit, const Place& place, const DiskIdentity& identity,
                                const MacFunction& mac) {
  return DecodeBox<AckBox>(unit, place, identity, mac);
}
DecodedBox<Outbox> DecodeOutboxPair(ByteView units, NodeId node, const Geometry& g,
                                    const DiskIdentity& identity, const MacFunction& mac) {
  return DecodePair<Outbox>(units, node, g, identity, mac);
}
DecodedBox<AckBox> DecodeAckPair(ByteView units, NodeId node, const Geometry& g,
                                 const DiskIdentity& identity, const MacFunction& mac) {
  return DecodePair<AckBox>(units, node, g, identity, mac);
}
std::vector<DecodedBox<Outbox>> DecodeOutboxes(ByteView region, const Geometry& g,
                                               const DiskIdentity& identity,
                                               const MacFunction& mac) {
  return DecodeRegion<Outbox>(region, g, identity, mac);
}
std::vector<DecodedBox<AckBox>> DecodeAckBoxes(ByteView region, const Geometry& g,
                                               const DiskIdentity& identity,
                                               const MacFunction& mac) {
  return DecodeRegion<AckBox>(region, g, identity, mac);
}

}  // namespace fencepost::qdiskd
