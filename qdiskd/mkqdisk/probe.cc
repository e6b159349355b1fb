#include "qdiskd/mkqdisk/probe.h"

#include <algorithm>

#include "base/config/timing.h"
#include "base/text.h"
#include "qdiskd/disk_format.h"
#include "qdiskd/mkqdisk/listing.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

using Answer = Tried::Answer;
constexpr int kTornRounds = 200;
// A profile's I/O deadline is far from what this device was seen to take.
constexpr int kTimesP99 = 10, kTimesLongest = 3;
// A write that goes to a cache that nobody flushes takes as long as one that is not asked to be
// durable.
constexpr double kLooksLikeNoFlush = 1.15;

Bytes Pattern(int round) {
  return Bytes(kUnitBytes, static_cast<std::uint8_t>(round % 2 == 0 ? 0x55 : 0xAA));
}

class Meter {
 public:
  explicit Meter(WaitingDisk& disk) : disk_(disk) {}
  template <class Call>
  auto Time(Call call) {
    const MonoTime began = disk_.Now();
    auto result = call();
    took_.push_back(disk_.Now() - began);
    return result;
  }
  [[nodiscard]] Percentiles Result() const { return PercentilesOf(took_); }

 private:
  WaitingDisk& disk_;
  std::vector<Duration> took_;
};

Result<Ok, IoError> MeasureReads(WaitingDisk& disk, const ProbePlaces& places, ProbeFindings& f) {
  Meter one(disk), all(disk);
  for (int i = 0; i < kProbeRounds; ++i) {
    const auto unit = one.Time([&] { return disk.Read(places.region, kUnitBytes); });
    if (!unit.ok()) return unit.error();
    const auto region = all.Time([&] { return disk.Read(places.region, places.region_bytes); });
    if (!region.ok()) return region.error();
  }
  f.read = one.Result();
  f.region = all.Result();
  return Ok{};
}

Result<Ok, IoError> MeasureWrites(WaitingDisk& disk, WaitingDisk& other, const ProbePlaces& places,
                                  ProbeFindings& f) {
  Meter writes(disk), cycles(disk);
  bool seen = true;
  for (int i = 0; i < kProbeRounds; ++i) {
    const auto cycle = cycles.Time([&]() -> Result<Ok, IoError> {
      const auto written = writes.Time([&] { return disk.Write(*places.scratch, Pattern(i)); });
      if (!written.ok()) return written.error();
      const auto region = disk.Read(places.region, places.region_bytes);
      if (!region.ok()) return region.error();
      return Ok{};
    });
    if (!cycle.ok()) return cycle.error();
    const auto there = other.Read(*places.scratch, kUnitBytes);
    if (!there.ok()) return there.error();
    seen = seen && *there == Pattern(i);
  }
  f.write = writes.Result();
  f.cycle = cycles.Result();
  f.others_see_writes = seen;
  for (int i = 0; i < kTornRounds; ++i) {
    const auto both = disk.WriteWhile(*places.scratch, Pattern(i), other, *places.scratch);
    if (!both.ok()) return both.error();
    ++f.torn_rounds;
    if (std::adjacent_find(both->begin(), both->end(), std::not_equal_to<>()) != both->end()) {
      ++f.torn;
    }
  }
  return Ok{};
}

