#include "qdiskd/recorder_format.h"

#include "base/check.h"
#include "qdiskd/disk_frame.h"

namespace fencepost::qdiskd {
namespace {

static_assert(kPageRoom == kUnitBytes - frame::kSlotHeadLength - sizeof(std::uint16_t));
static_assert(kMaxDecisionText + 28 <= kPageRoom);

// False: what is there is no list of records.
bool GetRecords(ByteReader& r, std::size_t count, std::vector<Record>& records) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Record record;
    record.number = r.Get<std::uint64_t>();
    record.wall_ms = r.Get<std::uint64_t>();
    record.decision.term = Term::FromValue(r.Get<std::uint64_t>());
    record.decision.kind = static_cast<DecisionKind>(r.Get<std::uint8_t>());
    record.decision.about = NodeId(r.Get<std::uint8_t>());
    const std::string text = r.GetText();
    if (!r.Ok() || record.number <= before || record.decision.about.value() > kMaxNodes ||
        text.size() > kMaxDecisionText) {
      return false;
    }
    record.decision.text = text;
    before = record.number;
    records.push_back(std::move(record));
  }
  return r.Done();
}

}  // namespace

Bytes EncodePage(const RecorderPage& page, const Place& place, const DiskIdentity& identity,
                 const MacFunction& mac) {
  FENCEPOST_CHECK(place.region == Region::kRecorder);
  std::size_t length = kUnitBytes - kPageRoom;
  for (const Record& record : page.records) length += RecordBytes(record);
  FENCEPOST_CHECK(length <= kUnitBytes);
  const auto meaningful = static_cast<std::uint16_t>(length);
  ByteWriter w = frame::StartUnit(place, meaningful, identity);
  frame::PutSlotHead(w, page.boot, page.incarnation, page.sequence, page.wall_ms);
  w.Put(static_cast<std::uint16_t>(page.records.size()));
  std::uint64_t before = 0;
  for (const Record& record : page.records) {
    FENCEPOST_CHECK(record.number > before);
    before = record.number;
    w.Put(record.number);
    w.Put(record.wall_ms);
    w.Put(record.decision.term.value());
    w.Put(static_cast<std::uint8_t>(record.decision.kind));
    w.Put(record.decision.about.value());
    w.PutText(record.decision.text);
  }
  return frame::Seal(std::move(w), meaningful, mac);
}

DecodedPage DecodePage(ByteView unit, const Place& place, const DiskIdentity& identity,
                       const MacFunction& mac) {
  DecodedPage out;
  out.condition = frame::CheckUnit(unit, place, frame::kSlotHeadLength, &identity, &mac);
  if (out.condition != Condition::kOk) return out;
  ByteReader head(unit);
  const std::size_t length = frame::ReadFrame(head).length;
  ByteReader r(unit.first(length));
  r.Skip(frame::kBytes);
  RecorderPage page;
  page.boot.bytes = r.GetArray<16>();
  page.incarnation = Incarnation(r.Get<std::uint64_t>());
  page.sequence = r.Get<std::uint64_t>();
  page.wall_ms = r.Get<std::uint64_t>();
  if (page.incarnation.value() == 0 && page.sequence == 0) {
    out.condition = Condition::kBlank;
  } else {
    const std::size_t count = r.Get<std::uint16_t>();
    if (!GetRecords(r, count, page.records)) out.condition = Condition::kMalformed;
  }
  if (IsReadable(out.condition)) out.page = std::move(page);
  return out;
}

std::vector<DecodedPage> DecodeRing(ByteView ring, NodeId node, const Geometry& geometry,
                                    const DiskIdentity& identity, const MacFunction& mac) {
  FENCEPOST_CHECK(ring.size() == std::size_t{kRecorderUnits} * kUnitBytes);
  std::vector<DecodedPage> out;
  for (int copy = 0; copy < kRecorderUnits; ++copy) {
    const auto at = static_cast<std::size_t>(copy) * kUnitBytes;
    out.push_back(DecodePage(ring.subspan(at, kUnitBytes),
                             PlaceOf(geometry, Region::kRecorder, node, copy), identity, mac));
  }
  return out;
}

}  // namespace fencepost::qdiskd
