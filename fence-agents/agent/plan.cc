#include "fence-agents/agent/plan.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::agent {

Plan::Plan(PlanSettings settings) : s_(std::move(settings)) {
  FENCEPOST_CHECK(!s_.plugs.empty());
  goal_ = s_.action == Action::kOn ? PowerState::kOn : PowerState::kOff;
  switchings_left_ = s_.action == Action::kOn ? 1 + s_.retry_on : 1;
}

PlanEffect Plan::Step(MonoTime now, const PlanEvent& event) {
  FENCEPOST_CHECK(stage_ != Stage::kDone);
  // A completed read of the final round still counts: it says what is true, it changes nothing.
  if (const auto* read = std::get_if<PowerRead>(&event)) return OnRead(now, read->result);
  if (now >= s_.not_after) return TooLate();
  if (const auto* done = std::get_if<SwitchDone>(&event)) return OnSwitched(now, done->result);
  if (std::holds_alternative<WaitOver>(event)) return OnWaited(now);
  if (Switches(s_.action) && s_.delay > Duration::zero()) {
    stage_ = Stage::kDelay;
    return Wait{std::min(now + s_.delay, s_.not_after)};
  }
  return BeginRound(now, Stage::kLook);
}

MonoTime Plan::Limit(MonoTime now) const { return std::min(now + s_.io, s_.not_after); }

PlanEffect Plan::BeginRound(MonoTime now, Stage stage) {
  if (now >= s_.not_after) return TooLate();
  stage_ = stage;
  plug_ = 0;
  any_on_ = false;
  read_failure_.reset();
  return ReadPower{s_.plugs[0], Limit(now)};
}

PlanEffect Plan::OnRead(MonoTime now, const PowerResult& result) {
  if (!result.ok()) {
    if (!read_failure_) read_failure_ = result.error();
  } else if (*result == PowerState::kOn) {
    any_on_ = true;
  }
  if (++plug_ < s_.plugs.size()) {
    if (now >= s_.not_after) return TooLate();
    return ReadPower{s_.plugs[plug_], Limit(now)};
  }
  if (read_failure_) return OnRound(now, *read_failure_);
  return OnRound(now, any_on_ ? PowerState::kOn : PowerState::kOff);
}

PlanEffect Plan::OnRound(MonoTime now, const PowerResult& combined) {
  if (stage_ == Stage::kVerify) return AfterVerifyRound(now, combined);
  if (!combined.ok()) return Fail(combined.error());
  if (!Switches(s_.action)) return OnReported(now, *combined);
  const bool must_act = s_.on_always_acts && s_.action == Action::kOn;
  if (*combined != goal_ || must_act) return BeginSwitching(now);
  if (++agreeing_ >= kConsistentReads) return LegDone(now);
  if (now >= s_.not_after) return TooLate();
  stage_ = Stage::kPause;
  return Wait{std::min(now + std::min(kConfirmGap, s_.status_sleep), s_.not_after)};
}

// status and monitor: "on" is believed at once, for nobody acts on it; "off" must be said twice.
PlanEffect Plan::OnReported(MonoTime now, PowerState state) {
  const bool contradicts = last_report_ && *last_report_ != state;
  if (contradicts) {
    return Fail({Phase::kVerify,
                 Cause::kUnclear,
                 {"the power state", "is said to be off, then on, within a moment",
                  "ask again; a BMC that keeps doing this cannot be used for fencing"}});
  }
  last_report_ = state;
  ++agreeing_;
  Outcome out;
  if (s_.action == Action::kMonitor || state == PowerState::kOn) {
    out.exit_code = 0;
    out.success = s_.action == Action::kStatus ? "Status: ON" : "";
  } else if (agreeing_ >= kConsistentReads) {
    out.exit_code = 2;
    out.success = "Status: OFF";
  } else if (now >= s_.not_after) {
    return TooLate();
  } else {
    stage_ = Stage::kPause;
    return Wait{std::min(now + std::min(kConfirmGap, s_.status_sleep), s_.not_after)};
  }
  stage_ = Stage::kDone;
  return out;
}

PlanEffect Plan::BeginSwitching(MonoTime now) {
  if (now >= s_.not_after) return TooLate();
  stage_ = Stage::kAct;
  --switchings_left_;
  agreeing_ = 0;
  plug_ = 0;
  switch_failure_.reset();
  acted_ = true;
  return SwitchPower{s_.plugs[0], goal_, Limit(now)};
}

