#include "membership/quorum/candidate.h"

#include <algorithm>
#include <utility>

namespace fencepost::quorum {
namespace {
constexpr std::size_t kMaxOpenQuestions = 4096;  // older ones are forgotten: their answers too
}

Candidate::Candidate(CandidateSettings settings, std::uint64_t stored_counter)
    : settings_(std::move(settings)), used_(stored_counter) {
  expected_ = settings_.disk_votes.value();
  for (const auto& [node, votes] : settings_.nodes) expected_ += votes.value();
}

CandidateEffects Candidate::Step(MonoTime now, const CandidateEvent& event) {
  out_ = {};
  std::visit([&](const auto& e) { On(now, e); }, event);
  if (!term_.IsNone() && !storing_) out_.wake_at = next_questions_;
  return std::move(out_);
}

void Candidate::On(MonoTime, const candidate::Stand&) {
  if (!term_.IsNone()) return;
  used_ = std::max(used_, seen_.counter()) + 1;
  term_ = Term(used_, settings_.self);
  seen_ = std::max(seen_, term_);
  if (!storing_) StoreCounter();  // else first what is under way: it is of a term given up
}

void Candidate::StoreCounter() {
  storing_ = used_;
  out_.store_counter = used_;
}

void Candidate::On(MonoTime now, const candidate::CounterStored& e) {
  if (!storing_) return;
  const std::uint64_t stored = *std::exchange(storing_, std::nullopt);
  if (!e.ok) {
    term_ = Term();
    out_.facts.push_back(
        Fact{Severity::kError, "term-not-stored", {}}.With("node", settings_.self));
    return;
  }
  if (term_.IsNone()) return;
  if (term_.counter() != stored) return StoreCounter();
  out_.facts.push_back(
      Fact{Severity::kNotice, "candidate", {}}.With("node", settings_.self).With("term", term_));
  AskAll(now);
}

void Candidate::AskAll(MonoTime now) {
  next_questions_ = now + settings_.interval;
  for (const auto& [node, votes] : settings_.nodes) {
    asked_[next_ask_] = {node, now};
    out_.questions.push_back({node, term_, next_ask_++});
  }
  while (asked_.size() > kMaxOpenQuestions) asked_.erase(asked_.begin());
  AskDisk(now);
}

std::uint64_t Candidate::NodeVotesHeld(MonoTime now) const {
  std::uint64_t sum = 0;
  for (const auto& [node, vote] : held_) sum += now < vote.deadline ? vote.votes.value() : 0;
  return sum;
}

std::uint64_t Candidate::VotesHeld(MonoTime now) const {
  return NodeVotesHeld(now) + (disk_ && now < disk_->deadline ? disk_->votes.value() : 0);
}

void Candidate::AskDisk(MonoTime now) {
  if (settings_.disk_votes.value() == 0) return;
  const std::uint64_t with_disk = NodeVotesHeld(now) + settings_.disk_votes.value();
  out_.want_disk = WantDisk{term_, 2 * with_disk > expected_};
}

void Candidate::On(MonoTime now, const candidate::Answered& e) {
  if (e.term != term_ || term_.IsNone() || storing_) return;
  const auto question = asked_.find(e.ask_id);
  if (question == asked_.end() || question->second.first != e.from) return;
  const MonoTime asked = question->second.second;
  asked_.erase(question);
  seen_ = std::max(seen_, e.highest);
  if (!e.granted) {
    out_.outbid = e.highest > term_;
    return;
  }
  HeldVote& vote = held_[e.from];
  vote.votes = settings_.nodes.at(e.from);
  if (asked > vote.asked || vote.deadline == MonoTime()) {
    vote.asked = asked;
    vote.deadline = HolderDeadline(asked, settings_.times);
  }
  AskDisk(now);
}

void Candidate::On(MonoTime, const candidate::DiskHeld& e) {
  if (e.lease.term != term_ || term_.IsNone()) return;
  disk_ =
      HeldVote{settings_.disk_votes, e.lease.deadline - settings_.times.lease, e.lease.deadline};
}

void Candidate::On(MonoTime, const candidate::DiskRefused& e) {
  seen_ = std::max(seen_, e.seen);
  if (e.term == term_ && !term_.IsNone()) out_.outbid = e.seen > term_;
}

void Candidate::On(MonoTime, const candidate::DiskLost& e) {
  if (e.term == term_) disk_.reset();
}

void Candidate::On(MonoTime, const candidate::SawTerm& e) { seen_ = std::max(seen_, e.term); }

void Candidate::On(MonoTime, const candidate::StandDown&) {
  if (term_.IsNone()) return;
  out_.released = term_;
  out_.facts.push_back(
      Fact{Severity::kNotice, "stood-down", {}}.With("node", settings_.self).With("term", term_));
  term_ = Term();
  held_.clear();
  disk_.reset();
  asked_.clear();
}

void Candidate::On(MonoTime now, const candidate::Tick&) {
  if (!term_.IsNone() && !storing_ && now >= next_questions_) AskAll(now);
}

std::optional<MonoTime> Candidate::QuorateUntil(MonoTime now, MonoTime since) const {
  if (term_.IsNone()) return std::nullopt;
  std::vector<HeldVote> votes;
  for (const auto& [node, vote] : held_) votes.push_back(vote);
  if (disk_) votes.push_back(*disk_);
  std::erase_if(votes, [&](const HeldVote& v) { return v.asked < since || v.deadline <= now; });
  std::sort(votes.begin(), votes.end(),
            [](const HeldVote& a, const HeldVote& b) { return a.deadline > b.deadline; });
  std::uint64_t sum = 0;
  for (const HeldVote& vote : votes) {
    sum += vote.votes.value();
    if (2 * sum > expected_) return vote.deadline;
  }
  return std::nullopt;
}

}  // namespace fencepost::quorum
