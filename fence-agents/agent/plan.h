// How a machine is switched and how it is known that it was: the power state machine of all agents.
//
// Promise: "off" succeeds only after kConsistentReads complete rounds of reads in a row, begun
//          after the last switching command, said off for every plug. A read that fails is never
//          "off". reboot is off, proved, then on: the device's own cycle command, whose off nobody
//          can observe, is never used. Nothing is asked for at or after not_after.
// Time:    absolute local instants; each effect carries the instant at which it must be over.
// Errors:  the outcome's failure; exit codes of the fence agent protocol: 0 done or on, 1 failed
//          or not known, 2 off (status only).
// Source:  kConsistentReads, kConfirmGap: a BMC that flaps while its relay moves was seen to
//          answer both ways for some tens of milliseconds.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/agent/power.h"

namespace fencepost::agent {

inline constexpr int kConsistentReads = 2;
inline constexpr Duration kConfirmGap = Millis(100);

struct PlanSettings {
  Action action = Action::kStatus;        // on, off, reboot, status, monitor
  std::vector<std::string> plugs = {""};  // at least one
  Duration delay{};
  Duration io{};  // one read or switch, session included
  Duration power_wait{};
  Duration power_timeout{};
  Duration status_sleep{};
  int retry_on = 0;
  MonoTime not_after = kNever;
  bool on_always_acts = false;  // `on` switches also what seems to be on
};

struct PlanStart {};
struct PowerRead {
  PowerResult result;
};
struct SwitchDone {
  SwitchResult result;
};
struct WaitOver {};
using PlanEvent = std::variant<PlanStart, PowerRead, SwitchDone, WaitOver>;

struct Outcome {
  int exit_code = 1;
  std::string success;  // for stdout: "Success: Powered OFF"; may be empty
  std::optional<Failure> failure;
  std::vector<std::string> warnings;
};
struct ReadPower {
  std::string plug;
  MonoTime deadline;
};
struct SwitchPower {
  std::string plug;
  PowerState wanted;
  MonoTime deadline;
};
struct Wait {
  MonoTime until;
};
using PlanEffect = std::variant<ReadPower, SwitchPower, Wait, Outcome>;

class Plan {
 public:
  explicit Plan(PlanSettings settings);
  // REQUIRES: the event answers the effect returned before; none follows an Outcome.
  [[nodiscard]] PlanEffect Step(MonoTime now, const PlanEvent& event);

 private:
  enum class Stage { kStart, kDelay, kLook, kAct, kSettle, kVerify, kPause, kDone };
  PlanEffect OnRead(MonoTime now, const PowerResult& result);
  PlanEffect OnRound(MonoTime now, const PowerResult& combined);
  PlanEffect OnReported(MonoTime now, PowerState state);
  PlanEffect OnSwitched(MonoTime now, const SwitchResult& result);
  PlanEffect OnWaited(MonoTime now);
  PlanEffect BeginRound(MonoTime now, Stage stage);
  PlanEffect BeginSwitching(MonoTime now);
  PlanEffect NextPlug(MonoTime now);
  PlanEffect AfterVerifyRound(MonoTime now, const PowerResult& combined);
  PlanEffect LegDone(MonoTime now);
  PlanEffect Fail(Failure failure);
  PlanEffect TooLate();
  [[nodiscard]] MonoTime Limit(MonoTime now) const;

  PlanSettings s_;
  Stage stage_ = Stage::kStart;
  PowerState goal_ = PowerState::kOff;
  std::size_t plug_ = 0;
  bool any_on_ = false;
  std::optional<Failure> read_failure_;    // of this round
  std::optional<Failure> switch_failure_;  // of a command whose effect is unknown
  std::optional<PowerState> last_report_;  // status: the answer to be confirmed
  int agreeing_ = 0;
  int switchings_left_ = 1;
  bool acted_ = false;
  bool off_proved_ = false;
  MonoTime verify_until_{};
  std::vector<std::string> warnings_;
};

}  // namespace fencepost::agent
