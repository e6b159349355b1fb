// stonith: see docs/man/stonith.8.
#include "base/text.h"
#include "fence-agents/agent/host_linux.h"
#include "stonith/command.h"
#include "stonith/invoker_linux.h"
#include "stonith/rehearsal/tool.h"
#include "stonith/run_agent.h"

int main(int argc, char** argv) {
  using namespace fencepost;  // NOLINT: main only wires
  agent::LinuxHost host(argc, argv);
  const std::vector<std::string> words = agent::Words(argc, argv);
  if (stonith::IsRehearsalCommand(words)) return stonith::RunRehearsalCommand(words, host);
  std::vector<stonith::SecretPlace> secrets;
  const auto arguments = stonith::ParseArguments(words, &secrets);
  for (const auto& secret : secrets) host.WipeArgument(secret.word, secret.offset);
  if (!arguments) {
    host.Err(Cat("ERROR: ", arguments.error().Text(), "\n", stonith::Usage()));
    return stonith::kUsage;
  }
  const UniqueFd stop = stonith::StopSignals();
  stonith::LinuxCommandHost machine(host, arguments->agent_dir, stop.get());
  return stonith::RunCommand(*arguments, machine);
}