std::string Micros(Duration d) {
  return Cat(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}
std::string PercentileText(const Percentiles& p) {
  return Cat(Micros(p.p50), " / ", Micros(p.p90), " / ", Micros(p.p99), " / ", Micros(p.longest));
}

std::string Recommended(const ProbeFindings& f) {
  if (!f.written) return "";
  for (const std::string_view name : config::kProfileNames) {
    const Duration limit = config::StockTiming(name)->io_timeout;
    const Duration p99 = std::max(f.write.p99, f.region.p99);
    const Duration longest = std::max(f.write.longest, f.region.longest);
    if (kTimesP99 * p99 <= limit && kTimesLongest * longest <= limit) return std::string(name);
  }
  return "";
}

bool OnlyAcceptsFua(const ScsiAbilities& s) {
  if (s.fua.answer != Answer::kYes || s.plain_write == Duration()) return false;
  const bool cached = s.write_cache.value_or(true);
  const bool quick = static_cast<double>(s.fua_write.count()) <
                     kLooksLikeNoFlush * static_cast<double>(s.plain_write.count());
  return cached && (quick || !s.claims_fua.value_or(true));
}

void Remark(const ProbeFindings& f, std::vector<std::string>& out) {
  if (f.torn > 0) {
    out.push_back(Cat(f.torn, " of ", f.torn_rounds,
                      " reads met half of a 4096-byte write: each is detected by its checksum, "
                      "and costs that reader one cycle"));
  }
  if (!f.scsi) return;
  const ScsiAbilities& s = *f.scsi;
  if (OnlyAcceptsFua(s)) {
    out.push_back(
        "FUA is accepted, but its writes are as quick as those without, while the unit "
        "has a write cache: if that cache is not kept over a power failure, a promise "
        "may be forgotten; ask the vendor, or turn the cache off");
  }
  if (s.fua.answer == Answer::kNo && s.flush.answer == Answer::kNo) {
    out.push_back("neither FUA nor SYNCHRONIZE CACHE is accepted: nothing makes a write durable");
  }
  if (s.keeps_keys && !*s.keeps_keys) {
    out.push_back(
        "reservations are forgotten when the array restarts: every node opens the disk "
        "again then, by itself");
  }
  if (s.session_reinstated.answer == Answer::kNo) {
    out.push_back(Cat("a new login does not end the old session (", s.session_reinstated.text,
                      "): only the reservation excludes older writes"));
  }
}

}  // namespace

Percentiles PercentilesOf(std::vector<Duration> took) {
  Percentiles p;
  p.count = static_cast<int>(took.size());
  if (took.empty()) return p;
  std::sort(took.begin(), took.end());
  const auto at = [&](std::size_t percent) {  // nearest rank
    return took[std::max<std::size_t>((took.size() * percent + 99) / 100, 1) - 1];
  };
  p.p50 = at(50);
  p.p90 = at(90);
  p.p99 = at(99);
  p.longest = took.back();
  return p;
}

Result<Ok, IoError> Measure(WaitingDisk& disk, WaitingDisk& other, const ProbePlaces& places,
                            ProbeFindings& f) {
  const auto reads = MeasureReads(disk, places, f);
  if (!reads.ok() || !places.scratch) return reads;
  const auto before = disk.Read(*places.scratch, kUnitBytes);
  if (!before.ok()) return before.error();
  const auto writes = MeasureWrites(disk, other, places, f);
  const auto restored = disk.Write(*places.scratch, *before);  // also after a failure
  if (!writes.ok()) return writes;
  f.written = restored.ok();
  return restored;
}

Verdict Judge(const ProbeFindings& f) {
  Verdict v;
  const bool refused = f.scsi && f.scsi->others_excluded.answer == Answer::kNo;
  const bool unflushed =
      f.scsi && f.scsi->fua.answer == Answer::kNo && f.scsi->flush.answer == Answer::kNo;
  Remark(f, v.remarks);
  if (!f.barrier_trouble.empty()) {
    v.vote = Verdict::Vote::kCannot;
    v.sentence = Cat("cannot carry a vote: ", Printable(f.barrier_trouble));
  } else if (!f.written) {
    v.sentence = Cat("not proven, nothing was written: ", f.why_not_written);
  } else if (f.others_see_writes && !*f.others_see_writes) {
    v.vote = Verdict::Vote::kCannot;
    v.sentence = "cannot carry a vote: a second reader does not see completed writes at once";
  } else if (refused) {
    v.vote = Verdict::Vote::kCannot;
    v.sentence = Cat("cannot carry a vote: the reservation does not keep others from writing (",
                     f.scsi->others_excluded.text, ")");
  } else if (unflushed) {
    v.vote = Verdict::Vote::kCannot;
    v.sentence = "cannot carry a vote: no write is known to be durable";
  } else {
    v.vote = Verdict::Vote::kCan;
    v.profile = Recommended(f);
    v.sentence = Cat("can carry a vote: barrier by ",
                     f.scsi ? f.scsi->barrier.text : Cat(f.info.barrier, " of this machine"), "; ",
                     v.profile.empty() ? "too slow for every stock profile"
                                       : Cat("recommended profile: ", v.profile));
  }
  return v;
}

