// One HTTP exchange with a device, as a port.
//
// Promise: an answer is returned whole, at most kMaxBody bytes of it, or not at all. No redirection
// is
//          followed: a device that sends a token elsewhere is not believed.
// Time:    every exchange is over at its deadline (absolute local time).
// Errors:  phase resolve, connect or auth (the certificate). effect_unknown when the request may
// have
//          reached the device.
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "fence-agents/agent/failure.h"

namespace fencepost::redfish {

inline constexpr std::size_t kMaxBody = std::size_t{1} << 20;

struct HttpRequest {
  std::string method;  // GET, POST, DELETE
  std::string path;    // "/redfish/v1/"
  std::string body{};
  std::string token{};         // X-Auth-Token; empty: none
  bool with_password = false;  // by basic authentication
};
struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers{};  // names in lower case
  std::string body{};
};

class Http {
 public:
  virtual ~Http() = default;
  [[nodiscard]] virtual std::string Name() const = 0;  // "BMC 10.0.0.5:443", for messages
  virtual Result<HttpResponse, agent::Failure> Do(const HttpRequest& request,
                                                  MonoTime deadline) = 0;
};

}  // namespace fencepost::redfish
