// One authenticated session with a BMC, by OpenIPMI's raw connection: no domain, no scan, nothing
// written to the BMC but what is asked for.
//
// Promise: every call is over at its deadline. A session whose command had no clear end is closed:
//          the next call opens a new one, in which late repetitions of the old are void.
// Errors:  Failure by SessionFailure and CommandFailure.
// Source:  the library sends each packet up to seven times. kPacketTimeout: a BMC on a local
// network
//          answers the packets of a login within tens of milliseconds. kCommandTimeout: a chassis
//          command is work for the BMC; repeated sooner, it is queued and done several times.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "fence-agents/agent/device.h"
#include "fence-agents/ipmilan/event_loop.h"

struct ipmi_con_s;

namespace fencepost::ipmilan {

inline constexpr Duration kPacketTimeout = Millis(300);
inline constexpr Duration kCommandTimeout = Millis(1000);
inline constexpr Duration kCloseLimit = Millis(300);
enum class Privilege { kCallback = 1, kUser = 2, kOperator = 3, kAdministrator = 4 };

struct SessionSettings {
  std::string name;     // "BMC 10.0.0.5:623", for messages
  std::string address;  // numeric
  bool ipv6 = false;
  std::uint16_t port = 623;
  std::string username, password;
  Bytes kg;  // empty, or 20 bytes
  bool encrypt = true;
};

class Session {
 public:
  explicit Session(SessionSettings settings) : settings_(std::move(settings)) {}
  ~Session() { Close(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Ok when a session is open already. The code of the last refusal is kept for IsPrivilegeRefusal.
  Result<Ok, agent::Failure> Open(Privilege privilege, MonoTime deadline);
  // Chassis commands; permit is null for one that does not switch.
  Result<Bytes, agent::Failure> Chassis(std::uint8_t command, Bytes data, MonoTime deadline,
                                        const agent::SwitchPermit* permit);
  void Close();
  [[nodiscard]] int last_code() const { return last_code_; }

 private:
  static void Changed(ipmi_con_s*, int error, unsigned int port, int any_up, void* context);
  static void Closed(ipmi_con_s*, void* context);

  SessionSettings settings_;
  EventLoop loop_;
  ipmi_con_s* connection_ = nullptr;
  bool up_ = false, decided_ = false, closed_ = false;
  int last_code_ = 0;
};

}  // namespace fencepost::ipmilan