PlanEffect Plan::OnSwitched(MonoTime now, const SwitchResult& result) {
  if (!result.ok()) {
    if (!result.error().effect_unknown) return Fail(result.error());
    switch_failure_ = result.error();
  }
  stage_ = Stage::kSettle;
  if (s_.power_wait > Duration::zero()) {
    return Wait{std::min(now + s_.power_wait, s_.not_after)};
  }
  return NextPlug(now);
}

PlanEffect Plan::NextPlug(MonoTime now) {
  if (++plug_ < s_.plugs.size()) {
    stage_ = Stage::kAct;
    return SwitchPower{s_.plugs[plug_], goal_, Limit(now)};
  }
  verify_until_ = now + s_.power_timeout;
  return BeginRound(now, Stage::kVerify);
}

PlanEffect Plan::OnWaited(MonoTime now) {
  switch (stage_) {
    case Stage::kDelay:
      return BeginRound(now, Stage::kLook);
    case Stage::kSettle:
      return NextPlug(now);
    case Stage::kPause:
      return BeginRound(now, acted_ ? Stage::kVerify : Stage::kLook);
    default:
      FENCEPOST_CHECK(false);
      return TooLate();
  }
}

PlanEffect Plan::AfterVerifyRound(MonoTime now, const PowerResult& combined) {
  const bool agrees = combined.ok() && *combined == goal_;
  agreeing_ = agrees ? agreeing_ + 1 : 0;
  if (agreeing_ >= kConsistentReads) return LegDone(now);
  if (now >= s_.not_after) return TooLate();
  // The last read inside the time may be the first to agree: it is still confirmed.
  if (now < verify_until_ || agrees) {
    stage_ = Stage::kPause;
    const Duration gap = agrees ? std::min(kConfirmGap, s_.status_sleep) : s_.status_sleep;
    return Wait{std::min(now + gap, s_.not_after)};
  }
  if (goal_ == PowerState::kOn && switchings_left_ > 0) return BeginSwitching(now);
  if (!combined.ok()) {
    Failure failure = combined.error();
    failure.error.cause += Cat(" (after the command to power ", Name(goal_), ")");
    return Fail(std::move(failure));
  }
  std::string cause = Cat("is ", Name(*combined), " ", s_.power_timeout,
                          " after the command to power ", Name(goal_));
  if (switch_failure_) cause += Cat(", which ended with: ", switch_failure_->error.Text());
  return Fail(
      {Phase::kVerify,
       Cause::kWrongState,
       {"the machine", std::move(cause),
        "look at the machine and its BMC: it does not obey, or takes longer than allowed"}});
}

PlanEffect Plan::LegDone(MonoTime now) {
  if (s_.action == Action::kReboot && !off_proved_) {
    off_proved_ = true;
    goal_ = PowerState::kOn;
    switchings_left_ = 1 + s_.retry_on;
    if (now >= s_.not_after) return TooLate();
    return BeginSwitching(now);
  }
  stage_ = Stage::kDone;
  Outcome out;
  out.exit_code = 0;
  out.warnings = std::move(warnings_);
  const char* state = goal_ == PowerState::kOn ? "ON" : "OFF";
  out.success = s_.action == Action::kReboot
                    ? "Success: Rebooted"
                    : Cat("Success: ", acted_ ? "Powered " : "Already ", state);
  return out;
}

PlanEffect Plan::Fail(Failure failure) {
  stage_ = Stage::kDone;
  Outcome out;
  out.warnings = std::move(warnings_);
  if (off_proved_) {  // a reboot has done what fencing needs; a machine that stays off is safe
    out.exit_code = 0;
    out.success = "Success: Rebooted";
    out.warnings.push_back(Cat("the machine was proved to be off but could not be powered on: ",
                               failure.error.Text()));
    return out;
  }
  out.failure = std::move(failure);
  return out;
}

PlanEffect Plan::TooLate() {
  const char* cause = acted_ ? "was reached before the new state was proved"
                             : "had passed before anything was switched";
  return Fail({acted_ ? Phase::kVerify : Phase::kAct,
               Cause::kDeadline,
               {"the instant not_after_ms", cause,
                "whoever asked must decide anew whether this is still wanted"}});
}

}  // namespace fencepost::agent
