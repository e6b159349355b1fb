// fence_redfish: see docs/man/fence_redfish.8.
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/redfish/curl_http.h"
#include "fence-agents/redfish/redfish_device.h"
#include "fence-agents/redfish/table.h"

using namespace fencepost;  // NOLINT: the whole of a program

namespace {

using Made = Result<std::unique_ptr<agent::Device>, agent::Failure>;

agent::Failure Bad(std::string what, std::string why, std::string remedy) {
  return agent::Failed(agent::Phase::kOptions, agent::Cause::kBadOption, std::move(what),
                       std::move(why), std::move(remedy));
}

Made MakeDevice(const agent::Values& values, const agent::Login& login) {
  redfish::CurlSettings http;
  http.host = values.Text(values.Flag("port_as_ip") ? "plug" : "ip");
  if (http.host.empty()) {
    return Bad("option ip", "is missing",
               "give the BMC's address by ip, or by plug together with port_as_ip=1");
  }
  if (http.host.find_first_of("/@?# \t") != std::string::npos) {
    return Bad("option ip", "is no address and no name", "give it without https:// and path");
  }
  redfish::RedfishSettings service;
  service.root = values.Text("redfish_uri");
  service.system = values.Text("systems_uri");
  if (!service.root.starts_with("/") ||
      (!service.system.empty() && !service.system.starts_with("/"))) {
    return Bad("option redfish_uri or systems_uri", "does not begin with /", "as /redfish/v1");
  }
  if (!service.root.ends_with("/")) service.root += "/";
  http.port = static_cast<std::uint16_t>(values.Number("ipport"));
  http.tls = values.Flag("ssl");
  http.verify = !values.Flag("ssl_insecure");
  http.ca_file = values.Text("ssl_ca_file");
  http.username = service.username = login.username;
  http.password = service.password = login.password;
  http.connect_limit = values.Time("login_timeout");
  http.answer_limit = values.Time("shell_timeout");
  const redfish::Clock clock{agent::BoottimeNow, agent::SleepUntil};
  return redfish::MakeRedfishDevice(redfish::MakeCurlHttp(std::move(http)), std::move(service),
                                    clock);
}

}  // namespace

int main(int argc, char** argv) {
  agent::LinuxHost host(argc, argv);
  return agent::RunAgent(redfish::RedfishSpec(), agent::Words(argc, argv), MakeDevice, host);
}
