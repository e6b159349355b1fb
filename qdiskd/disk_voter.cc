#include "qdiskd/disk_voter.h"

#include <algorithm>

namespace fencepost::qdiskd {
namespace {

// Two cycles in a row, so that slots written while a split is only half noticed decide nothing.
constexpr int kCyclesToConcede = 2;

}  // namespace

DiskVoter::DiskVoter(VoterSettings settings, BootId boot, Incarnation incarnation, MonoTime started)
    : settings_(std::move(settings)),
      boot_(boot),
      incarnation_(incarnation),
      may_publish_at_(started + settings_.times.lease_max),
      next_cycle_(started) {
  FENCEPOST_CHECK(settings_.disks == 1 || settings_.disks == kMaxDisks);
  FENCEPOST_CHECK(incarnation.value() > 0);
  for (int i = 0; i < settings_.disks; ++i) disks_.emplace_back(settings_.nodes);
}

VoterEffects DiskVoter::Step(MonoTime now, const VoterEvent& event) {
  out_ = {};
  if (stopped_.empty()) {
    std::visit([&](const auto& e) { On(now, e); }, event);
    if (cycle_.open) MayFinishCycle(now);
    MayStartCycle(now);
  }
  out_.stopped = stopped_;
  return std::move(out_);
}

void DiskVoter::On(MonoTime now, const event::DiskReady& e) {
  Disk& disk = disks_.at(static_cast<std::size_t>(e.disk));
  disk.phase = DiskPhase::kLearning;
  disk.own.reset();
  disk.memory.ForgetChanges();
  disk.learn_pending = true;
  disk.trouble = "its slots are being read";
  out_.reads.push_back({e.disk, now + settings_.io_timeout});
}

void DiskVoter::On(MonoTime, const event::DiskLost& e) {
  LoseDisk(disks_.at(static_cast<std::size_t>(e.disk)), e.why);
  Say(Severity::kWarning, "disk-lost").With("disk", e.disk).With("why", e.why);
}

void DiskVoter::LoseDisk(Disk& disk, const std::string& why) {
  disk.phase = DiskPhase::kDown;
  disk.done = false;
  disk.learn_pending = false;
  disk.own.reset();
  disk.trouble = why;
}

void DiskVoter::On(MonoTime now, const event::WriteDone& e) {
  Disk& disk = disks_.at(static_cast<std::size_t>(e.disk));
  if (disk.phase != DiskPhase::kWriting) return;
  disk.own = disk.completed = disk.under_way;
  disk.phase = DiskPhase::kReading;
  out_.reads.push_back({e.disk, now + settings_.io_timeout});
}

void DiskVoter::On(MonoTime now, const event::ReadDone& e) {
  Disk& disk = disks_.at(static_cast<std::size_t>(e.disk));
  if (disk.phase != DiskPhase::kLearning && disk.phase != DiskPhase::kReading) return;
  if (SomebodyElseIsUs(e.read)) return;
  if (disk.phase == DiskPhase::kLearning) {
    disk.learn_pending = false;
    Learn(now, e.disk, e.read);
    if (disk.phase == DiskPhase::kIdle && cycle_.open) WriteTo(now, e.disk);
    return;
  }
  disk.phase = DiskPhase::kIdle;
  const Status taken = disk.memory.Take(e.read, settings_.self, &*disk.own);
  if (!taken) {
    if (disk.trouble != taken.error().Text()) {
      Say(Severity::kError, "disk-unreadable")
          .With("disk", e.disk)
          .With("why", taken.error().Text());
    }
    disk.trouble = taken.error().Text();
    return;
  }
  disk.trouble.clear();
  if (!cycle_.open) return;
  if (disk.cycle == cycle_.number) {
    disk.done = true;
  } else {
    WriteTo(now, e.disk);  // it was still busy with an older cycle: join this one
  }
}

// After a write of ours no foreign start of "us" may be there; before it, a higher incarnation only
// means that the local state was lost.
bool DiskVoter::SomebodyElseIsUs(const RegionRead& read) {
  if (!written_) return false;
  for (const auto& slot : read.slots) {
    if (!slot || slot->node != settings_.self || slot->IsBlank()) continue;
    const bool later = slot->incarnation > incarnation_;
    const bool other = slot->incarnation == incarnation_ && slot->boot != boot_;
    if (!later && !other) continue;
    StopTakenOver(*slot);
    return true;
  }
  return false;
}

void DiskVoter::StopTakenOver(const Slot& slot) {
  stopped_ =
      Cat("node ", settings_.self, " is written by another daemon, incarnation ", slot.incarnation,
          " of boot ", UuidText(slot.boot.bytes), ": two nodes have the id ", settings_.self,
          "; give each node its own id and start again");
  Say(Severity::kCritical, "slot-taken-over").With("why", stopped_);
}

// The slot knows later starts than we do: our state was lost, or another node has our id and lives.
// Until the slot is stale the second may be true, and it is the newcomer who stops.
bool DiskVoter::SlotIsOurs(MonoTime now, Disk& disk, const KnownSlot& own) {
  if (written_ || own.slot.incarnation < incarnation_) return true;
  if (!claimed_) claimed_ = Claim{own.slot, now};
  if (IsNewer(own.slot, claimed_->slot)) {
    StopTakenOver(own.slot);
    return false;
  }
  const MonoTime stale =
      claimed_->seen + settings_.tko * std::max(own.slot.interval, settings_.interval);
  if (now >= stale) return true;
  disk.trouble = "its slot of this node knows later starts: is another daemon writing it?";
  next_cycle_ = stale;
  return false;
}

// R5a: what this disk says of this node is kept before anything is written to it.
void DiskVoter::Learn(MonoTime now, int index, const RegionRead& read) {
  Disk& disk = disks_.at(static_cast<std::size_t>(index));
  Status taken = disk.memory.Take(read, settings_.self, nullptr);
  const KnownSlot* mine = disk.memory.Find(settings_.self);
  if (taken.ok() && disk.completed && IsNewer(*disk.completed, mine->slot)) {
    taken = Error{Cat("slot of node ", settings_.self),
                  Cat("lost write ", disk.completed->incarnation, "/", disk.completed->sequence),
                  "the disk was rolled back, or does not keep what it said was written"};
  }
  if (!taken) {
    disk.trouble = taken.error().Text();
    next_cycle_ = std::max(next_cycle_, now + settings_.interval);
    Say(Severity::kError, "disk-unreadable").With("disk", index).With("why", disk.trouble);
    return;
  }
  const KnownSlot* own = disk.memory.Find(settings_.self);
  FENCEPOST_CHECK(own != nullptr);
  if (!SlotIsOurs(now, disk, *own)) return;
  disk.floor = std::max(disk.floor, own->slot.promise);
  if (!written_ && own->slot.incarnation >= incarnation_) {
    incarnation_ = Incarnation(own->slot.incarnation.value() + 1);
  }
  if (own->slot.held > held_) {
    held_ = own->slot.held;
    held_boot_ = own->slot.held_boot;
  }
  conceded_ = std::max(conceded_, own->slot.conceded);
  disk.phase = DiskPhase::kIdle;
  disk.trouble.clear();
  Say(Severity::kNotice, "disk-ready")
      .With("disk", index)
      .With("own_promise", disk.floor)
      .With("own_held", held_);
}

void DiskVoter::On(MonoTime now, const event::Wake&) {
  for (int i = 0; i < settings_.disks; ++i) {
    Disk& disk = disks_[static_cast<std::size_t>(i)];
    if (disk.phase != DiskPhase::kLearning || disk.learn_pending || now < next_cycle_) continue;
    disk.learn_pending = true;
    out_.reads.push_back({i, now + settings_.io_timeout});
  }
}

void DiskVoter::On(MonoTime now, const event::ConsumersDropped&) {
  may_publish_at_ = std::min(may_publish_at_, now);
}

void DiskVoter::On(MonoTime now, const event::Want& e) {
  enough_votes_ = e.enough_votes;
  const bool promises = phase_ == VotePhase::kPromising && readable_ && MayPromise();
  if (e.term == term_ && promises) next_cycle_ = std::min(next_cycle_, now);
  if (e.term == term_ && phase_ != VotePhase::kIdle) return;
  if (phase_ == VotePhase::kHolding || phase_ == VotePhase::kDropping ||
      phase_ == VotePhase::kConceding) {
    out_.notices.push_back(notice::Refused{e.term, highest_promise_, "the old term is not over"});
    return;
  }
  Term own = held_;
  for (const Disk& disk : disks_) own = std::max(own, disk.floor);
  if (e.term <= own || e.term.node() != settings_.self) {
    out_.notices.push_back(notice::Refused{e.term, own, "this node has used a higher term"});
    return;
  }
  term_ = e.term;
  phase_ = VotePhase::kPromising;
  activate_at_.reset();
  if (readable_ && MayPromise()) next_cycle_ = std::min(next_cycle_, now);
}

void DiskVoter::On(MonoTime now, const event::Dropped& e) {
  if (phase_ == VotePhase::kIdle || phase_ == VotePhase::kConceding || e.term < term_) return;
  activate_at_.reset();
  if (held_ == term_) {
    conceded_ = held_;
    phase_ = VotePhase::kConceding;
    ++wanted_;
    next_cycle_ = now;
    Say(Severity::kNotice, "disk-vote-conceded").With("term", term_);
  } else {
    phase_ = VotePhase::kIdle;
  }
}

void DiskVoter::On(MonoTime now, const event::Report& e) {
  if (report_ == e.report) return;
  report_ = e.report;
  ++wanted_;
  next_cycle_ = std::min(next_cycle_, now);
}

void DiskVoter::On(MonoTime now, const event::PowerIsOff& e) {
  off_[e.node] = std::max(off_[e.node], e.asked);
  if (phase_ == VotePhase::kPromising && !cycle_.open && readable_ && MayPromise()) {
    next_cycle_ = std::min(next_cycle_, now);
  }
  if (phase_ != VotePhase::kWaiting || before_.node() != e.node || e.asked < before_read_) return;
  if (*activate_at_ <= now) return;
  activate_at_ = now;
  next_cycle_ = now;
  Say(Severity::kNotice, "disk-vote-wait-ended")
      .With("term", term_)
      .With("why", "its holder is off");
}

void DiskVoter::MayStartCycle(MonoTime now) {
  if (!stopped_.empty() || cycle_.open) return;
  if (phase_ == VotePhase::kWaiting) next_cycle_ = std::min(next_cycle_, *activate_at_);
  const MonoTime start = written_ ? next_cycle_ : std::max(next_cycle_, may_publish_at_);
  const bool some = std::any_of(disks_.begin(), disks_.end(),
                                [](const Disk& d) { return d.phase == DiskPhase::kIdle; });
  const bool unlearnt = std::any_of(disks_.begin(), disks_.end(), [](const Disk& d) {
    return d.phase == DiskPhase::kLearning && !d.learn_pending;
  });
  if (some && now >= start) {
    StartCycle(now);
  } else if (some) {
    out_.wake_at = start;
  }
  if (unlearnt) out_.wake_at = std::min(out_.wake_at, std::max(next_cycle_, now));
}

void DiskVoter::StartCycle(MonoTime now) {
  cycle_ = {cycle_.number + 1, true, false, false, term_, wanted_, now};
  next_cycle_ = now + settings_.interval;
  if (phase_ == VotePhase::kIdle || phase_ == VotePhase::kPromising) {
    conceded_ = std::max(conceded_, held_);  // R6: the consumers dropped it before this could run
  }
  cycle_.promises = phase_ == VotePhase::kPromising && readable_ && MayPromise();
  cycle_.renews =
      phase_ == VotePhase::kHolding || (phase_ == VotePhase::kWaiting && *activate_at_ <= now);
  if (cycle_.renews && held_ != term_) {
    held_ = term_;
    held_boot_ = boot_;
  }
  for (int i = 0; i < settings_.disks; ++i) {
    if (disks_[static_cast<std::size_t>(i)].phase == DiskPhase::kIdle) WriteTo(now, i);
  }
}

void DiskVoter::WriteTo(MonoTime now, int index) {
  Disk& disk = disks_[static_cast<std::size_t>(index)];
  FENCEPOST_CHECK(disk.phase == DiskPhase::kIdle);
  const bool promised = cycle_.promises || cycle_.renews || phase_ == VotePhase::kWaiting;
  Slot slot;
  slot.node = settings_.self;
  slot.boot = boot_;
  slot.incarnation = incarnation_;
  slot.sequence = ++sequence_;
  slot.promise = promised ? std::max(disk.floor, cycle_.term) : disk.floor;
  slot.held = held_;
  slot.held_boot = held_boot_;
  slot.conceded = conceded_;
  slot.report = report_;
  slot.interval = settings_.interval;
  slot.version = settings_.version;
  disk.floor = slot.promise;  // it may land from now on
  disk.under_way = slot;
  disk.phase = DiskPhase::kWriting;
  disk.cycle = cycle_.number;
  disk.done = false;
  written_ = true;
  out_.writes.push_back({index, slot, now + settings_.io_timeout});
}

int DiskVoter::DoneDisks() const {
  return static_cast<int>(std::count_if(disks_.begin(), disks_.end(), [&](const Disk& d) {
    return d.done && d.cycle == cycle_.number;
  }));
}

void DiskVoter::MayFinishCycle(MonoTime now) {
  if (!stopped_.empty()) return;
  if (DoneDisks() >= Majority()) return FinishCycle(now, true);
  const bool busy = std::any_of(disks_.begin(), disks_.end(), [](const Disk& d) {
    return d.phase == DiskPhase::kWriting || d.phase == DiskPhase::kReading;
  });
  if (!busy) FinishCycle(now, false);
}

void DiskVoter::FinishCycle(MonoTime now, bool good) {
  cycle_.open = false;
  out_.cycle_done = true;
  readable_ = good;
  if (!good) return;
  TakeStock();
  published_ = cycle_.version;
  if (phase_ == VotePhase::kConceding && published_ == wanted_) phase_ = VotePhase::kIdle;
  if (cycle_.term != term_) return;
  if (cycle_.renews && (phase_ == VotePhase::kWaiting || phase_ == VotePhase::kHolding)) {
    return AfterRenewal();
  }
  if (phase_ == VotePhase::kPromising || phase_ == VotePhase::kWaiting) {
    if (foreign_promise_ > term_) return Refuse(foreign_promise_, "a higher term was promised");
    if (phase_ == VotePhase::kWaiting) return CheckShortcuts(now);
    if (cycle_.promises) return AfterPromise(now);
    if (MayPromise()) next_cycle_ = now;
  }
}

// The state of the region, over exactly the disks whose write and then read succeeded.
void DiskVoter::TakeStock() {
  region_.clear();
  foreign_promise_ = highest_promise_ = highest_held_ = Term();
  view_began_ = kNever;
  view_ended_ = MonoTime();
  for (const NodeId node : settings_.nodes) {
    const KnownSlot* newest = nullptr;
    for (const Disk& disk : disks_) {
      if (!disk.done || disk.cycle != cycle_.number) continue;
      const KnownSlot* known = disk.memory.Find(node);
      highest_promise_ = std::max(highest_promise_, known->slot.promise);
      if (node != settings_.self)
        foreign_promise_ = std::max(foreign_promise_, known->slot.promise);
      highest_held_ = std::max(highest_held_, known->slot.held);
      if (node == settings_.self) {
        view_began_ = std::min(view_began_, known->silent_until);
        view_ended_ = std::max(view_ended_, known->changed);
      }
      if (newest == nullptr || IsNewer(known->slot, newest->slot)) newest = known;
    }
    region_.push_back(*newest);
  }
  std::vector<Slot> fresh;
  for (const KnownSlot& known : region_) {
    if (IsFresh(known) && !known.slot.report.left) fresh.push_back(known.slot);
  }
  election_ = Elect(fresh, HolderConceded(highest_held_) ? NodeId() : highest_held_.node(),
                    settings_.rules);
}

bool DiskVoter::IsFresh(const KnownSlot& known) const {
  if (known.slot.IsBlank()) return false;
  if (known.slot.node == settings_.self) return true;
  const auto off = off_.find(known.slot.node);
  if (off != off_.end() && off->second > known.changed) return false;
  const Duration interval = std::max(known.slot.interval, settings_.interval);
  return known.silent_until - known.changed < settings_.tko * interval;
}

bool DiskVoter::HolderConceded(Term held) const {
  return std::any_of(disks_.begin(), disks_.end(), [&](const Disk& disk) {
    const KnownSlot* known = disk.memory.Find(held.node());
    return disk.done && known != nullptr && known->slot.conceded >= held;
  });
}

bool DiskVoter::HolderHasNewBoot(Term held) const {
  return std::any_of(disks_.begin(), disks_.end(), [&](const Disk& disk) {
    const KnownSlot* known = disk.memory.Find(held.node());
    return disk.done && known != nullptr && known->slot.held == held &&
           known->slot.boot != known->slot.held_boot;
  });
}

// R4, availability: nobody takes the vote from a living holder that is not to lose it.
bool DiskVoter::MayPromise() const {
  if (!enough_votes_) return false;
  const Term held = highest_held_;
  if (held.IsNone() || held.node() == settings_.self || HolderConceded(held)) return true;
  for (const KnownSlot& known : region_) {
    if (known.slot.node == held.node() && !IsFresh(known)) return true;
  }
  return election_.Elects(settings_.self) && !election_.Elects(held.node());
}

void DiskVoter::AfterPromise(MonoTime now) {
  before_ = highest_held_;
  before_read_ = view_ended_;
  phase_ = VotePhase::kWaiting;
  std::vector<MonoTime> known_since;
  for (const Disk& disk : disks_) {
    if (const auto at = disk.memory.PromiseAbove(before_)) known_since.push_back(*at);
  }
  std::sort(known_since.begin(), known_since.end());
  FENCEPOST_CHECK(static_cast<int>(known_since.size()) >= Majority());
  const MonoTime clock = known_since[static_cast<std::size_t>(Majority() - 1)];
  const LeaseTimes& times = settings_.times;
  activate_at_ = clock + Inflate(times.lease_max, times.drift) + times.eps;
  Say(Severity::kNotice, "disk-vote-promised").With("term", term_).With("before", before_);
  CheckShortcuts(now);
  if (*activate_at_ > now) {
    out_.notices.push_back(notice::Waiting{term_, before_, before_read_, *activate_at_});
  }
}

void DiskVoter::CheckShortcuts(MonoTime now) {
  const char* why = nullptr;
  if (before_.IsNone())
    why = "nobody held it";
  else if (before_.node() == settings_.self)
    why = "it was held here, and dropped";
  else if (HolderConceded(before_))
    why = "its holder conceded";
  else if (HolderHasNewBoot(before_))
    why = "its holder was booted anew";
  if (why == nullptr || *activate_at_ <= now) return;
  activate_at_ = now;
  next_cycle_ = now;
  Say(Severity::kNotice, "disk-vote-wait-ended").With("term", term_).With("why", why);
}

void DiskVoter::AfterRenewal() {
  if (foreign_promise_ > term_) {
    if (phase_ == VotePhase::kHolding) return Drop(Cat("term ", foreign_promise_, " was promised"));
    conceded_ = held_;  // published as held, but no lease of it was ever given
    ++wanted_;
    Refuse(foreign_promise_, "a higher term was promised during activation");
    phase_ = VotePhase::kConceding;
    return;
  }
  if (phase_ != VotePhase::kHolding) {
    Say(Severity::kNotice, "disk-vote-held").With("term", term_).With("before", before_);
    phase_ = VotePhase::kHolding;
    lost_cycles_ = 0;
  }
  out_.notices.push_back(notice::Held{{term_, HolderDeadline(cycle_.began, settings_.times)}});
  CheckConcession();
}

void DiskVoter::CheckConcession() {
  if (election_.Elects(settings_.self)) {
    lost_cycles_ = 0;
  } else if (++lost_cycles_ >= kCyclesToConcede) {
    Drop(Cat("another side wins the split: ", election_.why));
  }
}

void DiskVoter::Refuse(Term seen, const std::string& why) {
  out_.notices.push_back(notice::Refused{term_, seen, why});
  phase_ = VotePhase::kIdle;
  activate_at_.reset();
}

void DiskVoter::Drop(const std::string& why) {
  phase_ = VotePhase::kDropping;
  out_.notices.push_back(notice::MustDrop{term_, why});
  Say(Severity::kWarning, "disk-vote-dropping").With("term", term_).With("why", why);
}

Fact& DiskVoter::Say(Severity severity, std::string_view name) {
  return out_.facts.emplace_back(Fact{severity, name, {}}).With("node", settings_.self);
}

bool DiskVoter::IsShared(const Slot& newest) const {
  const auto seen = std::count_if(disks_.begin(), disks_.end(), [&](const Disk& disk) {
    const KnownSlot* known = disk.memory.Find(newest.node);
    return known != nullptr && known->changes > 0 && known->slot.boot == newest.boot &&
           known->slot.incarnation == newest.incarnation;
  });
  return seen >= Majority();
}

}  // namespace fencepost::qdiskd
