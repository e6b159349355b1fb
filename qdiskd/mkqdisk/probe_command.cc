// mkqdisk --probe: what the device can do, and whether it can carry a vote.
#include "base/text.h"
#include "env/linux/open_disk.h"
#include "env/linux/scsi_probe.h"
#include "qdiskd/mkqdisk/context.h"
#include "qdiskd/mkqdisk/listing.h"
#include "qdiskd/mkqdisk/probe.h"

namespace fencepost::qdiskd::mkqdisk {
namespace {

class ProbeCommand {
 public:
  explicit ProbeCommand(Context& context) : c_(context), o_(context.options) {}

  int Run() {
    if (!c_.LoadCluster()) return kFailed;
    const auto url = config::ParseDiskUrl(o_.device);
    if (!url.ok()) return c_.Fail(url.error().Text());
    auto device = c_.Device(*url);
    if (!device.ok()) return c_.Fail(device.error().Text());
    auto second = c_.Device(*url);
    if (!second.ok()) return c_.Fail(second.error().Text());
    WaitingDisk disk = c_.Waiting(*device.value()), other = c_.Waiting(*second.value());
    const auto info = disk.Open(nullptr);
    if (!info.ok()) return c_.Fail(info.error().text);
    findings_.info = *info;
    const auto found = FindPlaces(disk, *info);
    if (!found.ok()) return c_.Fail(found.error().text);
    if (url->kind == config::DiskUrl::Kind::kIscsi) {
      const auto scsi = AskScsi(*url);
      if (!scsi.ok()) return c_.Fail(scsi.error().text);
      findings_.scsi = *scsi;
      // What it could not do need not be tried again.
      if (scsi->barrier.answer == Tried::Answer::kNo) {
        findings_.barrier_trouble = scsi->barrier.text;
        places_.scratch.reset();
      }
    }
    const auto measured = MeasureAll(disk, other);
    if (!measured.ok()) return c_.Fail(measured.error().text);
    return Tell();
  }

 private:
  // On a quorum disk of ours a unit is reserved for this. Elsewhere only by --force.
  Result<Ok, IoError> FindPlaces(WaitingDisk& disk, const DeviceInfo& info) {
    if (info.size_bytes < (kScratchUnit + 1) * kUnitBytes) {
      return IoError{IoKind::kMedium,
                     Cat(o_.device, ": is too small, ", info.size_bytes, " bytes")};
    }
    const auto head = disk.Read(0, kCopies * kUnitBytes);
    if (!head.ok()) return head.error();
    const auto found = DecodeSuperblocks(*head, nullptr);
    const bool ours = found.condition == Condition::kOk;
    int nodes = 2;
    if (ours) nodes = found.superblock.nodes;
    const auto geometry = *Geometry::Make(nodes, kMinCibUnits);
    places_.region = geometry.RegionOffset(Region::kHeartbeat);
    places_.region_bytes = static_cast<std::uint32_t>(geometry.RegionBytes(Region::kHeartbeat));
    if (places_.region + places_.region_bytes > info.size_bytes) {
      places_.region = 0;
      places_.region_bytes = kUnitBytes;
    }
    if (ours || o_.force) {
      places_.scratch = kScratchUnit * kUnitBytes;
    } else if (const auto foreign = FindForeign(*head)) {
      findings_.why_not_written = Cat("it is a quorum disk of ", foreign->owner);
    } else {
      findings_.why_not_written =
          "it is no quorum disk of Fencepost; initialise it first, or give --force: then 4096 "
          "bytes are written at byte 28672 and put back";
    }
    return Ok{};
  }

  Result<ScsiAbilities, IoError> AskScsi(const config::DiskUrl& url) {
    auto secret = ReadDiskSecret(url, c_.SecretFile(url));
    if (!secret.ok()) return IoError{IoKind::kDenied, secret.error().Text()};
    return ProbeScsi(c_.loop, {url, secret.value(), c_.cluster.id, places_.scratch});
  }

  Result<Ok, IoError> MeasureAll(WaitingDisk& disk, WaitingDisk& other) {
    if (places_.scratch) {
      disk.Close();  // a target may end it when a second reader of this machine logs in
      const auto reading = other.Open(nullptr);
      if (!reading.ok()) return reading.error();
      const Writer writer = MakeWriter(c_.cluster.id, kNobody, Incarnation(1));
      const auto opened = disk.Open(&writer);
      if (opened.ok()) {
        findings_.info = *opened;
      } else {
        findings_.barrier_trouble = opened.error().text;
        places_.scratch.reset();
        other.Close();
        const auto again = disk.Open(nullptr);
        if (!again.ok()) return again.error();
      }
    }
    return Measure(disk, other, places_, findings_);
  }

  int Tell() {
    const Verdict verdict = Judge(findings_);
    if (o_.json) {
      c_.json["probe"] = ProbeJson(o_.device, findings_);
    } else {
      c_.io.out << ProbeText(o_.device, findings_);
    }
    return verdict.vote == Verdict::Vote::kCannot ? kFailed : kDone;
  }

  Context& c_;
  const Options& o_;
  ProbePlaces places_;
  ProbeFindings findings_;
};

}  // namespace

int Probe(Context& context) { return context.Finish(ProbeCommand(context).Run()); }

}  // namespace fencepost::qdiskd::mkqdisk
