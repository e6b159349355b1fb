// The cores of a member: each is stepped here and nowhere else, and what it says is performed.
#include <algorithm>

#include "membership/node/member.h"

namespace fencepost::node {
namespace {
constexpr std::size_t kMaxDoneRemembered = messaging::kMaxDone;
}

void Member::StepVoter(const quorum::NodeVoterEvent& event) {
  quorum::NodeVoterEffects effects = voter_.Step(now_, event);
  if (effects.store) out_.store_voter = effects.store;
  for (Fact& fact : effects.facts) out_.facts.push_back(std::move(fact));
  if (effects.stopped) voter_stopped_ = true;
  const auto grant = voter_.Grant(now_);
  const Term granted = grant ? grant->term : Term();
  if (granted != granted_seen_) {
    granted_seen_ = granted;
    granted_seen_at_ = now_;
  }
  for (const quorum::Answer& answer : effects.answers) {
    if (answer.to == settings_.self) {
      StepCandidate(quorum::candidate::Answered{settings_.self, answer.term, answer.ask_id,
                                                answer.granted, answer.highest});
    } else {
      Send(answer.to,
           messaging::VoteAnswer{answer.term, answer.ask_id, answer.granted, answer.highest});
    }
  }
}

void Member::StepCandidate(const quorum::CandidateEvent& event) {
  quorum::CandidateEffects effects = candidate_.Step(now_, event);
  for (Fact& fact : effects.facts) out_.facts.push_back(std::move(fact));
  candidate_wake_ = effects.wake_at;
  if (effects.store_counter) out_.store_counter = effects.store_counter;
  if (effects.want_disk && disk_connected_) {
    out_.to_disk.push_back(
        qdiskd::event::Want{effects.want_disk->term, effects.want_disk->enough_votes});
  }
  if (effects.outbid && !Quorate()) AskToStandDown("a higher term was granted elsewhere", false);
  if (!effects.released.IsNone()) {
    release_due_ = effects.released;
    StepVoter(quorum::voter::Release{effects.released});
  }
  for (const quorum::Question& question : effects.questions) {
    if (question.to == settings_.self) {
      StepVoter(quorum::voter::Ask{settings_.self, question.term, question.ask_id});
    } else {
      Send(question.to, messaging::VoteAsk{question.term, question.ask_id});
    }
  }
}

void Member::StepExecutor(const executor::Event& event) {
  for (executor::Effect& effect : executor_.Step(event, now_)) {
    if (auto* start = std::get_if<executor::StartProcess>(&effect)) {
      out_.start_processes.push_back(std::move(*start));
    } else if (const auto* kill = std::get_if<executor::KillProcess>(&effect)) {
      out_.kill_processes.push_back(kill->process);
    } else if (const auto* done = std::get_if<executor::OrderDone>(&effect)) {
      if (Quorate() && done->term == candidate_.term()) {
        EndPending(done->operation);
        continue;
      }
      if (done->term != authority_term_) continue;  // its number may be one of another coordinator
      if (const auto seen = seen_orders_.find(done->operation); seen != seen_orders_.end()) {
        seen->second = done->outcome;
      }
      SayDone({done->operation, done->outcome});
    } else if (std::holds_alternative<executor::StatusChanged>(effect)) {
      next_heartbeat_ = now_;
    } else if (const auto* stuck = std::get_if<executor::NotQuiesced>(&effect)) {
      for (const std::string& resource : stuck->resources) {
        Say(Severity::kError, "resource-does-not-stop").With("resource", resource);
      }
    } else if (auto* fact = std::get_if<Fact>(&effect)) {
      out_.facts.push_back(std::move(*fact));
    }
  }
}

void Member::SayDone(const messaging::DoneOrder& done) {
  std::erase(done_, done);
  done_.push_back(done);
  if (done_.size() > kMaxDoneRemembered) done_.erase(done_.begin());
  next_heartbeat_ = now_;
}

void Member::StepFencer(const stonith::FencerEvent& event) {
  for (stonith::FencerEffect& effect : fencer_.Step(now_, event)) {
    if (auto* start = std::get_if<stonith::StartAgent>(&effect)) {
      out_.start_agents.push_back(std::move(*start));
    } else if (const auto* kill = std::get_if<stonith::KillAgent>(&effect)) {
      out_.kill_agents.push_back(kill->run);
    } else if (const auto* wake = std::get_if<stonith::WakeAt>(&effect)) {
      fencer_wake_ = wake->when;
    } else if (const auto* status = std::get_if<stonith::StatusAnswer>(&effect)) {
      OnPowerStatus(*status);
    } else if (const auto* answer = std::get_if<stonith::FenceAnswer>(&effect)) {
      OnFenceAnswer(*answer);
    } else if (const auto* unfenced = std::get_if<stonith::UnfenceAnswer>(&effect)) {
      OnUnfenceAnswer(*unfenced);
    } else if (auto* fact = std::get_if<Fact>(&effect)) {
      out_.facts.push_back(std::move(*fact));
    }
  }
}

// Off at an instant after the grant was seen: the holder of that term is dead, and its term with
// it, for it will never use it again. The same for the disk's vote (R5) and for recovery.
void Member::OnPowerStatus(const stonith::StatusAnswer& answer) {
  Query& query = queries_[answer.node];
  query.under_way = false;
  query.said = std::string(stonith::Name(answer.power));
  if (answer.power != stonith::Power::kOff) {
    if (answer.power == stonith::Power::kUnknown) query.said += ": " + answer.reason;
    return;
  }
  Say(Severity::kNotice, "power-is-off").With("of", NameOf(answer.node));
  Decide(qdiskd::DecisionKind::kPowerIsOff, answer.node, "its power device says so");
  BelieveOff(answer.node, answer.begun_at);
}

void Member::OnFenceAnswer(const stonith::FenceAnswer& answer) {
  for (auto it = fencing_.begin(); it != fencing_.end(); ++it) {
    if (it->second.request != answer.id) continue;
    const NodeId node = it->first;
    Peer& peer = peers_.at(node);
    const bool whole = answer.result.ok() && answer.result->coverage.node;
    if (answer.result.ok() && !whole) {
      peer.CutOff(answer.result->begun_at, answer.result->coverage);
    }
    if (whole || IsCutEnough(peer)) {
      Say(Severity::kNotice, "fenced")
          .With("target", NameOf(node))
          .With("by", answer.result->device);
      Decide(qdiskd::DecisionKind::kFenced, node,
             Cat(whole ? "" : Cat("its ", ToText(peer.cut()), " "), "proved off by ",
                 answer.result->device, "; because ", it->second.reason));
      if (whole) peer.PowerIsOff(answer.result->begun_at);
      fencing_.erase(it);
    } else if (answer.result.ok() &&
               answer.result->coverage.Covers(policy::NeededBy(settings_.cib))) {
      it->second.request = 0;
      it->second.note = Cat("its ", ToText(answer.result->coverage), " is cut off by ",
                            answer.result->device, "; that counts once its authority is over");
      it->second.decided = now_;
      it->second.retry_at = std::max(peer.obeys_until(), now_ + settings_.peer_timeout);
    } else {
      // Cut off from storage or network it may still write to the other, or run what needs neither.
      const std::string why =
          answer.result.ok()
              ? Cat("only its ", ToText(answer.result->coverage), " is cut off, by ",
                    answer.result->device, "; add a power device to the level, or confirm by hand")
              : answer.result.error().Text();
      Say(Severity::kError, "fencing-failed").With("target", NameOf(node)).With("why", why);
      Decide(qdiskd::DecisionKind::kFenceFailed, node, why);
      it->second.request = 0;
      it->second.note = why;
      it->second.decided = now_;
      it->second.retry_at = now_ + settings_.peer_timeout;
    }
    return;
  }
}

}  // namespace fencepost::node
