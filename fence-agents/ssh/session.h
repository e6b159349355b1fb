// The real Remote, by libssh: one connection, a channel for each command.
//
// Promise: that of remote.h. The host's key must be known (known_hosts, or the fingerprint in the
//          settings) before any secret is sent. No configuration file of ssh is read.
// Time:    the library blocks, but each of its steps gets what is left of the time.
// Errors:  phase resolve, connect or auth.
#pragma once
#include <memory>

#include "fence-agents/agent/spec.h"
#include "fence-agents/ssh/remote.h"

namespace fencepost::ssh {

struct SessionSettings {
  std::string kind;  // "switch", "host": for messages
  std::string host;
  std::uint16_t port = 22;
  std::string username, password, identity_file;
  std::string known_hosts_file;  // empty: ssh's own
  std::string host_key;          // "SHA256:..."; empty: known_hosts decides
  Duration login_limit{}, answer_limit{};
};
std::unique_ptr<Remote> MakeSession(SessionSettings settings);

}  // namespace fencepost::ssh
