// The mind of pingd: probes every target in rounds, counts who answers, and says which score others
// should be told.
//
// Promise: all targets are probed in parallel and independently: how long a lost target takes to be
//          noticed does not depend on how many there are. A round is up to `attempts` probes, each
//          waited for `timeout`; one answer to any probe of the round makes it good; rounds begin
//          every `interval`, or when the one before is over. `lose_after` failed rounds in a row
//          lose a target, `return_after` good ones bring it back; the first round alone decides.
//          No score exists before every target has ended a round. A name that does not resolve is a
//          target that does not answer. A step that comes late by more than half a time-out was not
//          looking meanwhile: the attempt is made again, once a round, instead of counted.
// Time:    local instants, handed in. First score: at most attempts * timeout after Start plus the
//          stagger; loss to raw score: at most (lose_after + 1) rounds; then Dampener's bound.
// Errors:  what a port could not do is told as trouble of the target; it counts as no answer.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/config/ping_config.h"
#include "base/fact.h"
#include "base/time.h"
#include "pingd/dampener.h"
#include "pingd/score.h"

namespace fencepost::ping {

using TargetIndex = std::uint32_t;  // in PingConfig::targets
using ProbeId = std::uint64_t;      // unique in a run of the daemon, increasing, never 0

inline constexpr Duration kResolveAgain = std::chrono::seconds(60);     // of a name that answers
inline constexpr Duration kResolveAgainLost = std::chrono::seconds(5);  // of one that does not
inline constexpr std::size_t kMaxAddresses = 16;                        // of a name; rest ignored
inline constexpr std::size_t kTargetsPerSlot = 16;  // probed at once; the next ones kSlot later
inline constexpr Duration kSlot = Millis(10);

struct Start {};
struct Answered {
  TargetIndex target = 0;
  ProbeId probe = 0;
};
struct Resolved {
  TargetIndex target = 0;
  std::vector<std::string> addresses;  // numeric; empty: it does not resolve, see trouble
  std::string trouble;
};
// The probe could not be sent, or its target refused it: why, for people.
struct Trouble {
  TargetIndex target = 0;
  ProbeId probe = 0;
  std::string what;
};
struct Tick {};
using Event = std::variant<Start, Answered, Resolved, Trouble, Tick>;

struct SendProbe {
  TargetIndex target = 0;
  ProbeId probe = 0;
  std::string address;
  MonoTime expires{};  // an answer after this is too late
};
struct Resolve {
  TargetIndex target = 0;
};
using Effect = std::variant<SendProbe, Resolve, Publication, Fact>;

enum class TargetState { kUnknown, kUp, kDown };
[[nodiscard]] std::string_view Name(TargetState state);
[[nodiscard]] std::string_view Name(PublishReason reason);

struct TargetView {
  TargetState state = TargetState::kUnknown;
  MonoTime since{};             // of the state
  std::string address;          // that is probed; empty: none is known
  std::string trouble;          // why the last round failed; empty: no answer, or none failed
  std::optional<Duration> rtt;  // of the last answer
  std::uint64_t sent = 0, answered = 0, rounds = 0, lost_rounds = 0;
};

class Watch {
 public:
  explicit Watch(config::PingConfig config);  // REQUIRES: CheckPing found nothing
  [[nodiscard]] std::vector<Effect> Step(MonoTime now, const Event& event);
  // When the next Tick is due; kNever before Start.
  [[nodiscard]] MonoTime NextWake() const;

  [[nodiscard]] const config::PingConfig& config() const { return config_; }
  [[nodiscard]] const TargetView& target(TargetIndex index) const { return targets_[index].view; }
  // nullopt: not every target has ended a round.
  [[nodiscard]] std::optional<std::int64_t> RawScore() const;
  [[nodiscard]] std::optional<std::int64_t> Published() const { return dampener_.published(); }
  [[nodiscard]] bool Dampening() const { return dampener_.Pending(); }

 private:
  struct Target {
    TargetView view;
    std::vector<std::string> addresses;
    std::size_t address = 0;    // in addresses
    std::uint32_t attempt = 0;  // of the round under way; 0: none is
    std::uint32_t run = 0;      // rounds in a row that speak against the state
    bool repeated = false;      // an attempt of this round was made again
    bool resolving = false;
    ProbeId first_probe = 0;  // of the round; older answers are too late
    MonoTime round_start{}, due{}, resolve_at = kNever;
    std::vector<std::pair<ProbeId, MonoTime>> sent;  // of the round
    std::string trouble;                             // of the round
    std::string unresolved = "the name is still looked up";
  };

  void On(MonoTime now, const Start& event);
  void On(MonoTime now, const Answered& event);
  void On(MonoTime now, const Resolved& event);
  void On(MonoTime now, const Trouble& event);
  void On(MonoTime now, const Tick& event);
  void Attend(MonoTime now, TargetIndex index);  // its due time has come
  void Probe(MonoTime now, TargetIndex index);
  void EndRound(MonoTime now, TargetIndex index, bool good);
  void SetState(MonoTime now, TargetIndex index, TargetState state);
  void AskAgain(TargetIndex index);
  void SetDue(TargetIndex index, MonoTime due);
  void Publish(const std::optional<Publication>& publication);

  config::PingConfig config_;
  std::vector<Target> targets_;
  std::set<std::pair<MonoTime, TargetIndex>> due_;
  Score score_;
  Dampener dampener_;
  std::size_t unknown_ = 0;  // targets
  bool changed_ = false;     // some target's state, in this step
  ProbeId last_probe_ = 0;
  std::vector<Effect> out_;
};

}  // namespace fencepost::ping
