#include "tests/sim/ports/network.h"

namespace fencepost::sim {

void SimNetwork::Partition(NodeId a, NodeId b) {
  Cut(a, b);
  Cut(b, a);
}

void SimNetwork::Join(NodeId a, NodeId b) {
  Heal(a, b);
  Heal(b, a);
}

void SimNetwork::Send(NodeId from, NodeId to, ByteView view) {
  FENCEPOST_CHECK(view.size() <= kMaxDatagram);
  ++seen_.sent;
  const auto delay = [this] { return world_.Between(weather_.delay_low, weather_.delay_high); };
  Bytes bytes(view.begin(), view.end());
  if (weather_.replayed != 0) {
    const std::size_t at = world_.rng().Below(kReplayMemory);
    if (old_.size() < kReplayMemory) {
      old_.push_back({to, bytes});
    } else {
      old_[at] = {to, bytes};
    }
    if (Happens(weather_.replayed)) {
      const Old& again = old_[world_.rng().Below(old_.size())];
      ++seen_.replayed;
      Deliver(from, again.to, again.bytes, delay());
    }
  }
  if (Happens(weather_.lost)) {
    ++seen_.lost;
    return;
  }
  if (Happens(weather_.doubled)) {
    ++seen_.doubled;
    Deliver(from, to, bytes, delay());
  }
  if (!bytes.empty() && Happens(weather_.damaged)) {
    ++seen_.damaged;
    const std::uint64_t bit = world_.rng().Below(8 * bytes.size());
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
  }
  Deliver(from, to, std::move(bytes), delay());
}

// A cut counts when it would arrive: what was under way is lost with the cable.
void SimNetwork::Deliver(NodeId from, NodeId to, Bytes bytes, Duration delay) {
  world_.After(delay, [this, from, to, bytes = std::move(bytes)]() mutable {
    if (cut_.count({from, to}) != 0) {
      ++seen_.cut;
      return;
    }
    const auto found = listeners_.find(to);
    if (found == listeners_.end()) return;
    const auto listener = found->second;
    ++seen_.delivered;
    listener->life->Post([listener, bytes = std::move(bytes)] {
      if (listener->receive) listener->receive(bytes);
    });
  });
}

void SimNetwork::Inject(NodeId to, ByteView bytes) {
  Deliver(NodeId(), to, Bytes(bytes.begin(), bytes.end()), Duration());
}

SimDatagram::SimDatagram(SimNetwork& network, Machine& machine, std::shared_ptr<Life> life)
    : network_(network), machine_(machine) {
  listener_ = std::make_shared<SimNetwork::Listener>();
  listener_->life = std::move(life);
}

SimDatagram::~SimDatagram() {
  listener_->receive = nullptr;
  const auto found = network_.listeners_.find(machine_.node());
  if (found != network_.listeners_.end() && found->second == listener_) {
    network_.listeners_.erase(found);
  }
}

void SimDatagram::Send(NodeId to, ByteView bytes) {
  if (listener_->life->alive()) network_.Send(machine_.node(), to, bytes);
}

void SimDatagram::OnReceive(std::function<void(ByteView)> receive) {
  listener_->receive = std::move(receive);
  network_.listeners_[machine_.node()] = listener_;
}

}  // namespace fencepost::sim
