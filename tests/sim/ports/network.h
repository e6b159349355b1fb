// The network between simulated nodes (Datagram).
//
// Promise: a datagram arrives whole, or not, at whoever listens for that node then.
// Cruelty: loss, duplication, delay and with it reordering, flipped bits, replays of old datagrams
//          long after, cuts in one direction. All of it by the world's dice; Links may be all calm.
// Errors:  silence.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "env/datagram.h"
#include "tests/sim/ports/machine.h"

namespace fencepost::sim {

inline constexpr std::size_t kReplayMemory = 64;  // old datagrams that may come again

class SimNetwork {
 public:
  struct Weather {  // each "one in n"; 0: never
    std::uint64_t lost = 0, doubled = 0, damaged = 0, replayed = 0;
    Duration delay_low = std::chrono::microseconds(100), delay_high = Millis(2);
  };
  explicit SimNetwork(Timeline& world) : world_(world) {}
  void SetWeather(Weather weather) { weather_ = weather; }
  void Cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void Heal(NodeId from, NodeId to) { cut_.erase({from, to}); }
  void Partition(NodeId a, NodeId b);  // both directions
  void Join(NodeId a, NodeId b);
  void HealAll() { cut_.clear(); }
  // Somebody on the wire sends this.
  void Inject(NodeId to, ByteView bytes);

  struct Seen {
    std::uint64_t sent = 0, delivered = 0, lost = 0, cut = 0, doubled = 0, damaged = 0,
                  replayed = 0;
  };
  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  friend class SimDatagram;
  using Receive = std::function<void(ByteView)>;
  struct Listener {
    std::shared_ptr<Life> life;
    Receive receive;
  };
  struct Old {
    NodeId to;
    Bytes bytes;
  };
  void Send(NodeId from, NodeId to, ByteView bytes);
  void Deliver(NodeId from, NodeId to, Bytes bytes, Duration delay);
  [[nodiscard]] bool Happens(std::uint64_t one_in) {
    return one_in != 0 && world_.rng().OneIn(one_in);
  }

  Timeline& world_;
  Weather weather_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::map<NodeId, std::shared_ptr<Listener>> listeners_;
  std::vector<Old> old_;
  Seen seen_;
};

class SimDatagram final : public Datagram {
 public:
  SimDatagram(SimNetwork& network, Machine& machine, std::shared_ptr<Life> life);
  ~SimDatagram() override;
  SimDatagram(const SimDatagram&) = delete;
  SimDatagram& operator=(const SimDatagram&) = delete;
  void Send(NodeId to, ByteView bytes) override;
  void OnReceive(std::function<void(ByteView)> receive) override;

 private:
  SimNetwork& network_;
  Machine& machine_;
  std::shared_ptr<SimNetwork::Listener> listener_;
};

}  // namespace fencepost::sim
