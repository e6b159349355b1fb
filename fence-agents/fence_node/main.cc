// fence_node: see docs/man/fence_node.8.
#include "base/text.h"
#include "env/linux/facts.h"
#include "env/linux/read_file.h"
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/fence_node/fence_node.h"
#include "membership/fencepost/ask_daemon.h"
#include "stonith/invoker_linux.h"
#include "stonith/run_agent.h"

namespace {

using namespace fencepost;  // NOLINT: main only wires

// RHCS's, where there is no fencepost.toml.
constexpr const char* kClusterConf = "/etc/cluster/cluster.conf";

// What an operator did belongs into the system's log, and into that of the cluster if it is
// another.
class BothLogs final : public FactSink {
 public:
  explicit BothLogs(config::LogTarget target) : to_stderr_(target == config::LogTarget::kStderr) {}
  void Record(const Fact& fact) override {
    syslog_.Record(fact);
    if (to_stderr_) stderr_.Record(fact);
  }

 private:
  bool to_stderr_;
  SyslogFacts syslog_{"fence_node"};
  StreamFacts stderr_;
};

Status TellDaemon(const config::Config& config, const std::string& node,
                  const stonith::Evidence& proof, const std::string& by) {
  const auto answer = command::AskDaemon(config.paths.run_dir,
                                         {{"command", "fenced"},
                                          {"node", node},
                                          {"by", by},
                                          {"device", proof.device},
                                          {"begun_ns", proof.begun_at.time_since_epoch().count()}});
  if (!answer) return answer.error().error;
  return Ok{};
}

}  // namespace

int main(int argc, char** argv) {
  agent::LinuxHost host(argc, argv);
  const auto arguments = fence_node::ParseArguments(agent::Words(argc, argv));
  if (!arguments) {
    host.Err(Cat("fence_node: ", arguments.error().Text(), "\n", fence_node::Usage()));
    return fence_node::kFailed;
  }
  if (arguments->help || arguments->version) {
    host.Out(arguments->help ? fence_node::Usage()
                             : "fence_node: Fencepost " FENCEPOST_VERSION "\n");
    return fence_node::kDone;
  }
  std::string file = arguments->config;
  if (file.empty()) file = config::kConfigFile;
  const bool rhcs = arguments->config.empty() && !ReadSmallFile(file, config::kMaxConfigBytes) &&
                    ReadSmallFile(kClusterConf, kMaxCibBytes);
  if (rhcs) file = kClusterConf;
  const auto site = fence_node::LoadSite(file, ReadSmallFile);
  if (!site) {
    host.Err(Cat("fence_node: nothing was done:\n", site.error()));
    return fence_node::kFailed;
  }
  const UniqueFd stop = stonith::StopSignals();
  stonith::LinuxAgentRunner runner(
      host, {site->config.paths.agent_dir, std::string(config::kForeignAgentDir)}, stop.get());
  BothLogs facts(site->config.log);
  return fence_node::RunFenceNode(
      *arguments, *site, stonith::ThisInvoker(), runner, facts,
      [&](const std::string& node, const stonith::Evidence& proof, const std::string& by) {
        return TellDaemon(site->config, node, proof, by);
      });
}
