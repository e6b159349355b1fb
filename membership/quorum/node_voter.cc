#include "membership/quorum/node_voter.h"

#include <algorithm>

namespace fencepost::quorum {
namespace {
constexpr std::uint32_t kStateMagic = 0x54565046;  // "FPVT"
constexpr std::uint16_t kStateVersion = 1;
constexpr Duration kLongestLease = std::chrono::hours(1);

bool CanHaveBeenStored(const VoterState& state) {
  if (state.lease_max < Duration() || state.lease_max > kLongestLease) return false;
  const int node = state.highest_granted.node().value();
  return state.highest_granted.IsNone() || (node >= 1 && node <= kMaxNodes);
}
}  // namespace

Bytes EncodeVoterState(const VoterState& state) {
  ByteWriter w;
  w.Put(kStateMagic);
  w.Put(kStateVersion);
  w.Put(state.highest_granted.value());
  w.Put(static_cast<std::uint64_t>(state.lease_max.count()));
  w.Put(static_cast<std::uint8_t>(state.clean_stop ? 1 : 0));
  return w.Take();
}

Result<VoterState> DecodeVoterState(ByteView bytes) {
  ByteReader r(bytes);
  const auto magic = r.Get<std::uint32_t>();
  const auto version = r.Get<std::uint16_t>();
  VoterState state;
  state.highest_granted = Term::FromValue(r.Get<std::uint64_t>());
  state.lease_max = Duration(static_cast<std::int64_t>(r.Get<std::uint64_t>()));
  const auto clean = r.Get<std::uint8_t>();
  if (!r.Done() || magic != kStateMagic || version != kStateVersion || clean > 1 ||
      !CanHaveBeenStored(state)) {
    return Error{"the voter's state", "is damaged or of another version",
                 "restore it from nowhere: fence this node, then run 'fencepost init' on it"};
  }
  state.clean_stop = clean == 1;
  return state;
}

NodeVoter::NodeVoter(NodeId self, LeaseTimes times, std::optional<VoterState> state,
                     MonoTime started)
    : self_(self), times_(times), state_(state) {
  if (!state_) return;
  times_.lease_max = std::max({times_.lease_max, times_.lease, state_->lease_max});
  grants_from_ = state_->clean_stop ? started : RestartDeadline(started, times_);
}

NodeVoterEffects NodeVoter::Step(MonoTime now, const NodeVoterEvent& event) {
  out_ = {};
  std::visit([&](const auto& e) { On(now, e); }, event);
  return std::move(out_);
}

bool NodeVoter::Live(MonoTime now) const {
  return waiting_.has_value() || (!granted_.IsNone() && now < until_);
}

std::optional<Lease> NodeVoter::Grant(MonoTime now) const {
  if (granted_.IsNone() || now >= until_) return std::nullopt;
  return Lease{granted_, until_};
}

void NodeVoter::On(MonoTime now, const voter::Ask& e) {
  if (!state_ || broken_ || stopping_ || e.term.node() != e.from) return Refuse(now, e);
  if (now < grants_from_) return Refuse(now, e);
  if (Live(now) && (waiting_ ? waiting_->term : granted_) != e.term) return Refuse(now, e);
  if (e.term < state_->highest_granted || e.term == released_) return Refuse(now, e);
  if (waiting_) {  // the same term asked again while its grant is being made durable
    waiting_->ask_id = e.ask_id;
    return;
  }
  const bool durable = e.term == state_->highest_granted && !state_->clean_stop &&
                       times_.lease_max <= state_->lease_max;
  if (durable) {  // a renewal
    granted_ = e.term;
    until_ = VoterDeadline(now, times_);
    out_.answers.push_back({e.from, e.term, e.ask_id, true, e.term, Duration()});
    return;
  }
  waiting_ = e;
  storing_ = true;
  state_ = VoterState{e.term, times_.lease_max, false};
  out_.store = state_;
}

void NodeVoter::On(MonoTime now, const voter::Stored& e) {
  if (!storing_) return;
  storing_ = false;
  if (!e.ok) {
    broken_ = true;
    waiting_.reset();
    out_.facts.push_back(Fact{Severity::kError, "voter-state-not-stored", {}}.With("node", self_));
    out_.stopped = stopping_;
    return;
  }
  if (waiting_) {
    const voter::Ask ask = *waiting_;
    waiting_.reset();
    if (ask.term != released_) Give(now, ask);
    if (stopping_) On(now, voter::Stop{});
    return;
  }
  out_.stopped = stopping_;
}

void NodeVoter::Give(MonoTime now, const voter::Ask& ask) {
  granted_ = ask.term;
  until_ = VoterDeadline(now, times_);
  out_.answers.push_back({ask.from, ask.term, ask.ask_id, true, ask.term, Duration()});
  out_.facts.push_back(Fact{Severity::kNotice, "vote-granted", {}}
                           .With("node", self_)
                           .With("term", ask.term)
                           .With("to", ask.from));
}

void NodeVoter::On(MonoTime, const voter::Release& e) {
  if (granted_ != e.term && !(waiting_ && waiting_->term == e.term)) return;
  released_ = e.term;
  granted_ = Term();
}

void NodeVoter::On(MonoTime now, const voter::Stop&) {
  stopping_ = true;
  if (storing_) return;  // first what is under way
  const bool clean = state_ && !broken_ && now >= grants_from_ && !Live(now);
  if (!clean) {
    out_.stopped = true;
    return;
  }
  storing_ = true;
  state_->clean_stop = true;
  out_.store = state_;
}

void NodeVoter::Refuse(MonoTime now, const voter::Ask& e) {
  Answer answer{e.from, e.term, e.ask_id, false, Term(), Duration()};
  if (state_) answer.highest = state_->highest_granted;
  if (waiting_) answer.highest = std::max(answer.highest, waiting_->term);
  if (Live(now) && !waiting_) answer.busy = until_ - now;
  if (now < grants_from_) answer.busy = std::max(answer.busy, grants_from_ - now);
  out_.answers.push_back(answer);
}

}  // namespace fencepost::quorum
