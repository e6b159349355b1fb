#include "pingd/prober.h"

#include <algorithm>

#include "base/config/numeric_host.h"

namespace fencepost::ping {
namespace {

constexpr Duration kExpireEvery = std::chrono::seconds(1);

bool IsV6(std::string_view address) { return address.find(':') != std::string_view::npos; }

}  // namespace

std::vector<std::string> ParseLookup(std::string_view output) {
  std::vector<std::string> out;
  for (const std::string& line : Split(output, '\n')) {
    const std::string word = line.substr(0, line.find_first_of(" \t"));
    const auto address = config::NumericHost(word.substr(0, word.find('%')));
    if (address && std::find(out.begin(), out.end(), *address) == out.end()) {
      out.push_back(*address);
    }
    if (out.size() >= kMaxAddresses) break;
  }
  return out;
}

Prober::Prober(config::PingConfig config, ProberPorts ports, Handler handler)
    : ports_(std::move(ports)), handler_(std::move(handler)), watch_(std::move(config)) {
  if (ports_.echo != nullptr) {
    ports_.echo->OnReceive([this](std::string_view from, bool ipv6, ByteView message) {
      if (ended_) return;
      const auto version = ipv6 ? IpVersion::kV6 : IpVersion::kV4;
      const auto match = open_.Receive(ports_.clock.Now(), from, message, version);
      if (match) Step(Answered{match->target, match->probe});
    });
  }
  ports_.arp.OnReceive([this](std::string_view device, std::string_view address) {
    if (ended_) return;
    const auto [first, last] = arp_.equal_range({std::string(device), std::string(address)});
    std::vector<SendProbe> asked;  // more than one target may have this address
    for (auto probe = first; probe != last; ++probe) asked.push_back(probe->second);
    arp_.erase(first, last);
    const MonoTime now = ports_.clock.Now();
    for (const SendProbe& probe : asked) {
      if (probe.expires > now) Step(Answered{probe.target, probe.probe});
    }
  });
}

Prober::~Prober() {
  End();
  *alive_ = false;
}

void Prober::Begin() { Step(Start{}); }

void Prober::End() {
  ended_ = true;
  ports_.clock.Cancel(timer_);
  timer_ = 0;
  for (const auto& [target, process] : std::exchange(lookups_, {})) ports_.processes.Kill(process);
}

void Prober::Step(const Event& event) {
  for (const Effect& effect : watch_.Step(ports_.clock.Now(), event)) {
    std::visit([this](const auto& e) { Perform(e); }, effect);
  }
  if (!ended_) SetTimer();
}

// What is due later than the timer only makes it fire for nothing: cheaper than moving it.
void Prober::SetTimer() {
  const MonoTime next = watch_.NextWake();
  if (timer_ != 0 && timer_at_ <= next) return;
  ports_.clock.Cancel(timer_);
  timer_at_ = next;
  timer_ = next == kNever ? 0 : ports_.clock.CallAt(next, [this] {
    timer_ = 0;
    const MonoTime now = ports_.clock.Now();
    if (now >= expire_at_) {
      open_.Expire(now);
      expire_at_ = now + kExpireEvery;
    }
    Step(Tick{});
  });
}

void Prober::Perform(const SendProbe& probe) {
  const config::PingTarget& target = watch_.config().targets[probe.target];
  Route route{probe.address, target.source, target.device};
  if (!route.source.empty() && IsV6(route.source) != IsV6(route.address)) {
    return Failed(probe, {probe.address, "is of another IP version than the source", ""});
  }
  switch (target.probe) {
    case config::ProbeKind::kIcmp:
      return SendEcho(probe, route);
    case config::ProbeKind::kArp:
      return Ask(probe, route);
    case config::ProbeKind::kTcp:
      break;
  }
  ports_.tcp.Connect(route, target.port, probe.expires,
                     [this, probe, alive = alive_](const Status& status) {
                       if (!*alive || ended_) return;
                       if (status.ok()) {
                         Step(Answered{probe.target, probe.probe});
                       } else {
                         Step(Trouble{probe.target, probe.probe, status.error().cause});
                       }
                     });
}

void Prober::SendEcho(const SendProbe& probe, const Route& route) {
  if (ports_.echo == nullptr) return Failed(probe, {"", ports_.echo_trouble, ""});
  const Echo echo{ports_.echo->Identifier(IsV6(route.address)), ++sequence_, probe.probe,
                  ports_.identity.Random()};
  open_.Open(probe.target, echo, route.address, probe.expires);
  const Status sent =
      ports_.echo->SendEcho(route, echo.sequence, EchoPayload(echo.probe, echo.cookie));
  if (!sent.ok()) Failed(probe, sent.error());
}

void Prober::Ask(const SendProbe& probe, const Route& route) {
  std::erase_if(arp_, [&](const auto& entry) { return entry.second.target == probe.target; });
  arp_.emplace(std::pair(route.device, route.address), probe);
  const Status sent = ports_.arp.Ask(route);
  if (!sent.ok()) Failed(probe, sent.error());
}

// Told from the loop: we are inside a step.
void Prober::Failed(const SendProbe& probe, const Error& error) {
  const std::string why = error.what.empty() ? error.cause : Cat(error.what, ": ", error.cause);
  ports_.clock.CallAt(ports_.clock.Now(), [this, probe, why, alive = alive_] {
    if (*alive && !ended_) Step(Trouble{probe.target, probe.probe, why});
  });
}

void Prober::Perform(const Resolve& resolve) {
  waiting_.push_back(resolve.target);
  StartLookups();
}

void Prober::StartLookups() {
  while (!waiting_.empty() && lookups_.size() < kMaxLookups && !ended_) {
    const TargetIndex target = waiting_.front();
    waiting_.pop_front();
    Command command;
    command.path = "/usr/bin/getent";
    command.argv = {"getent", "ahosts", watch_.config().targets[target].host};
    command.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C"}};
    lookups_[target] =
        ports_.processes.Start(command, ports_.clock.Now() + kLookupLimit,
                               [this, target, alive = alive_](const ProcessEnd& end) {
                                 if (*alive && !ended_) LookedUp(target, end);
                               });
  }
}

void Prober::LookedUp(TargetIndex target, const ProcessEnd& end) {
  lookups_.erase(target);
  Resolved event{target, {}, ""};
  if (!end.started) {
    event.trouble = Cat("cannot look it up: ", end.errors);
  } else if (end.killed) {
    event.trouble = "the name server does not answer";
  } else {
    event.addresses = ParseLookup(end.output);
    if (event.addresses.empty()) event.trouble = "the name does not resolve";
  }
  Step(event);
  StartLookups();
}

}  // namespace fencepost::ping
