// The end of storage death that asks: which messages this node's out-box holds, and what may be
// believed of a node that was told to die.
//
// Promise (each is a schedule of message_sender_test.cc):
//   - "It is dead" is answered for a message that kills on two grounds only: kNewBoot, its slot
//     shows a later start with another boot; or kWatchdogReset, it acknowledged that it dies and
//     that an armed hardware watchdog is fed no more, and its slot, read after
//     (1+drift)*W+eps, has not changed since. Time alone, a write that went well, and an
//     acknowledgement without such a watchdog are never evidence. What other boots of it or other
//     messages were answered does not count.
//   - A message is in the box only while its asker stays, no proof has come, and at least
//     LandLimit is left of its time (R8: what lands late must not be a late shot). Who asks later
//     for the same node is refused until then: no message hides another.
//   - A message that no disk took fails at once, with the disks' own words.
//   - After a proved `off` the node is off for a query until its slot changes.
// Time:    absolute, local, handed in. Errors: in the answers; texts are fit for an operator.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/fact.h"
#include "base/result.h"
#include "qdiskd/decision.h"
#include "qdiskd/disk_voter.h"
#include "qdiskd/node_message.h"

namespace fencepost::qdiskd {

struct SenderSettings {
  NodeId self;
  BootId boot;
  Incarnation incarnation;
  Duration interval{}, io_timeout{};
  DriftPpm drift = 0;
  Duration eps{};
  int disks = 1;
  std::map<NodeId, std::string> names;  // of all nodes
};
// From the last write of a box to when its target has read it.
[[nodiscard]] inline Duration LandLimit(const SenderSettings& s) {
  return s.io_timeout + s.interval;
}
// The answer of a node that was told at `asked` comes within this, if all goes well; for tools.
[[nodiscard]] inline Duration AnswerLimit(const SenderSettings& s) {
  return 6 * (s.interval + s.io_timeout);
}

namespace sender {
struct Ask {
  std::uint64_t id = 0;  // chosen by who asks, unique among the unanswered
  NodeId to;
  MessageKind kind = MessageKind::kTest;
  MonoTime not_after{};
  Term term;       // under which it is asked; 0: none
  std::string by;  // for the record
};
struct Withdraw {  // who asked is gone
  std::uint64_t id = 0;
};
struct Clear {  // whoever asked for it is told
  NodeId to;
  std::string by;
};
struct Saw {  // after each cycle, and when a disk's state changed
  DiskView view;
};
struct AcksRead {
  MonoTime ended{};
  std::vector<std::optional<AckBox>> boxes;
};
struct BoxWritten {
  std::uint64_t sequence = 0;
};
struct DiskReady {      // a new session
  bool holds_messages;  // its out-box of ours, also of an earlier start
};
struct BoxFailed {  // also: this disk is not in use
  int disk = 0;
  std::uint64_t sequence = 0;
  std::string why;
};
struct Wake {};
}  // namespace sender
using SenderEvent =
    std::variant<sender::Ask, sender::Withdraw, sender::Clear, sender::Saw, sender::AcksRead,
                 sender::BoxWritten, sender::DiskReady, sender::BoxFailed, sender::Wake>;

enum class MessageProof : std::uint8_t {
  kNone = 0,
  kAnswered = 1,  // it said that it did what was asked; of test and exit
  kNewBoot = 2,
  kWatchdogReset = 3,
};
[[nodiscard]] std::string_view ToText(MessageProof proof);

struct MessageAnswer {  // the last word
  std::uint64_t id = 0;
  MessageProof proof = MessageProof::kNone;  // kNone: it failed
  std::string text;  // what proved it, or how far it came and why no further
};
struct SenderEffects {
  std::optional<Outbox>
      write;  // to every disk, without the wall time; BoxFailed for those not ready
  std::vector<MessageAnswer> answers;
  std::vector<Decision> decisions;
  std::vector<Fact> facts;
  MonoTime wake_at = kNever;  // send Wake then; every Step gives it anew
};

enum class NodePower : std::uint8_t { kUnknown = 0, kOn = 1, kOff = 2 };
struct NodePowerAnswer {
  NodePower power = NodePower::kUnknown;
  std::string text;
};

class MessageSender {
 public:
  explicit MessageSender(SenderSettings settings) : settings_(std::move(settings)) {}
  [[nodiscard]] SenderEffects Step(MonoTime now, const SenderEvent& event);
  // Nobody waits: acknowledgements need not be read.
  [[nodiscard]] bool Idle() const { return pending_.empty(); }
  [[nodiscard]] NodePowerAnswer PowerOf(MonoTime now, NodeId node) const;

 private:
  struct Answered {
    MessagePhase phase = MessagePhase::kReceived;
    Duration watchdog{};
    MonoTime at{};  // when the read that showed it ended
  };
  struct Pending {
    sender::Ask ask;
    OutMessage message;
    bool in_box = true;
    std::uint64_t first_sequence = 0;  // of the box with it
    bool taken = false;                // by a disk
    std::map<int, std::string> failed;
    std::optional<Answered> answer;
    Incarnation slot_incarnation;  // of its slot, as seen last
    std::uint64_t slot_sequence = 0;
    MonoTime changed{};  // when that was first seen
  };
  struct Proved {
    Incarnation slot_incarnation;
    std::uint64_t slot_sequence = 0;
  };
  void On(MonoTime now, const sender::Ask& e);
  void On(MonoTime now, const sender::Withdraw& e);
  void On(MonoTime now, const sender::Clear& e);
  void On(MonoTime now, const sender::Saw& e);
  void On(MonoTime now, const sender::AcksRead& e);
  void On(MonoTime now, const sender::BoxWritten& e);
  void On(MonoTime now, const sender::DiskReady& e);
  void On(MonoTime now, const sender::BoxFailed& e);
  void On(MonoTime, const sender::Wake&) {}
  [[nodiscard]] std::optional<std::string> WhyNot(MonoTime now, const sender::Ask& ask) const;
  [[nodiscard]] const Slot* SlotOf(NodeId node) const;
  [[nodiscard]] std::optional<MessageAnswer> Judge(MonoTime now, const Pending& pending) const;
  [[nodiscard]] std::string WhyNoProof(const Pending& pending) const;
  [[nodiscard]] MonoTime Bitten(const Pending& pending) const;
  void Finish(const Pending& pending, const MessageAnswer& answer);
  void Advance(MonoTime now);
  void MayWrite(MonoTime now);
  [[nodiscard]] MonoTime NextWake() const;
  [[nodiscard]] std::string NameOf(NodeId node) const;

  const SenderSettings settings_;
  std::vector<Pending> pending_;  // one a target
  std::map<NodeId, Proved> off_;
  DiskView view_;
  std::uint64_t number_ = 0, sequence_ = 0;
  bool dirty_ = false;  // the box on the disk is not what it should be
  MonoTime written_at_{};
  SenderEffects out_;
};

}  // namespace fencepost::qdiskd
