#include "tests/sim/power_device.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace fencepost::sim {
namespace {

constexpr int kDone = 0, kFailed = 1, kOff = 2;
constexpr std::int64_t kLongest = 1'000'000'000'000;  // milliseconds; above any clock here

std::map<std::string, std::string> Options(const std::string& text) {
  std::map<std::string, std::string> out;
  for (const std::string& line : Split(text, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) out[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return out;
}

}  // namespace

int PowerDevice::Status(NodeId asker) {
  const bool on = machinery_.is_on() && !claims_off_;
  if (!on) machinery_.said_off(asker);
  return on ? kDone : kOff;
}

Performance PowerDevice::Perform(const Command& command, const Machine& asker,
                                 std::function<void()> about_to_switch) {
  if (aimed_ != nullptr) return aimed_->Perform(command, asker, std::move(about_to_switch));
  auto options = Options(command.stdin_text);
  const std::string action = options["action"];
  const auto not_after = ParseInt(options["not_after_ms"], 0, kLongest);
  Performance out;
  out.takes = world_.Between(mood_.low, mood_.high);
  out.takes = std::max(out.takes, mood_.login);
  out.effect_after = world_.Between(mood_.login, out.takes);
  out.exit_code = kFailed;
  out.errors = "phase=connect cause=unreachable: no answer";
  if (mood_.hangs) out.takes = kHangs;
  const bool has_power = !machinery_.has_power || machinery_.has_power();
  if (!mood_.reachable || mood_.hangs || !has_power) return out;
  const bool fails = mood_.fails != 0 && world_.rng().OneIn(mood_.fails);
  if (fails) return out;
  if (mood_.mute != 0 && world_.rng().OneIn(mood_.mute)) out.takes = kHangs;
  const NodeId by = asker.node();
  if (action == "monitor") {
    out.exit_code = kDone;
    return out;
  }
  if (action == "status") {
    out.answer = [this, by] { return Status(by); };
    return out;
  }
  out.answer = [this, by, action, not_after, &asker, about_to_switch] {
    if (!not_after || asker.Now() >= MonoTime(Millis(*not_after))) {
      ++too_late_;
      return kFailed;
    }
    if (machinery_.has_power && !machinery_.has_power()) return kFailed;
    if (action == "off") about_to_switch();
    if (mood_.lies) {
      claims_off_ = action == "off";
    } else if (action == "off") {
      machinery_.off(by);
    } else {
      machinery_.on();
    }
    return kDone;
  };
  return out;
}

}  // namespace fencepost::sim
