#include "qdiskd/disk_recorder.h"

#include <utility>

namespace fencepost::qdiskd {

DiskRecorder::DiskRecorder(Settings settings, Ports ports, std::function<void()> written)
    : settings_(std::move(settings)),
      ports_(ports),
      written_(std::move(written)),
      recorder_(settings_.boot, settings_.incarnation) {}

void DiskRecorder::MayWrite() {
  if (off_ || under_way_ || !ports_.link.ready() || !recorder_.HasNews()) return;
  if (ports_.clock.Now() < not_before_) return;
  under_way_ = true;
  if (recorder_.loaded()) return Write();
  ports_.link.ReadOwn(Region::kRecorder, Deadline(),
                      [this, alive = alive_](const Result<Bytes, IoError>& ring) {
                        if (*alive) Load(ring);
                      });
}

void DiskRecorder::Load(const Result<Bytes, IoError>& ring) {
  if (!ring.ok()) return Failed(ring.error());
  const DiskLink& link = ports_.link;
  // With the MAC of the link: what is not ours there is a free place.
  recorder_.Load(
      DecodeRing(*ring, settings_.self, *link.geometry(), link.superblock()->identity, link.mac()));
  Write();
}

void DiskRecorder::Write() {
  const auto next = recorder_.Next(settings_.wall_ms());
  ports_.link.WriteOwn(
      Region::kRecorder, next->copy,
      [&next](const Place& place, const DiskIdentity& identity, const MacFunction& mac) {
        return EncodePage(next->page, place, identity, mac);
      },
      Deadline(),
      [this, alive = alive_](const Result<Ok, IoError>& result) {
        if (!*alive) return;
        if (!result.ok()) return Failed(result.error());
        under_way_ = false;
        recorder_.Written();
        written_();
      });
}

void DiskRecorder::Failed(const IoError& error) {
  SessionOver();
  if (error.kind != IoKind::kMedium && error.kind != IoKind::kReadOnly) return;
  off_ = true;
  ports_.facts.Record(Fact{Severity::kWarning, "recorder-off", {}}
                          .With("disk", settings_.disk)
                          .With("why", error.text));
}

void DiskRecorder::SessionOver() {
  if (std::exchange(under_way_, false)) not_before_ = ports_.clock.Now() + kRecorderPause;
  recorder_.Unload();
}

}  // namespace fencepost::qdiskd
