// The daemon: a Prober, who is told its score, and who may ask for the status.
//
// Promise: every publication goes to the sink; Stop() tells the sink what becomes of the attribute,
//          then ends. A message on the status socket is answered with the status, from
//          the target that it names as "first" on.
// Time:    Stop is over after kCloseLimit. Errors: facts.
// Ownership: ports and sink outlive it.
#pragma once
#include <functional>

#include "env/fact_sink.h"
#include "env/local_channel.h"
#include "pingd/prober.h"
#include "pingd/score_sink.h"
#include "pingd/status.h"

namespace fencepost::ping {

inline constexpr std::string_view kStatusSocket = "pingd.sock";  // in paths.run_dir

class Daemon {
 public:
  // `status` may be nullptr: nobody can ask.
  Daemon(config::PingConfig config, ProberPorts ports, ScoreSink& sink, LocalServer* status,
         FactSink& facts);
  void Start();
  void Stop(std::function<void()> ended);
  [[nodiscard]] const Watch& watch() const { return prober_.watch(); }

 private:
  void Serve();

  Clock& clock_;
  ScoreSink& sink_;
  LocalServer* status_;
  FactSink& facts_;
  config::PingStop on_stop_;
  Prober prober_;
  bool stopping_ = false;
};

// One round of each target, without anybody told: `done` when every target is known.
class OneRound {
 public:
  OneRound(config::PingConfig config, ProberPorts ports, std::function<void()> done);
  void Start() { prober_.Begin(); }
  [[nodiscard]] const Prober& prober() const { return prober_; }

 private:
  Prober prober_;
};

}  // namespace fencepost::ping
