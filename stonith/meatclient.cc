// meatclient: see docs/man/meatclient.8.
#include <iostream>

#include "base/text.h"
#include "fence-agents/agent/host_linux.h"
#include "fence-agents/agent/run_program.h"
#include "stonith/arguments.h"
#include "stonith/invoker_linux.h"
#include "stonith/meatware_fifo.h"

namespace fencepost::stonith {
namespace {

constexpr std::string_view kUsageText =
    "usage: meatclient -c HOST [-w] [--by=NAME] [--reason=TEXT] [--directory=DIR]\n"
    "  confirms that HOST was switched off; a stonith of type meatware waits for it\n"
    "  -w  wait until one waits       -h  help       -V  version\n";
constexpr Duration kLookEvery = std::chrono::seconds(1);

struct Wanted {
  std::string host, directory = kMeatwareDirectory;
  OperatorReply reply;
  bool wait = false, help = false, version = false, good = true;
};

Wanted Parse(const std::vector<std::string>& words) {
  Wanted out;
  out.reply.by = ThisInvoker().user;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = word.substr(word.find('=') + 1);
    if (word == "-c" && i + 1 < words.size()) {
      out.host = words[++i];
    } else if (word == "-w") {
      out.wait = true;
    } else if (word == "-h" || word == "--help") {
      out.help = true;
    } else if (word == "-V" || word == "--version") {
      out.version = true;
    } else if (word.starts_with("--by=") && !value.empty()) {
      out.reply.by = value;
    } else if (word.starts_with("--reason=") && !value.empty()) {
      out.reply.reason = value;
    } else if (word.starts_with("--directory=") && !value.empty()) {
      out.directory = value;
    } else {
      out.good = false;
    }
  }
  out.good = out.good && (out.help || out.version || IsHostName(out.host));
  return out;
}

int Confirm(const Wanted& wanted, agent::LinuxHost& host) {
  while (wanted.wait && !SomebodyWaits(wanted.directory, wanted.host)) {
    host.SleepUntil(host.Now() + kLookEvery);
  }
  if (!SomebodyWaits(wanted.directory, wanted.host)) {
    host.Err(Cat("meatclient: nobody waits for a confirmation of ", wanted.host, "\n"));
    return kBadHost;
  }
  host.Out(Cat("\nWARNING!\n\nIf node \"", wanted.host,
               "\" has not been manually power-cycled or disconnected from all\nshared resources "
               "and networks, data on shared disks may become corrupted and\nmigrated services "
               "might not work as expected.\nPlease verify that the name or address above "
               "corresponds to the node you just rebooted.\n\nPROCEED? [yN] "));
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != "y" && answer != "Y") {
    host.Err("meatclient: not confirmed\n");
    return kInvalid;
  }
  const Status sent = SendReply(wanted.directory, wanted.host, wanted.reply);
  if (!sent) {
    host.Err(Cat("meatclient: ", sent.error().Text(), "\n"));
    return kBadHost;
  }
  host.Out(Cat("Meatware_client: reset confirmed.\n"));
  return kOk;
}

}  // namespace
}  // namespace fencepost::stonith

int main(int argc, char** argv) {
  using namespace fencepost;  // NOLINT: main only wires
  agent::LinuxHost host(argc, argv);
  const stonith::Wanted wanted = stonith::Parse(agent::Words(argc, argv));
  if (!wanted.good) {
    host.Err(stonith::kUsageText);
    return stonith::kUsage;
  }
  if (wanted.help || wanted.version) {
    host.Out(wanted.help ? stonith::kUsageText : "meatclient: Fencepost " FENCEPOST_VERSION "\n");
    return stonith::kOk;
  }
  return stonith::Confirm(wanted, host);
}
