#include <utility>

#include "qdiskd/disk_runner.h"

namespace fencepost::qdiskd {

void DiskRunner::MakePost(BootId boot, Incarnation incarnation) {
  const VoterSettings& voter = settings_.voter;
  SenderSettings sender{voter.self,       boot,
                        incarnation,      voter.interval,
                        voter.io_timeout, voter.times.drift,
                        voter.times.eps,  voter.disks,
                        settings_.names};
  MessagePost::Handler handler;
  handler.view = [this] { return MakeView().view; };
  handler.held_term = [this] {
    return voter_->phase() == VotePhase::kHolding ? voter_->term() : Term();
  };
  handler.end_heartbeats = [this] {
    condemned_ = true;
    SetWake(kNever);
  };
  handler.tell_consumer = [this](const local::Die& die) { service_->TellConsumer(die); };
  handler.answer = [this](PeerId peer, const FromQdiskd& said) { service_->Answer(peer, said); };
  handler.keep = [this](const Decision& decision) { Keep(decision); };
  handler.exit = [this] { Stop(); };
  post_ = std::make_unique<MessagePost>(
      MessagePost::Settings{std::move(sender), voter.nodes, settings_.wall_ms},
      MessagePost::Ports{ports_.clock, ports_.death, ports_.facts}, std::move(handler));
}

// An earlier start of this daemon was told to die in this boot, and the node still lives.
void DiskRunner::DieAsMarked(Death death) {
  condemned_ = true;
  const Status done = ports_.death.Act(death);
  ports_.facts.Record(About(Severity::kCritical, "node-does-not-die")
                          .With("why", done.ok() ? std::string("not yet") : done.error().Text()));
  stop_ =
      ports_.clock.CallAt(ports_.clock.Now() + kActAgain, [this, death] { DieAsMarked(death); });
}

}  // namespace fencepost::qdiskd
