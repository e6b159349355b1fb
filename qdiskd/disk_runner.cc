#include "qdiskd/disk_runner.h"

#include <algorithm>
#include <utility>

namespace fencepost::qdiskd {
namespace {

constexpr std::string_view kIncarnationState = "qdiskd-incarnation";

template <class... Calls>
struct Overloaded : Calls... {
  using Calls::operator()...;
};
template <class... Calls>
Overloaded(Calls...) -> Overloaded<Calls...>;

Term TermOf(const VoterNotice& notice) {
  return std::visit(Overloaded{[](const notice::Held& n) { return n.lease.term; },
                               [](const auto& n) { return n.term; }},
                    notice);
}

}  // namespace

DiskRunner::DiskRunner(RunnerSettings settings, RunnerPorts ports)
    : settings_(std::move(settings)), ports_(std::move(ports)) {
  FENCEPOST_CHECK(ports_.disks.size() == static_cast<std::size_t>(settings_.voter.disks));
  FENCEPOST_CHECK(settings_.disks.size() == ports_.disks.size());
}

DiskRunner::~DiskRunner() {
  *alive_ = false;
  for (const TimerId timer : {wake_, tell_again_, lease_end_, silence_, stop_})
    ports_.clock.Cancel(timer);
}

Fact DiskRunner::About(Severity severity, std::string_view name) const {
  return Fact{severity, name, {}}.With("node", settings_.voter.self);
}

void DiskRunner::Start(std::function<void(Status)> ended) {
  ended_ = std::move(ended);
  started_ = ports_.clock.Now();
  const Result<BootId> boot = ports_.identity.Boot();
  if (!boot.ok()) return End(boot.error());
  if (const auto death = ports_.death.Marked(*boot)) return DieAsMarked(*death);
  const Result<std::optional<Bytes>> stored = ports_.state.Load(kIncarnationState);
  if (!stored.ok()) return End(stored.error());
  std::uint64_t before = 0;
  if (stored->has_value()) {
    ByteReader reader(**stored);
    before = reader.Get<std::uint64_t>();
    if (!reader.Done()) {
      return End(Error{Cat("state ", kIncarnationState), "is not a counter",
                       "remove it; the disk's own record is used then"});
    }
  }
  const Incarnation incarnation(before + 1);
  StoreIncarnation(incarnation, [this, id = *boot, incarnation] { Begin(id, incarnation); });
}

void DiskRunner::StoreIncarnation(Incarnation incarnation, std::function<void()> then) {
  ByteWriter writer;
  writer.Put(incarnation.value());
  ports_.state.Store(
      kIncarnationState, writer.Take(),
      [this, alive = alive_, incarnation, then = std::move(then)](const Status& stored) {
        if (!*alive || over_) return;
        if (!stored.ok()) return End(stored.error());
        durable_ = incarnation;
        then();
      });
}

void DiskRunner::Begin(BootId boot, Incarnation incarnation) {
  boot_ = boot;
  voter_.emplace(settings_.voter, boot, incarnation, started_);
  for (int disk = 0; disk < settings_.voter.disks; ++disk) MakeLink(disk);
  MakePost(boot, incarnation);
  Serve();
  ports_.facts.Record(About(Severity::kNotice, "qdiskd-started")
                          .With("incarnation", incarnation)
                          .With("boot", UuidText(boot.bytes)));
  if (stopping_) return End(Ok{});
  Keep({DecisionKind::kStarted, NodeId(), Term(),
        Cat("version ", settings_.voter.version, ", start ", incarnation, ", boot ",
            UuidText(boot.bytes))});
  service_->Serve();
  TellUnreadable();
  std::vector<DiskLink*> links;
  for (const auto& link : links_) links.push_back(link.get());
  post_->Start(std::move(links));
  for (const auto& link : links_) link->Open();
}

// While no disk is in use no cycle ends, and a consumer takes a daemon that says nothing for hung.
// A view of a readable disk is not repeated: it would pass for a newer one.
void DiskRunner::TellUnreadable() {
  tell_again_ = ports_.clock.CallAt(ports_.clock.Now() + settings_.voter.interval,
                                    [this] { TellUnreadable(); });
  if (!condemned_ && !voter_->View().readable) service_->SendView();
}

void DiskRunner::Serve() {
  service_ = std::make_unique<LocalService>(
      ports_.server, ports_.facts, settings_.own_user,
      LocalService::Handler{
          [this] { return MakeWelcome(); }, [this] { return MakeView(); },
          [this](bool replaced) { ConsumerHello(replaced); },
          [this](const ToQdiskd& message) { ConsumerSaid(message); }, [this] { ConsumerGone(); },
          [this](PeerId peer, const ToQdiskd& message) { post_->Asked(peer, message); },
          [this](PeerId peer) { post_->PeerGone(peer); }});
}

void DiskRunner::MakeLink(int disk) {
  const auto index = static_cast<std::size_t>(disk);
  const VoterSettings& voter = settings_.voter;
  LinkSettings link{disk,
                    settings_.disks[index].device,
                    voter.self,
                    voter.nodes,
                    settings_.cluster,
                    settings_.disks[index].label,
                    settings_.disks[index].designator,
                    durable_,
                    voter.io_timeout,
                    settings_.mac,
                    settings_.wall_ms};
  links_.push_back(std::make_unique<DiskLink>(
      std::move(link), LinkPorts{ports_.clock, *ports_.disks[index], ports_.state, ports_.facts},
      DiskLink::Handler{[this, disk] { LinkReady(disk); },
                        [this, disk](const std::string& why) { LinkLost(disk, why); },
                        [this, disk] { Step(event::WriteDone{disk}); },
                        [this, disk](RegionRead read) {
                          Step(event::ReadDone{disk, std::move(read)});
                        },
                        [this] { service_->SendView(); },
                        [this, disk](const DiskId& id) { return WhyAlreadyUsed(disk, id); }}));
  recorders_.push_back(std::make_unique<DiskRecorder>(
      DiskRecorder::Settings{disk, voter.self, boot_, durable_, voter.io_timeout,
                             settings_.wall_ms},
      DiskRecorder::Ports{*links_.back(), ports_.clock, ports_.facts}, [this] {
        if (stopping_) MayEnd();
      }));
}

std::string DiskRunner::WhyAlreadyUsed(int disk, const DiskId& id) const {
  for (std::size_t other = 0; other < links_.size(); ++other) {
    if (static_cast<int>(other) == disk || links_[other]->disk_id() != id) continue;
    return Cat("is reached as disk ", other, " (", settings_.disks[other].device,
               ") already: name three different disks");
  }
  return "";
}

void DiskRunner::LinkReady(int disk) {
  if (std::exchange(lost_.at(static_cast<std::size_t>(disk)), false)) {
    Keep({DecisionKind::kDiskBack, NodeId(), Term(), Cat("disk ", disk)});
  }
  Step(event::DiskReady{disk});
  post_->LinkReady(disk);
}

void DiskRunner::LinkLost(int disk, const std::string& why) {
  std::erase_if(held_back_, [disk](const DiskWrite& write) { return write.disk == disk; });
  recorders_[static_cast<std::size_t>(disk)]->SessionOver();
  lost_.at(static_cast<std::size_t>(disk)) = true;
  Keep({DecisionKind::kDiskLost, NodeId(), Term(), why});
  Step(event::DiskLost{disk, why});
  post_->SessionOver(disk);
}

void DiskRunner::Step(const VoterEvent& event) {
  if (over_ || condemned_) return;
  Perform(voter_->Step(ports_.clock.Now(), event));
}

void DiskRunner::Perform(VoterEffects effects) {
  for (const Fact& fact : effects.facts) ports_.facts.Record(fact);
  if (!effects.stopped.empty()) {
    return End(Error{"quorum disk", effects.stopped, "see that each node has its own id"});
  }
  for (const VoterNotice& notice : effects.notices) KeepNotice(notice);
  KeepPhase();
  for (const VoterNotice& notice : effects.notices) Pass(notice);
  if (effects.cycle_done) CycleDone();
  if (!effects.writes.empty() && !cycle_began_) cycle_began_ = ports_.clock.Now();
  SetWake(effects.wake_at);
  for (const DiskRead& read : effects.reads) {
    links_[static_cast<std::size_t>(read.disk)]->Read(read.deadline);
  }
  if (voter_->incarnation() <= durable_) {
    Issue(std::move(effects.writes));
  } else if (!effects.writes.empty()) {
    const bool storing = !held_back_.empty();
    for (DiskWrite& write : effects.writes) held_back_.push_back(std::move(write));
    if (!storing) {
      StoreIncarnation(voter_->incarnation(), [this] { Issue(std::exchange(held_back_, {})); });
    }
  }
  if (effects.cycle_done) {
    service_->SendView();
    post_->ViewChanged();
    for (const auto& recorder : recorders_) recorder->MayWrite();
  }
  if (stopping_) MayEnd();
}

void DiskRunner::Keep(Decision decision) {
  for (const auto& recorder : recorders_) recorder->Add(decision);
}

void DiskRunner::KeepNotice(const VoterNotice& notice) {
  if (const auto* waiting = std::get_if<notice::Waiting>(&notice)) {
    const Duration wait = waiting->until - ports_.clock.Now();
    Keep({DecisionKind::kPromises, waiting->before.node(), waiting->term,
          waiting->before.IsNone() ? std::string("nobody held it before")
                                   : Cat("waits ", wait, " for the end of ", waiting->before)});
  } else if (const auto* drop = std::get_if<notice::MustDrop>(&notice)) {
    Keep({DecisionKind::kMustDrop, NodeId(), drop->term, drop->why});
  }
}

void DiskRunner::KeepPhase() {
  const VotePhase phase = voter_->phase();
  if (phase == kept_phase_) return;
  if (phase == VotePhase::kHolding) {
    Keep({DecisionKind::kHolds, NodeId(), voter_->term(), ""});
  } else if (kept_phase_ == VotePhase::kConceding) {
    Keep({DecisionKind::kConcedes, NodeId(), kept_term_, ""});
  }
  kept_phase_ = phase;
  kept_term_ = voter_->term();
}

bool DiskRunner::Recorded() const {
  return std::none_of(recorders_.begin(), recorders_.end(),
                      [](const auto& recorder) { return recorder->Busy(); });
}

void DiskRunner::CycleDone() {
  if (cycle_began_) last_cycle_ = ports_.clock.Now() - *cycle_began_;
  cycle_began_.reset();
  if (settings_.after_cycle) settings_.after_cycle(MakeView());
  if (!settings_.tell_cycles) return;
  const DiskView view = voter_->View();
  ports_.facts.Record(About(Severity::kDebug, "disk-cycle")
                          .With("took", last_cycle_)
                          .With("readable", view.readable)
                          .With("term", voter_->term())
                          .With("held", view.highest_held)
                          .With("promise", view.highest_promise));
}

void DiskRunner::Issue(std::vector<DiskWrite> writes) {
  if (condemned_) return;
  for (DiskWrite& write : writes) {
    links_[static_cast<std::size_t>(write.disk)]->Write(std::move(write.slot), write.deadline);
  }
}

void DiskRunner::SetWake(MonoTime at) {
  if (at == wake_at_) return;
  ports_.clock.Cancel(wake_);
  wake_at_ = at;
  wake_ = at == kNever ? 0 : ports_.clock.CallAt(at, [this] {
    wake_at_ = kNever;
    Step(event::Wake{});
  });
}

void DiskRunner::Pass(const VoterNotice& notice) {
  const Term term = TermOf(notice);
  if (!service_->HasConsumer() || asked_from_.IsNone() || term < asked_from_) return;
  // While stopping: what it has ends at the deadline that it knows.
  if (stopping_ && std::holds_alternative<notice::Held>(notice)) return;
  service_->Tell(notice);
}

bool DiskRunner::TermCounts() const {
  return !counted_.IsNone() && ports_.clock.Now() < counts_until_;
}

void DiskRunner::ConsumerSaid(const ToQdiskd& message) {
  std::visit(
      Overloaded{[this](const event::Want& want) { ConsumerWants(want); },
                 [this](const event::Dropped& dropped) { ConsumerDropped(dropped); },
                 [this](const event::Report& report) {
                   report_ = report.report;
                   ArmSilence();
                   Publish();
                 },
                 [this](const event::PowerIsOff& off) {
                   if (off.asked <= ports_.clock.Now()) Step(off);
                 },
                 [this](const Decision& decision) { Keep(decision); },
                 [this](const local::FeedingEnded& ended) { post_->FeedingEnded(ended.watchdog); },
                 [](const auto&) {}},
      message);
}

void DiskRunner::ConsumerWants(const event::Want& want) {
  const char* why = nullptr;
  if (stopping_) why = "qdiskd is being stopped";
  if (owner_gone_) why = "what an earlier consumer was given is not over";
  if (why != nullptr) {
    return service_->Tell(notice::Refused{want.term, voter_->term(), why});
  }
  asked_from_ = asked_from_.IsNone() ? want.term : std::min(asked_from_, want.term);
  counted_ = std::max(counted_, want.term);
  counts_until_ = kNever;
  Step(want);
}

void DiskRunner::ConsumerDropped(const event::Dropped& dropped) {
  if (owner_gone_) return;  // it speaks for itself only, and has been given nothing
  if (dropped.term >= counted_) counted_ = Term();
  Step(dropped);
  if (stopping_) MayEnd();
}

void DiskRunner::ConsumerGone() {
  asked_from_ = Term();
  if (over_) return;
  SpeakForNobody();
  if (counted_.IsNone()) return GiveUp();
  // Whatever it counted, it had asked for before it went: a lease from now everything is over.
  const Duration wait = settings_.voter.times.lease_max;
  Keep({DecisionKind::kConsumerGone, NodeId(), counted_, Cat("its term is over in ", wait)});
  owner_gone_ = true;
  counts_until_ = ports_.clock.Now() + wait;
  ports_.facts.Record(About(Severity::kWarning, "consumer-gone-with-term")
                          .With("term", counted_)
                          .With("conceded_in", wait));
  ports_.clock.Cancel(lease_end_);
  lease_end_ = ports_.clock.CallAt(counts_until_, [this] { LeaseOver(); });
}

void DiskRunner::SpeakForNobody() {
  ports_.clock.Cancel(silence_);
  if (report_.left || !voter_) return;
  report_ = {};
  report_.view = NodeBit(settings_.voter.self);
  report_.votes = Votes(0);
  Publish();
}

void DiskRunner::SetFitness(const Fitness& fitness) {
  fitness_ = fitness;
  if (voter_ && !over_) Publish();
}

// What the consumer says of this node, and what its heuristics do. Who speaks for nobody has no
// score.
void DiskRunner::Publish() {
  NodeReport report = report_;
  report.unfit = !fitness_.fit;
  if (report.votes != Votes(0)) report.score += fitness_.score;
  Step(event::Report{report});
}

// The consumer repeats its report with each of its heartbeats. One that hangs must not keep a score
// and a view on the disk for which the healthy side would concede.
void DiskRunner::ArmSilence() {
  ports_.clock.Cancel(silence_);
  const Duration patience = settings_.voter.tko * settings_.voter.interval;
  silence_ = ports_.clock.CallAt(ports_.clock.Now() + patience, [this] {
    if (over_) return;
    ports_.facts.Record(About(Severity::kWarning, "consumer-silent"));
    SpeakForNobody();
  });
}

void DiskRunner::ConsumerHello(bool replaced) {
  asked_from_ = Term();
  if (!replaced) GiveUp();
  Step(event::ConsumersDropped{});
}

void DiskRunner::LeaseOver() {
  if (TermCounts()) return;
  if (owner_gone_) GiveUp();
  if (stopping_) MayEnd();
}

void DiskRunner::GiveUp() {
  ports_.clock.Cancel(lease_end_);
  counted_ = Term();
  counts_until_ = kNever;
  owner_gone_ = false;
  if (!voter_->term().IsNone()) Step(event::Dropped{voter_->term()});
}

void DiskRunner::Stop() {
  if (over_ || stopping_ || condemned_) return;
  stopping_ = true;
  ports_.facts.Record(About(Severity::kNotice, "qdiskd-stopping").With("term", counted_));
  if (!voter_) return;  // Begin ends it
  Keep({DecisionKind::kStopped, NodeId(), counted_, ""});
  if (!TermCounts()) {
    GiveUp();
  } else if (!owner_gone_) {
    // It owes us its Dropped; we never say it in its place, but we do not wait for ever.
    service_->Tell(notice::MustDrop{counted_, "qdiskd is being stopped"});
    ports_.clock.Cancel(lease_end_);
    lease_end_ = ports_.clock.CallAt(ports_.clock.Now() + settings_.voter.times.lease_max,
                                     [this] { End(Ok{}); });
  }
  MayEnd();
}

// What is known to nobody but us must be on the disk first, as long as a disk takes it.
void DiskRunner::MayEnd() {
  if (over_ || TermCounts()) return;
  const bool said = voter_->Published() && voter_->phase() != VotePhase::kConceding && Recorded();
  if (said || !AnyLinkReady()) return End(Ok{});
  if (stop_ != 0) return;
  const VoterSettings& voter = settings_.voter;
  const Duration cycle = std::max(voter.interval, 2 * voter.io_timeout);
  stop_ = ports_.clock.CallAt(ports_.clock.Now() + kStopCycles * cycle, [this] { End(Ok{}); });
}

void DiskRunner::End(Status status) {
  if (over_) return;
  over_ = true;
  if (service_) service_->Close();
  if (post_) post_->Close();
  for (const auto& link : links_) link->Close();
  for (const TimerId timer : {wake_, tell_again_, lease_end_, silence_, stop_})
    ports_.clock.Cancel(timer);
  Fact fact = About(status.ok() ? Severity::kNotice : Severity::kCritical, "qdiskd-ended");
  if (!status.ok()) fact.With("why", status.error().Text());
  ports_.facts.Record(fact);
  stop_ = ports_.clock.CallAt(ports_.clock.Now(),
                              [ended = ended_, status = std::move(status)] { ended(status); });
}

bool DiskRunner::AnyLinkReady() const {
  return std::any_of(links_.begin(), links_.end(), [](const auto& link) { return link->ready(); });
}

local::Welcome DiskRunner::MakeWelcome() const {
  std::string devices;
  for (const RunnerDisk& disk : settings_.disks) {
    devices += Cat(devices.empty() ? "" : " ", disk.device);
  }
  return {boot_, voter_->incarnation(), devices};
}

local::View DiskRunner::MakeView() const {
  local::View out;
  out.view = voter_->View();
  out.view.trouble.clear();
  out.fitness = fitness_;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const DiskLink& link = *links_[i];
    const std::string& trouble =
        link.ready() ? voter_->Trouble(static_cast<int>(i)) : link.trouble();
    const auto id = link.disk_id();
    out.disks.push_back({settings_.disks[i].device, id ? UuidText(id->bytes) : "", link.barrier(),
                         trouble, link.latency()});
    if (out.view.trouble.empty()) out.view.trouble = trouble;
  }
  out.cycle_us = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(last_cycle_).count());
  return out;
}

}  // namespace fencepost::qdiskd
