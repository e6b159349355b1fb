// A MemberRunner over the ports of this machine.
//
// Promise: SIGTERM and SIGINT hand over and end; a second one ends at once. SIGHUP is a fact.
// Errors:  Open: a port that cannot be had, or a state that cannot be read. Run: how it ended.
#pragma once
#include <memory>

#include "env/fact_sink.h"
#include "env/linux/datagram_udp.h"
#include "env/linux/identity.h"
#include "env/linux/local_socket.h"
#include "env/linux/loop.h"
#include "env/linux/process_linux.h"
#include "env/linux/state_dir.h"
#include "env/linux/watchdog_dev.h"
#include "membership/fencepostd/member_runner.h"

namespace fencepost::daemon {

class Wiring {
 public:
  static Result<std::unique_ptr<Wiring>> Open(RunnerSettings settings, FactSink& facts);
  Status Run();

 private:
  Wiring(std::unique_ptr<Loop> loop, const RunnerSettings& settings, FactSink& facts);
  Status OpenPorts(const RunnerSettings& settings);
  void CatchSignals();

  FactSink& facts_;
  std::unique_ptr<Loop> loop_;
  LinuxIdentity identity_;
  LinuxProcessRunner processes_;
  std::unique_ptr<LocalSocketClient> qdiskd_;
  std::unique_ptr<StateDirectory> state_;
  std::unique_ptr<UdpDatagram> network_;
  std::unique_ptr<LocalSocketServer> tools_;
  std::unique_ptr<WatchdogDevice> watchdog_;
  std::unique_ptr<MemberRunner> runner_;
  bool asked_to_leave_ = false;
  Status ended_ = Ok{};
};

}  // namespace fencepost::daemon
