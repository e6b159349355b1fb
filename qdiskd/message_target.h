// The end of storage death that dies: what this node does about messages to it in others'
// out-boxes.
//
// Promise (each is a schedule of message_target_test.cc):
//   - A message is obeyed at most once, and only if it names this boot of the node; `exit` also
//     only if it names this start of qdiskd. What an earlier boot was told never kills this one.
//   - It is obeyed only while it is meant: its box was seen to be written anew with it, twice
//     within LiveWindow. What a dead, stopped or cut-off sender left on the disk kills nobody; nor
//     does one write that landed late.
//   - A message of a term is refused when a higher term was promised: its sender's right is over.
//   - Before the node dies its heartbeats have ended and, if that can be had within QuietLimit, its
//     watchdog is fed no more; then kResetting is written. But it dies at ActLimit at the latest,
//     written or not, and tries again for as long as it lives.
//   - The acknowledgement speaks of a watchdog only if its keeper has said that it is armed, good
//     as evidence, and fed no more.
// Time:    handed in, local, monotonic. Errors: none; what cannot be read is no message.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/fact.h"
#include "qdiskd/decision.h"
#include "qdiskd/node_message.h"

namespace fencepost::qdiskd {

struct TargetSettings {
  NodeId self;
  BootId boot;
  Incarnation incarnation;
  Duration interval{}, io_timeout{};
};
// Two looks at a box, and how old the second may be: a few cycles of both nodes.
[[nodiscard]] inline Duration LiveWindow(const TargetSettings& s) {
  return 4 * s.interval + 2 * s.io_timeout;
}
[[nodiscard]] inline Duration QuietLimit(const TargetSettings& s) { return s.io_timeout; }
[[nodiscard]] inline Duration ActLimit(const TargetSettings& s) { return 2 * s.io_timeout; }
inline constexpr Duration kActAgain = Millis(1000);

namespace target {
struct BoxesRead {
  int disk = 0;
  MonoTime began{};
  std::vector<std::optional<Outbox>> boxes;  // of configured nodes; nullopt: not readable
  Term highest_promise;                      // that this node knows of, its own included
};
struct SessionOver {  // of a disk: what was seen there is no sight of the next session
  int disk = 0;
};
struct FeedingEnded {  // who feeds the watchdog never does again; see Acknowledgement::watchdog
  Duration watchdog{};
};
struct Acknowledged {  // Acks() of this version is on a disk
  std::uint64_t version = 0;
};
struct Wake {};
}  // namespace target
using TargetEvent = std::variant<target::BoxesRead, target::SessionOver, target::FeedingEnded,
                                 target::Acknowledged, target::Wake>;

struct Sentence {
  NodeId by;
  MessageKind kind = MessageKind::kReset;  // Kills(kind)
};
struct TargetEffects {
  // First mark this boot as condemned, then end the heartbeats, then ask the watchdog's keeper.
  std::optional<Sentence> quiet;
  std::optional<std::uint64_t> acknowledge;  // write Acks(), of this version, to every disk
  std::optional<Sentence> act;               // now
  bool exit = false;
  std::vector<Decision> decisions;
  std::vector<Fact> facts;
  MonoTime wake_at = kNever;  // send Wake then; every Step gives it anew
};

class MessageTarget {
 public:
  explicit MessageTarget(TargetSettings settings) : settings_(settings) {}
  [[nodiscard]] TargetEffects Step(MonoTime now, const TargetEvent& event);
  [[nodiscard]] std::vector<Acknowledgement> Acks() const;
  [[nodiscard]] std::uint64_t version() const { return version_; }  // of Acks()
  [[nodiscard]] bool IsCondemned() const { return dying_.has_value(); }

 private:
  struct Seen {
    Incarnation incarnation;
    std::uint64_t number = 0, sequence = 0;
    MonoTime at{};  // begin of the last read that showed this sequence
  };
  struct Dying {
    Sentence sentence;
    MonoTime quiet_until{}, act_at{};
    bool quiet = false, acted = false;
  };
  void On(MonoTime now, const target::BoxesRead& e);
  void On(MonoTime now, const target::SessionOver& e);
  void On(MonoTime now, const target::FeedingEnded& e);
  void On(MonoTime now, const target::Acknowledged& e);
  void On(MonoTime, const target::Wake&) {}
  [[nodiscard]] bool IsLive(MonoTime now, const target::BoxesRead& read, const Outbox& box,
                            const OutMessage& message);
  [[nodiscard]] bool IsMeantForThisLife(const OutMessage& message) const;
  void Obey(MonoTime now, const Outbox& box, const OutMessage& message, Term highest_promise);
  void Condemn(MonoTime now, const Outbox& box, const OutMessage& message);
  void Acknowledge(const Outbox& box, const OutMessage& message, MessagePhase phase,
                   Duration watchdog = {});
  void ItIsQuiet(Duration watchdog);
  void Advance(MonoTime now);
  void Act(MonoTime now);
  [[nodiscard]] MonoTime NextWake() const;

  const TargetSettings settings_;
  std::map<std::pair<int, NodeId>, Seen> seen_;  // by disk and sender
  std::map<NodeId, Acknowledgement> acks_;       // by sender: its last message that was answered
  std::uint64_t version_ = 0;
  std::optional<Dying> dying_;
  std::optional<std::uint64_t> exit_version_;
  MonoTime exit_at_ = kNever;
  TargetEffects out_;
};

}  // namespace fencepost::qdiskd
