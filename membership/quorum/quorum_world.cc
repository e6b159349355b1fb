#include "membership/quorum/quorum_world.h"

#include <algorithm>

namespace fencepost::quorum {
namespace {
constexpr std::size_t kMaxInFlight = 60;  // beyond it the oldest are lost

NodeId IdOf(int node) { return NodeId(static_cast<std::uint8_t>(node + 1)); }
int IndexOf(NodeId id) { return id.value() - 1; }
}  // namespace

QuorumWorld::QuorumWorld(Shape shape, std::uint64_t seed)
    : shape_(std::move(shape)), rng_(seed), nodes_(shape_.votes.size()) {
  for (int i = 0; i < size(); ++i) {
    node(i).rate_ppm = rng_.OneIn(2) ? shape_.times.drift : 0;
    node(i).offset = Millis(static_cast<std::int64_t>(rng_.Below(5000)));
    Start(i);
  }
}

MonoTime QuorumWorld::Local(int i) const {
  const std::int64_t gained = true_time_.count() / 1'000'000 * node(i).rate_ppm;
  return MonoTime(true_time_ + Duration(gained) + node(i).offset);
}

int QuorumWorld::QuorateNow() const {
  int count = 0;
  for (int i = 0; i < size(); ++i) count += Acts(i) ? 1 : 0;
  return count;
}

int QuorumWorld::Coordinator() const {
  for (int i = 0; i < size(); ++i) {
    if (Acts(i)) return i;
  }
  return -1;
}

std::string QuorumWorld::Describe() const {
  std::string text;
  for (int i = 0; i < size(); ++i) {
    const Node& n = node(i);
    text += Cat("\n  node ", IdOf(i), " at ", Local(i).time_since_epoch().count() / 1000,
                " us, rate +", n.rate_ppm, " ppm", !n.powered ? ", off" : "",
                n.hung ? ", hung" : "", n.powered && !n.voter ? ", no daemon" : "");
    if (n.candidate) text += Cat(", stands for ", n.candidate->term());
    if (Acts(i)) text += Cat(", ACTS until ", n.acts_until.time_since_epoch().count() / 1000);
    if (n.voter) {
      if (const auto grant = n.voter->Grant(Local(i))) text += Cat(", granted ", grant->term);
    }
  }
  return text;
}

void QuorumWorld::Broken(int i, const std::string& what) {
  if (broken_.empty()) broken_ = Cat("node ", IdOf(i), " ", what, Describe());
}

void QuorumWorld::Advance(Duration d) {
  true_time_ += d;
  for (int i = 0; i < size(); ++i) {
    if (node(i).candidate && !node(i).hung) ToCandidate(i, candidate::Tick{});
  }
}

void QuorumWorld::Start(int i) {
  Node& n = node(i);
  if (n.voter || !n.powered) return;
  CandidateSettings settings;
  settings.self = IdOf(i);
  for (int k = 0; k < size(); ++k) {
    settings.nodes[IdOf(k)] = Votes(shape_.votes[static_cast<std::size_t>(k)]);
  }
  settings.times = shape_.times;
  settings.interval = shape_.interval;
  ++seen_[n.durable.clean_stop ? "start after a clean stop" : "start with a restart wait"];
  // What the store gives is what was encoded into it.
  const auto state = DecodeVoterState(EncodeVoterState(n.durable));
  FENCEPOST_CHECK(state.ok());
  n.voter.emplace(IdOf(i), shape_.times, *state, Local(i));
  n.candidate.emplace(settings, n.durable_counter);
  n.outbid = false;
}

void QuorumWorld::End(int i) {
  Node& n = node(i);
  if (n.storing) {
    if (rng_.OneIn(2)) n.durable = *n.storing;
    ++seen_["crash with a grant or a clean stop being stored"];
  }
  if (n.storing_counter) {
    if (rng_.OneIn(2)) n.durable_counter = *n.storing_counter;
    ++seen_["crash with a term being stored"];
  }
  n.storing.reset();
  n.storing_counter.reset();
  n.voter.reset();
  n.candidate.reset();
}

void QuorumWorld::Crash(int i) {
  if (!node(i).voter) return;
  ++seen_[Acts(i) ? "crash of a coordinator" : "crash of a member"];
  if (node(i).voter->Grant(Local(i))) ++seen_["crash with a live grant"];
  End(i);
}

void QuorumWorld::PowerOff(int i) {
  Crash(i);
  node(i).powered = false;
  node(i).hung = false;
  node(i).acts_until = MonoTime();
}

void QuorumWorld::PowerOn(int i) {
  if (node(i).powered) return;
  node(i).powered = true;
  node(i).offset = Millis(static_cast<std::int64_t>(rng_.Below(5000)));  // a new boot, a new clock
}

void QuorumWorld::FinishStore(int i) {
  Node& n = node(i);
  if (n.hung) return;
  if (n.storing_counter) {
    n.durable_counter = *n.storing_counter;
    n.storing_counter.reset();
    ToCandidate(i, candidate::CounterStored{true});
  }
  if (n.storing) {
    n.durable = *n.storing;
    n.storing.reset();
    ToVoter(i, voter::Stored{true});
  }
}

void QuorumWorld::GiveUp(int i) {
  Node& n = node(i);
  if (!n.candidate || n.hung || n.candidate->term().IsNone()) return;
  if (Acts(i)) ++seen_["coordinator stands down"];
  n.acts_until = MonoTime();
  n.outbid = false;
  ToCandidate(i, candidate::StandDown{});
}

void QuorumWorld::ToVoter(int i, const NodeVoterEvent& event) {
  Node& n = node(i);
  if (!n.voter) return;
  const NodeVoterEffects effects = n.voter->Step(Local(i), event);
  if (effects.store) {
    if (n.storing) Broken(i, "stores a vote while one is being stored");
    n.storing = effects.store;
  }
  for (const Answer& answer : effects.answers) {
    if (answer.granted) {
      if (n.durable.highest_granted != answer.term) Broken(i, "granted before it was durable");
      if (answer.term < n.highest_answered) Broken(i, "granted below what it had granted");
      ++seen_[answer.term == n.highest_answered ? "renewed" : "granted"];
      n.highest_answered = answer.term;
    } else {
      ++seen_["refused"];
    }
    Send({IndexOf(answer.to), candidate::Answered{IdOf(i), answer.term, answer.ask_id,
                                                  answer.granted, answer.highest}});
  }
  if (effects.stopped) {
    ++seen_[n.durable.clean_stop ? "clean stop" : "stop without a record"];
    End(i);
  }
}

void QuorumWorld::ToCandidate(int i, const CandidateEvent& event) {
  Node& n = node(i);
  if (!n.candidate) return;
  const CandidateEffects effects = n.candidate->Step(Local(i), event);
  if (effects.store_counter) {
    if (n.storing_counter) Broken(i, "stores a term while one is being stored");
    n.storing_counter = effects.store_counter;
  }
  for (const Question& question : effects.questions) {
    if (n.durable_counter < question.term.counter()) Broken(i, "asks before the term is durable");
    Send({IndexOf(question.to), voter::Ask{IdOf(i), question.term, question.ask_id}});
  }
  if (!effects.released.IsNone()) {
    for (int k = 0; k < size(); ++k) Send({k, voter::Release{effects.released}});
  }
  n.outbid |= effects.outbid;
  if (const auto until = n.candidate->QuorateUntil(Local(i))) {
    n.acts_until = std::max(n.acts_until, *until);
  }
}

void QuorumWorld::Send(Message message) {
  if (network_.size() == kMaxInFlight) network_.erase(network_.begin());
  network_.push_back(message);
}

void QuorumWorld::Deliver(const Message& message) {
  if (node(message.to).hung) return;
  if (const auto* ask = std::get_if<voter::Ask>(&message.body)) {
    ToVoter(message.to, *ask);
  } else if (const auto* release = std::get_if<voter::Release>(&message.body)) {
    ToVoter(message.to, *release);
  } else {
    ToCandidate(message.to, std::get<candidate::Answered>(message.body));
  }
}

void QuorumWorld::RandomMessage() {
  if (network_.empty()) return;
  const auto at = static_cast<std::ptrdiff_t>(rng_.Below(network_.size()));
  const Message message = network_[static_cast<std::size_t>(at)];
  const std::uint64_t dice = rng_.Below(20);
  if (dice != 0) network_.erase(network_.begin() + at);  // else: it will come once more
  if (dice != 1) Deliver(message);                       // else: lost
}

void QuorumWorld::RandomFault(int i) {
  switch (rng_.Below(5)) {
    case 0:
      Crash(i);
      return Start(i);
    case 1:
      return Crash(i);
    case 2:
      return PowerOff(i);
    case 3:
      node(i).hung = node(i).powered && !node(i).hung;
      return;
    default:
      if (node(i).hung || !node(i).voter) return;
      // Rarely while a grant is live: that proves little more.
      if (!node(i).voter->Grant(Local(i)) || rng_.OneIn(4)) ToVoter(i, voter::Stop{});
  }
}

void QuorumWorld::RandomWish(int i) {
  Node& n = node(i);
  switch (rng_.Below(4)) {
    case 0:
      PowerOn(i);
      return Start(i);
    case 1:
      if (n.outbid || rng_.OneIn(10)) GiveUp(i);
      return;
    case 2:
      n.hung = n.hung && !rng_.OneIn(4);
      return;
    default:
      if (!n.hung && (Coordinator() < 0 || rng_.OneIn(4))) ToCandidate(i, candidate::Stand{});
  }
}

void QuorumWorld::RandomStep() {
  const int i = static_cast<int>(rng_.Below(static_cast<std::uint64_t>(size())));
  const std::uint64_t dice = rng_.Below(1000);
  if (dice < 7) return RandomFault(i);
  if (dice < 50) return RandomWish(i);
  if (dice < 200) return Advance(Duration(static_cast<std::int64_t>(rng_.Below(4'000'000))));
  if (dice < 203) return Advance(Millis(static_cast<std::int64_t>(rng_.Below(150))));
  if (dice < 330) return FinishStore(i);
  RandomMessage();
}

void QuorumWorld::DeliverAll() {
  constexpr int kMaxMessages = 10'000;  // questions come with time: more would be a loop
  for (int count = 0; !network_.empty(); ++count) {
    FENCEPOST_CHECK(count < kMaxMessages);
    const Message message = network_.front();
    network_.erase(network_.begin());
    Deliver(message);
    FinishStore(message.to);
  }
}

bool QuorumWorld::Settle(Duration limit) {
  network_.clear();
  std::uint64_t expected = 0;
  for (const std::uint32_t votes : shape_.votes) expected += votes;
  std::uint64_t left = expected;
  for (int i = size() - 1; i >= 0; --i) {
    const std::uint64_t votes = shape_.votes[static_cast<std::size_t>(i)];
    if (i > 0 && 2 * (left - votes) > expected) {
      left -= votes;
      PowerOff(i);
      continue;
    }
    PowerOn(i);
    node(i).hung = false;
    FinishStore(i);  // also of a stop that was under way
    Start(i);
    GiveUp(i);
  }
  const Duration until = true_time_ + limit;
  for (; true_time_ < until; Advance(Millis(1))) {
    if (node(0).outbid) GiveUp(0);
    if (node(0).candidate->term().IsNone()) ToCandidate(0, candidate::Stand{});
    FinishStore(0);
    DeliverAll();
    if (Acts(0)) return true;
  }
  return false;
}

}  // namespace fencepost::quorum
