// A small cruel world for node voters and candidates: nodes with drifting clocks, a network that
// loses, delays, repeats and reorders, daemons that crash with a store under way. Each node runs
// both cores, as the daemon does, and has a consumer that acts on the deadline it was given, also
// when the daemon is gone. For tests of this folder only.
//
// Promise: every step is chosen by one seeded generator. QuorateNow() is the oracle: how many nodes
//          act as coordinator at this instant of true time. broken() tells what else no node may
//          ever do: answer before its grant is durable, grant below what it granted, start a store
//          while one is under way.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/prng.h"
#include "membership/quorum/candidate.h"
#include "membership/quorum/node_voter.h"

namespace fencepost::quorum {

class QuorumWorld {
 public:
  struct Shape {
    std::vector<std::uint32_t> votes;  // of each node
    LeaseTimes times{Millis(100), Millis(100), 100'000, Millis(2)};
    Duration interval = Millis(10);
  };

  QuorumWorld(Shape shape, std::uint64_t seed);

  void RandomStep();
  // No further fault: as many nodes are off as the votes allow, the others run and hear each
  // other, one of them stands. True when it is quorate within `limit`.
  bool Settle(Duration limit);

  [[nodiscard]] int QuorateNow() const;
  [[nodiscard]] int Coordinator() const;  // the first that is quorate; -1: none
  [[nodiscard]] const std::string& broken() const { return broken_; }
  [[nodiscard]] const std::map<std::string, int>& seen() const { return seen_; }
  [[nodiscard]] std::string Describe() const;

 private:
  struct Node {
    std::int64_t rate_ppm = 0;  // this clock gains so much
    Duration offset{};
    bool powered = true;
    bool hung = false;  // gets no event; its consumer's clock goes on
    bool outbid = false;
    std::optional<NodeVoter> voter;
    std::optional<Candidate> candidate;
    VoterState durable;  // on stable storage
    std::uint64_t durable_counter = 0;
    std::optional<VoterState> storing;
    std::optional<std::uint64_t> storing_counter;
    MonoTime acts_until{};  // the consumer: survives the daemon, not the power
    Term highest_answered;
  };
  struct Message {
    int to;
    std::variant<voter::Ask, voter::Release, candidate::Answered> body;
  };

  Node& node(int i) { return nodes_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const Node& node(int i) const { return nodes_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] int size() const { return static_cast<int>(nodes_.size()); }
  [[nodiscard]] MonoTime Local(int i) const;
  [[nodiscard]] bool Acts(int i) const { return Local(i) < node(i).acts_until; }
  void Advance(Duration d);
  void Start(int i);
  void End(int i);    // the daemon is gone, what it was storing may or may not have landed
  void Crash(int i);  // the same, by surprise
  void PowerOff(int i);
  void PowerOn(int i);
  void FinishStore(int i);
  void GiveUp(int i);  // the consumer first, then the term
  void ToVoter(int i, const NodeVoterEvent& event);
  void ToCandidate(int i, const CandidateEvent& event);
  void Send(Message message);
  void Deliver(const Message& message);
  void DeliverAll();
  void RandomFault(int i);
  void RandomWish(int i);
  void RandomMessage();
  void Broken(int i, const std::string& what);

  Shape shape_;
  Prng rng_;
  Duration true_time_ = std::chrono::seconds(1);
  std::vector<Node> nodes_;
  std::vector<Message> network_;
  std::string broken_;
  std::map<std::string, int> seen_;
};

}  // namespace fencepost::quorum
