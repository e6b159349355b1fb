// Storage death over the disks: reads the others' out-boxes and keeps this node's, reads and writes
// acknowledgements, and does to this node what MessageTarget decides.
//
// Promise:
//   - Others' out-boxes are read in every cycle, from every disk that can be read, also by a node
//     that can write nowhere. Nothing of it is in the way of a renewal.
//   - Before a condemned node says so, this boot is marked (env/node_death.h) and its heartbeats
//     have ended. Where the mark cannot be made, nothing is claimed of its watchdog: a restarted
//     fencepostd could feed it.
//   - A message lives no longer than the peer that asked for it.
//   - Of this node's copies always the one is written that does not hold the newest value.
// Time:    each I/O has the disk's own time limit.
// Errors:  facts message-*, condemned, node-does-not-die.
// Ownership: ports and links outlive it; it may not be destroyed from inside a handler.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/clock.h"
#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "env/node_death.h"
#include "qdiskd/disk_link.h"
#include "qdiskd/local_protocol.h"
#include "qdiskd/message_format.h"
#include "qdiskd/message_sender.h"
#include "qdiskd/message_target.h"

namespace fencepost::qdiskd {

class MessagePost {
 public:
  struct Settings {
    SenderSettings sender;  // of this node
    std::vector<NodeId> nodes;
    std::function<std::uint64_t()> wall_ms;
  };
  struct Ports {
    Clock& clock;
    NodeDeath& death;
    FactSink& facts;
  };
  struct Handler {
    std::function<DiskView()> view;
    std::function<Term()> held_term;  // of this node's vote; none: it holds none
    std::function<void()> end_heartbeats;
    std::function<void(const local::Die&)> tell_consumer;
    std::function<void(PeerId, const FromQdiskd&)> answer;
    std::function<void(Decision)> keep;
    std::function<void()> exit;
  };
  MessagePost(Settings settings, Ports ports, Handler handler);
  ~MessagePost();
  MessagePost(const MessagePost&) = delete;
  MessagePost& operator=(const MessagePost&) = delete;

  void Start(std::vector<DiskLink*> links);  // REQUIRES: once
  void Close();                              // nothing is read or written any more
  void LinkReady(int disk);
  void SessionOver(int disk);
  void ViewChanged();
  void Asked(PeerId peer, const ToQdiskd& request);
  void PeerGone(PeerId peer);
  void FeedingEnded(Duration watchdog);
  [[nodiscard]] bool IsCondemned() const { return target_.IsCondemned(); }

 private:
  struct OwnPair {  // this node's copies in a region of a disk
    enum class State { kUnknown, kLoading, kIdle, kWriting };
    State state = State::kUnknown;
    int next_copy = 0;
    bool wanted = false;  // there is something to write
  };
  struct Disk {
    DiskLink* link = nullptr;
    bool reading_boxes = false, reading_acks = false;
    OwnPair outbox, acks;
  };
  template <class Call>
  auto Alive(Call call) {  // the links may outlive this
    return [alive = std::weak_ptr<bool>(alive_), call = std::move(call)](const auto&... a) {
      if (alive.lock()) call(a...);
    };
  }
  void Tick();
  void ReadBoxes(int disk);
  void ReadAcks(int disk);
  void Load(int disk, Region region);
  void Loaded(int disk, Region region, const Result<Bytes, IoError>& pair);
  void Want(Region region);
  void MayWrite(int disk, Region region);
  void Written(int disk, Region region, std::uint64_t version, const Result<Ok, IoError>& result);
  void Step(const SenderEvent& event);
  void Step(const TargetEvent& event);
  void Perform(SenderEffects effects);
  void Perform(TargetEffects effects);
  void Quiet(const Sentence& sentence);
  void Act(const Sentence& sentence);
  void SetWake(TimerId& timer, MonoTime at, const std::function<void()>& call);
  void Send(PeerId peer, const local::SendMessage& message);
  [[nodiscard]] std::optional<NodeId> NodeNamed(const std::string& name) const;
  [[nodiscard]] Disk& At(int disk) { return disks_.at(static_cast<std::size_t>(disk)); }
  [[nodiscard]] OwnPair& PairOf(int disk, Region region);
  [[nodiscard]] bool Ready(int disk) { return !closed_ && At(disk).link->ready(); }
  [[nodiscard]] MonoTime Deadline() const;
  Fact About(Severity severity, std::string_view name) const;

  const Settings settings_;
  const Ports ports_;
  const Handler handler_;
  MessageSender sender_;
  MessageTarget target_;
  std::vector<Disk> disks_;
  Outbox outbox_;  // as it should be on every disk
  std::uint64_t ack_sequence_ = 0;
  std::map<std::uint64_t, PeerId> asked_;  // who waits for the end of which message
  std::uint64_t last_id_ = 0;
  bool marked_ = false, closed_ = false, unreadable_told_ = false;
  TimerId tick_ = 0, sender_wake_ = 0, target_wake_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// What a message of this kind does to a node. REQUIRES: Kills(kind).
[[nodiscard]] Death DeathOf(MessageKind kind);

}  // namespace fencepost::qdiskd
