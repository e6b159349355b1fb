// The real Http, by libcurl: one connection, kept for the run.
//
// Promise: that of http.h. Certificates are checked unless the settings say otherwise. No proxy, no
//          configuration file, no cookie, no redirection.
// Time:    CLOCK_BOOTTIME. Errors: see http.h.
#pragma once
#include <memory>

#include "fence-agents/redfish/http.h"

namespace fencepost::redfish {

struct CurlSettings {
  std::string host;
  std::uint16_t port = 443;
  bool tls = true, verify = true;
  std::string ca_file;
  std::string username, password;
  Duration connect_limit{}, answer_limit{};
};
std::unique_ptr<Http> MakeCurlHttp(CurlSettings settings);

}  // namespace fencepost::redfish