namespace {

std::string Line(std::string_view name, std::string_view value) {
  constexpr std::size_t kColumn = 26;
  std::string line = Cat("\t", name, ":");
  line.resize(std::max(line.size() + 1, kColumn), ' ');
  return Cat(line, value, "\n");
}
std::string YesNo(const std::optional<bool>& value) {
  return value ? *value ? "yes" : "no" : "not told";
}
std::string TriedText(const Tried& tried) {
  const char* word = tried.answer == Answer::kYes  ? "yes"
                     : tried.answer == Answer::kNo ? "no"
                                                   : "not tried";
  return Cat(word, tried.text.empty() ? "" : Cat(" (", Printable(tried.text), ")"));
}

std::string ScsiText(const ScsiAbilities& s) {
  std::string types;
  for (const int type : s.claimed_types) types += Cat(types.empty() ? "" : " ", type);
  std::string out = Cat(
      Line("Product", Printable(s.product)),
      Line("Physical block", s.physical_bytes == 0 ? "not told" : Cat(s.physical_bytes, " bytes")),
      Line("Write-protected", s.write_protected ? "yes" : "no"),
      Line("Write cache", YesNo(s.write_cache)), Line("Claims FUA", YesNo(s.claims_fua)),
      Line("FUA",
           OnlyAcceptsFua(s) ? "only accepted, it looks as if it were ignored" : TriedText(s.fua)),
      Line("SYNCHRONIZE CACHE", TriedText(s.flush)),
      Line("COMPARE AND WRITE", TriedText(s.compare_and_write)),
      Line("WRITE ATOMIC", TriedText(s.write_atomic)),
      Line("Atomic transfer", s.atomic_blocks == 0 ? "not told" : Cat(s.atomic_blocks, " blocks")),
      Line("Reservation types", types.empty() ? "not told" : types),
      Line("Keys outlive power", YesNo(s.keeps_keys)), Line("Write barrier", TriedText(s.barrier)),
      Line("Others are excluded", TriedText(s.others_excluded)),
      Line("Session reinstatement", TriedText(s.session_reinstated)));
  if (s.plain_write != Duration()) {
    out += Line("Write/FUA/flushed, us", Cat(Micros(s.plain_write), " / ", Micros(s.fua_write),
                                             " / ", Micros(s.flushed_write), " (medians)"));
  }
  if (s.barrier_took != Duration()) out += Line("Barrier took", Cat(s.barrier_took));
  return out;
}

}  // namespace

std::string ProbeText(const std::string& device, const ProbeFindings& f) {
  const Verdict verdict = Judge(f);
  std::string out = Cat(Printable(device), ":\n", Line("Verdict", verdict.sentence));
  for (const std::string& remark : verdict.remarks) out += Line("Remark", remark);
  out += Cat(Line("Size", Cat(f.info.size_bytes, " bytes")),
             Line("Sector Size", Cat(f.info.sector_bytes)),
             Line("Designator", f.info.designator.empty() ? "none" : Printable(f.info.designator)));
  if (f.scsi) out += ScsiText(*f.scsi);
  out += Line("Latency, us", "median / 90% / 99% / longest");
  out += Cat(Line("  read of 4 KiB", PercentileText(f.read)),
             Line("  read of all slots", PercentileText(f.region)));
  if (f.written) {
    out += Cat(Line("  durable write of 4 KiB", PercentileText(f.write)),
               Line("  cycle: write, read", PercentileText(f.cycle)),
               Line("Seen by a second reader", YesNo(f.others_see_writes)),
               Line("Half writes seen", Cat(f.torn, " of ", f.torn_rounds, " reads")));
  }
  return out;
}

}  // namespace fencepost::qdiskd::mkqdisk
