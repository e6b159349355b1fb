// Carries out what a Watch wants over real ports: sends probes, matches answers, looks names up.
//
// Promise: nothing blocks. Echoes carry a cookie of 64 random bits each. A name is looked up by a
//          program of its own (getent), killed after kLookupLimit, kMaxLookups at a time, so that
//          a name server that is away holds up nothing.
// Time:    one timer, at what the Watch wants next.
// Errors:  become trouble of their target.
// Ownership: ports outlive it. `told` and `fact` are called from the loop.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/node_identity.h"
#include "env/probes.h"
#include "env/process.h"
#include "pingd/echo.h"
#include "pingd/watch.h"

namespace fencepost::ping {

inline constexpr Duration kLookupLimit = std::chrono::seconds(10);
inline constexpr std::size_t kMaxLookups = 8;  // at a time; others wait

struct ProberPorts {
  Clock& clock;
  EchoPort* echo;  // nullptr: not permitted; echo_trouble says why
  std::string echo_trouble;
  TcpPort& tcp;
  ArpPort& arp;
  ProcessRunner& processes;
  NodeIdentity& identity;
};

class Prober {
 public:
  struct Handler {
    std::function<void(const Publication&)> told;
    std::function<void(const Fact&)> fact;
  };
  Prober(config::PingConfig config, ProberPorts ports, Handler handler);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  void Begin();
  void End();  // no further probe; answers are not heard
  [[nodiscard]] const Watch& watch() const { return watch_; }
  [[nodiscard]] const ReplyCounters& replies() const { return open_.counters(); }

 private:
  void Step(const Event& event);
  void Perform(const SendProbe& probe);
  void Perform(const Resolve& resolve);
  void Perform(const Publication& publication) { handler_.told(publication); }
  void Perform(const Fact& fact) { handler_.fact(fact); }
  void SendEcho(const SendProbe& probe, const Route& route);
  void Ask(const SendProbe& probe, const Route& route);
  void StartLookups();
  void LookedUp(TargetIndex target, const ProcessEnd& end);
  void Failed(const SendProbe& probe, const Error& error);
  void SetTimer();

  ProberPorts ports_;
  Handler handler_;
  Watch watch_;
  OpenProbes open_;
  std::multimap<std::pair<std::string, std::string>, SendProbe> arp_;  // by device and address
  std::deque<TargetIndex> waiting_;
  std::map<TargetIndex, ProcessId> lookups_;
  TimerId timer_ = 0;
  MonoTime timer_at_ = kNever;
  MonoTime expire_at_{};
  bool ended_ = false;
  std::uint16_t sequence_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Addresses in the output of `getent ahosts NAME`, in its order, each once.
[[nodiscard]] std::vector<std::string> ParseLookup(std::string_view output);

}  // namespace fencepost::ping
