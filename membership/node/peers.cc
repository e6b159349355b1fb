#include "membership/node/peers.h"

namespace fencepost::node {
namespace {
// The first change after `since` may have been on its way before; the second one was not.
constexpr std::uint64_t kChangesForAClaim = 2;
}  // namespace

bool Peer::Accept(const messaging::Packet& packet) {
  if (packet.incarnation < incarnation_) return false;
  if (packet.incarnation == incarnation_ && packet.counter <= counter_) return false;
  if (packet.incarnation > incarnation_) heartbeat_counter_ = 0;
  incarnation_ = packet.incarnation;
  counter_ = packet.counter;
  return true;
}

void Peer::Hear(MonoTime now, const messaging::Packet& packet,
                const messaging::Heartbeat& heartbeat) {
  ever_heard_ = true;
  heard_at_ = now;
  silent_ = false;
  heartbeat_ = heartbeat;
  heartbeat_counter_ = packet.counter;
  if (evidence_ == policy::Grade::kConfirmed) evidence_.reset();
}

void Peer::SeeOnDisk(const qdiskd::NodeOnDisk& on_disk, MonoTime read_began) {
  disk_ = on_disk;
  if (!member_) WeighClaims(read_began);
}

bool Peer::SharesTheDisk() const {
  return disk_ && disk_->fresh && disk_->shared &&
         disk_->slot.incarnation == heartbeat_.disk_incarnation &&
         disk_->slot.boot == heartbeat_.boot && !disk_->slot.report.left;
}

void Peer::Lose(MonoTime now, MonoTime obeys_until, std::uint64_t sent) {
  obeys_until_ = obeys_until;
  cut_ = {};
  sent_before_ = sent;
  member_ = false;
  since_ = now;
  baseline_.reset();
  evidence_.reset();
}

void Peer::BeginReign(MonoTime now, MonoTime obeys_until, std::uint64_t sent) {
  Lose(now, obeys_until, sent);
  member_boot_ = BootId();
}

void Peer::Join() {
  member_ = true;
  member_incarnation_ = incarnation_;
  member_boot_ = heartbeat_.boot;
  member_disk_incarnation_ = heartbeat_.disk_incarnation;
  evidence_.reset();
  cut_ = {};
}

void Peer::CutOff(MonoTime asked, const Coverage& from) {
  if (!member_ && asked >= since_ && asked >= obeys_until_) cut_.Add(from);
}

void Peer::PowerIsOff(MonoTime asked) {
  if (heard_at_ <= asked) silent_ = true;  // what it said before is of a life that is over
  if (!member_ && asked >= since_) evidence_ = policy::Grade::kPoweredOff;
}

void Peer::Confirm() {
  if (evidence_) return;  // what is proved is better
  evidence_ = policy::Grade::kConfirmed;
  confirmed_changes_ = disk_ ? disk_->changes : 0;
}

// What it says anew replaces what it said: another start of it says that it has not left.
void Peer::WeighMessage(Incarnation own) {
  if (member_) return;
  const bool left = node::SaysLeft(heartbeat_);
  if (evidence_ == policy::Grade::kLeftCleanly && !left) evidence_.reset();
  const bool answers = heartbeat_.echo_of == own && heartbeat_.echo > sent_before_;
  if (left && answers && !evidence_) evidence_ = policy::Grade::kLeftCleanly;
}

void Peer::WeighClaims(MonoTime read_began) {
  if (read_began < since_) return;
  if (!baseline_ || disk_->changes < *baseline_) baseline_ = disk_->changes;  // disk opened anew
  const qdiskd::Slot& slot = disk_->slot;
  // Withdrawn as soon as the slot says otherwise; a verified power-off stands until it joins anew.
  if (evidence_ == policy::Grade::kConfirmed && disk_->changes == confirmed_changes_) return;
  if (evidence_ && *evidence_ != policy::Grade::kPoweredOff) evidence_.reset();
  if (evidence_) return;
  if (member_boot_.IsNone() && !slot.IsBlank()) {  // under us it was no member: a later boot is new
    member_boot_ = slot.boot;
    member_disk_incarnation_ = slot.incarnation;
  }
  // A disk that missed the latest writes may still show an older boot.
  const bool newer = slot.incarnation > member_disk_incarnation_ && slot.boot != member_boot_;
  if (slot.IsBlank() || slot.report.left) {
    evidence_ = policy::Grade::kLeftCleanly;
  } else if (newer) {
    evidence_ = policy::Grade::kNewBoot;
  } else if (slot.report.quiesced && disk_->changes >= *baseline_ + kChangesForAClaim) {
    evidence_ = policy::Grade::kQuiesced;
  }
}

std::string EvidenceText(const Peer& peer) {
  if (peer.evidence()) return std::string(policy::ToText(*peer.evidence()));
  const Coverage& cut = peer.cut();
  if (cut.storage && cut.network) return "storage revoked and port closed";
  return cut.storage ? "storage revoked" : cut.network ? "port closed" : "";
}

}  // namespace fencepost::node
