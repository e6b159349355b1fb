#include "tests/doubles/iscsi/unit.h"

#include <algorithm>

#include "base/big_endian.h"

namespace fencepost::doubles {
namespace {

constexpr std::uint8_t kTestUnitReady = 0x00, kRequestSense = 0x03, kInquiry = 0x12,
                       kCapacity10 = 0x25, kRead10 = 0x28, kWrite10 = 0x2A, kSync10 = 0x35,
                       kReserveIn = 0x5E, kReserveOut = 0x5F, kRead16 = 0x88, kCompare = 0x89,
                       kWrite16 = 0x8A, kSync16 = 0x91, kServiceIn = 0x9E, kReportLuns = 0xA0;
constexpr std::uint8_t kReadCapacity16 = 0x10;  // service action
constexpr std::uint8_t kFuaBit = 0x08;
constexpr std::uint8_t kLun = 1;  // as tgt: 0 is a controller there, disks begin at 1
constexpr std::size_t kMaxAttentions = 4;

Bytes Cut(Bytes data, std::uint64_t most) {
  if (data.size() > most) data.resize(most);
  return data;
}

void PutText(Bytes& out, std::size_t at, std::size_t width, const std::string& text) {
  for (std::size_t i = 0; i < width; ++i) {
    out[at + i] = i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{' '};
  }
}

}  // namespace

ScsiUnit::ScsiUnit(Settings settings, std::function<void(const std::vector<Nexus>&)> aborts)
    : settings_(settings),
      aborts_(std::move(aborts)),
      medium_(settings.size_bytes, 0),
      durable_(settings.size_bytes, 0),
      snapshot_(settings.size_bytes, 0) {}

void ScsiUnit::Attach(const Nexus& nexus) { attentions_[nexus] = {kPowerOn}; }

void ScsiUnit::Reset() {
  for (auto& [nexus, waiting] : attentions_) {
    if (waiting.size() < kMaxAttentions) waiting.push_back(kUnitReset);
  }
}

void ScsiUnit::PowerCut() {
  medium_ = durable_;
  reservations_.Forget();
  attentions_.clear();
}

void ScsiUnit::Rollback() { medium_ = durable_ = snapshot_; }

void ScsiUnit::Put(std::uint64_t offset, ByteView data, bool durable) {
  const auto at = static_cast<std::ptrdiff_t>(offset);
  std::copy(data.begin(), data.end(), medium_.begin() + at);
  if (durable) std::copy(data.begin(), data.end(), durable_.begin() + at);
}

std::optional<ScsiUnit::Range> ScsiUnit::RangeOf(ByteView cdb) const {
  const bool ten = cdb[0] == kRead10 || cdb[0] == kWrite10 || cdb[0] == kSync10;
  const std::uint64_t block = ten ? BigEndian(cdb.subspan(2, 4)) : BigEndian(cdb.subspan(2, 8));
  const std::uint64_t count = ten                  ? BigEndian(cdb.subspan(7, 2))
                              : cdb[0] == kCompare ? cdb[13]
                                                   : BigEndian(cdb.subspan(10, 4));
  const std::uint64_t blocks = settings_.size_bytes / settings_.sector_bytes;
  if (block > blocks || count > blocks - block) return std::nullopt;
  return Range{block * settings_.sector_bytes, count * settings_.sector_bytes};
}

ScsiAnswer ScsiUnit::Vital(int page) const {
  Bytes out(4, 0);
  out[1] = static_cast<std::uint8_t>(page);
  if (page == 0x00) {
    out.insert(out.end(), {0x00, 0x80, 0x83, 0xB0});
  } else if (page == 0x80) {
    const std::string serial = std::to_string(settings_.naa);
    out.insert(out.end(), serial.begin(), serial.end());
  } else if (page == 0x83) {  // one NAA designator of 8 bytes, of the unit: SPC-4 7.8.6
    out.insert(out.end(), {0x01, 0x03, 0x00, 0x08});
    out.resize(16);
    PutBigEndian(out, 8, 8, settings_.naa);
  } else if (page == 0xB0) {  // SBC-4 6.6.4: maximum compare and write length, in blocks
    out.resize(64);
    out[5] = settings_.compare_and_write ? 0xFF : 0;
  } else {
    return Check(kIllegal, kInvalidField);
  }
  PutBigEndian(out, 2, 2, out.size() - 4);
  return {kGood, 0, 0, out};
}

ScsiAnswer ScsiUnit::Inquiry(ByteView cdb) const {
  if ((cdb[1] & 1) != 0) return Vital(cdb[2]);
  if (cdb[2] != 0) return Check(kIllegal, kInvalidField);
  Bytes out(36, 0);
  out[2] = 6;  // SPC-4
  out[3] = 2;
  out[4] = 31;
  out[7] = 2;  // command queuing
  PutText(out, 8, 8, "FENCEPST");
  PutText(out, 16, 16, "TEST DOUBLE");
  PutText(out, 32, 4, "1");
  return {kGood, 0, 0, out};
}

ScsiAnswer ScsiUnit::Capacity(bool long_form) const {
  const std::uint64_t last = settings_.size_bytes / settings_.sector_bytes - 1;
  Bytes out(long_form ? 32 : 8, 0);
  PutBigEndian(out, 0, long_form ? 8 : 4, long_form ? last : std::min<std::uint64_t>(last, ~0U));
  PutBigEndian(out, long_form ? 8 : 4, 4, settings_.sector_bytes);
  return {kGood, 0, 0, out};
}

ScsiAnswer ScsiUnit::Read(const Nexus& nexus, ByteView cdb, const Twist& twist) const {
  if (!reservations_.MayRead(nexus)) return {kConflictStatus, 0, 0, {}};
  auto range = RangeOf(cdb);
  if (!range) return Check(kIllegal, kOutOfRange);
  const Bytes& from = twist.stale ? snapshot_ : medium_;
  const std::int64_t highest = static_cast<std::int64_t>(from.size() - range->length);
  const std::int64_t at =
      std::clamp(static_cast<std::int64_t>(range->offset) + twist.shift, std::int64_t{0}, highest);
  return {kGood, 0, 0,
          Bytes(from.begin() + at, from.begin() + at + static_cast<std::int64_t>(range->length))};
}

std::optional<ScsiAnswer> ScsiUnit::WhyNoWrite(const Nexus& nexus, bool fua) const {
  if (!reservations_.MayWrite(nexus)) return ScsiAnswer{kConflictStatus, 0, 0, {}};
  if (fua && settings_.fua == Fua::kRefused) return Check(kIllegal, kInvalidField);
  if (read_only_) return Check(kProtect, kWriteProtected);
  return std::nullopt;
}

ScsiAnswer ScsiUnit::Write(const Nexus& nexus, ByteView cdb, ByteView data, const Twist& twist) {
  const bool fua = (cdb[1] & kFuaBit) != 0;
  if (const auto why = WhyNoWrite(nexus, fua)) return *why;
  const auto range = RangeOf(cdb);
  if (!range) return Check(kIllegal, kOutOfRange);
  if (data.size() != range->length) return Check(kIllegal, kInvalidField);
  if (twist.lost) return {};
  const ByteView part =
      twist.only_bytes ? data.first(std::min<std::uint64_t>(*twist.only_bytes, data.size())) : data;
  const auto at = static_cast<std::int64_t>(range->offset) + twist.shift;
  const auto highest = static_cast<std::int64_t>(medium_.size() - part.size());
  const bool durable = !settings_.write_cache || (fua && settings_.fua == Fua::kHonoured);
  Put(static_cast<std::uint64_t>(std::clamp(at, std::int64_t{0}, highest)), part, durable);
  return {};
}

// SBC-4 5.3: the first half of the data is compared, the second written; both or neither.
ScsiAnswer ScsiUnit::CompareAndWrite(const Nexus& nexus, ByteView cdb, ByteView data) {
  if (!settings_.compare_and_write) return Check(kIllegal, kInvalidOpcode);
  if (const auto why = WhyNoWrite(nexus, false)) return *why;
  const auto range = RangeOf(cdb);
  if (!range) return Check(kIllegal, kOutOfRange);
  if (data.size() != 2 * range->length) return Check(kIllegal, kInvalidField);
  const ByteView present = ByteView(medium_).subspan(range->offset, range->length);
  const ByteView expected = data.first(range->length);
  if (!std::equal(present.begin(), present.end(), expected.begin())) {
    return Check(kMiscompare, kMiscompared);
  }
  Put(range->offset, data.subspan(range->length), !settings_.write_cache);
  return {};
}

ScsiAnswer ScsiUnit::Synchronize(ByteView cdb) {
  const auto range = RangeOf(cdb);
  if (!range) return Check(kIllegal, kOutOfRange);
  if (settings_.fua == Fua::kIgnored) return {};  // says so of this, too
  durable_ = medium_;
  return {};
}

ScsiAnswer ScsiUnit::ReserveOut(const Nexus& nexus, ByteView cdb, ByteView data) {
  constexpr int kAbort = 5;
  const int action = cdb[1] & 0x1F;
  if (!settings_.reservations) return Check(kIllegal, kInvalidOpcode);
  if (action == kAbort && !settings_.preempt_and_abort) return Check(kIllegal, kInvalidField);
  const auto outcome = reservations_.Out(nexus, action, cdb[2] & 0x0F, data);
  for (const Nexus& each : outcome.preempted) attentions_[each].push_back(kRegistrationsPreempted);
  if (!outcome.aborted.empty()) aborts_(outcome.aborted);
  return outcome.answer;
}

ScsiAnswer ScsiUnit::Execute(const Nexus& nexus, ByteView cdb, ByteView data, const Twist& twist) {
  const std::uint8_t code = cdb[0];
  auto& waiting = attentions_[nexus];
  const bool tells = code != kInquiry && code != kReportLuns && code != kRequestSense;
  if (tells && !waiting.empty()) {
    const int ascq = waiting.front();
    waiting.erase(waiting.begin());
    return Check(kAttention, ascq);
  }
  switch (code) {
    case kTestUnitReady:
      return {};
    case kRequestSense:
      return {kGood, 0, 0, Cut({0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, cdb[4])};
    case kInquiry: {
      ScsiAnswer answer = Inquiry(cdb);
      answer.data = Cut(std::move(answer.data), BigEndian(cdb.subspan(3, 2)));
      return answer;
    }
    case kReportLuns:
      return {kGood, 0, 0, {0, 0, 0, 8, 0, 0, 0, 0, 0, kLun, 0, 0, 0, 0, 0, 0}};
    case kCapacity10:
      return Capacity(false);
    case kServiceIn:
      return (cdb[1] & 0x1F) == kReadCapacity16 ? Capacity(true) : Check(kIllegal, kInvalidField);
    case kRead10:
    case kRead16:
      return Read(nexus, cdb, twist);
    case kWrite10:
    case kWrite16:
      return Write(nexus, cdb, data, twist);
    case kCompare:
      return CompareAndWrite(nexus, cdb, data);
    case kSync10:
    case kSync16:
      return Synchronize(cdb);
    case kReserveIn: {
      if (!settings_.reservations) return Check(kIllegal, kInvalidOpcode);
      ScsiAnswer answer = reservations_.In(cdb[1] & 0x1F);
      answer.data = Cut(std::move(answer.data), BigEndian(cdb.subspan(7, 2)));
      return answer;
    }
    case kReserveOut:
      return ReserveOut(nexus, cdb, data);
    default:
      return Check(kIllegal, kInvalidOpcode);
  }
}

}  // namespace fencepost::doubles
