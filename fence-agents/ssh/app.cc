#include "fence-agents/ssh/app.h"

namespace fencepost::ssh {

Result<SessionSettings, agent::Failure> SettingsFrom(const agent::Values& values,
                                                     const std::string& kind) {
  const auto bad = [](std::string what, std::string why, std::string remedy) {
    return agent::Failed(agent::Phase::kOptions, agent::Cause::kBadOption, std::move(what),
                         std::move(why), std::move(remedy));
  };
  if (!values.HasSecret("password") && !values.Has("identity_file")) {
    return bad("option password", "is missing", "give password (four ways) or identity_file");
  }
  if (!values.Flag("ssh")) {
    return bad("option ssh", "is 0, and telnet is not offered", "telnet hides no password");
  }
  if (values.Has("host_key") && !values.Text("host_key").starts_with("SHA256:")) {
    return bad("option host_key", "does not begin with SHA256:", "ssh-keygen -l prints it");
  }
  SessionSettings s;
  s.kind = kind;
  s.host = values.Text("ip");
  s.port = static_cast<std::uint16_t>(values.Number("ipport"));
  s.username = values.Text("username");
  s.password = values.Text("password");
  s.identity_file = values.Text("identity_file");
  s.known_hosts_file = values.Text("known_hosts_file");
  s.host_key = values.Text("host_key");
  s.login_limit = values.Time("login_timeout");
  s.answer_limit = values.Time("shell_timeout");
  return s;
}

}  // namespace fencepost::ssh
