// A machine behind a Redfish service.
//
// Promise: that of agent::Device. Only PowerState "Off" is off; On, PoweringOn and PoweringOff are
// on;
//          all else is a failure. The one machine of the service, or the one that was named: with
//          several, none is guessed. The session is closed in the destructor.
// Time:    that of http.h; closing takes at most kCloseLimit.
// Errors:  phase connect, auth, privilege, select, act or verify.
// Source:  DSP0266 (Redfish Specification) 1.15: sections on the service root, sessions, actions
// and
//          tasks; schemas ComputerSystem and Task of DSP8010.
#pragma once
#include <memory>

#include "fence-agents/agent/device.h"
#include "fence-agents/redfish/http.h"

namespace fencepost::redfish {

inline constexpr Duration kCloseLimit = Millis(2000);
inline constexpr Duration kTaskPause = Millis(300);

struct RedfishSettings {
  std::string root = "/redfish/v1";
  std::string system{};  // empty: the only one
  std::string username{}, password{};
};
// wait: sleeps until then; now: the clock.
struct Clock {
  MonoTime (*now)() = nullptr;
  void (*wait_until)(MonoTime) = nullptr;
};
std::unique_ptr<agent::Device> MakeRedfishDevice(std::unique_ptr<Http> http,
                                                 RedfishSettings settings, Clock clock);

}  // namespace fencepost::redfish
