// fencepost disk message: storage death by hand, over the quorum disk.
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"
#include "qdiskd/ask_qdiskd.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;

constexpr int kMaxSeconds = 3600;

// For the record only: who sat at the keyboard.
std::string WhoAsks() {
  for (const char* name : {"SUDO_USER", "LOGNAME", "USER"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return Cat("operator ", value);
  }
  return Cat("operator with user id ", getuid());
}

int Say(const Result<qdiskd::FromQdiskd>& answer, Io& io) {
  if (!answer) return Fail(answer.error(), io);
  const auto* end = std::get_if<qdiskd::local::MessageEnd>(&*answer);
  if (end == nullptr) return Fail(Error{"qdiskd", "answered something else", ""}, io);
  if (end->proof == qdiskd::MessageProof::kNone) return Fail(Error{"message", end->text, ""}, io);
  io.out << end->text << " (" << qdiskd::ToText(end->proof) << ")\n";
  return kDone;
}

}  // namespace

int DiskMessage(const Arguments& arguments, Io& io) {
  if (arguments.size() < 2 || arguments[0].empty() || arguments[0][0] == '-') {
    return UsageError({"the command line", "names no node and no message", "see --help"}, io);
  }
  auto options = ConfigOption();
  options.add_options()("message", po::value<std::string>()->required());
  options.add_options()("within", po::value<int>()->default_value(0));
  const auto values = ParseOptions(options, {arguments.begin() + 1, arguments.end()}, "message");
  if (!values) return UsageError(values.error(), io);
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!config) return kFailed;
  if (!config->quorum_disk) {
    return Fail({"the configuration", "has no quorum disk", "messages go over it"}, io);
  }
  const std::string& node = arguments[0];
  const auto& word = (*values)["message"].as<std::string>();
  const MonoTime now = qdiskd::AskClock();
  const std::string& run_dir = config->paths.run_dir;
  if (word == "clear") {
    return Say(qdiskd::AskQdiskd(run_dir, qdiskd::local::ClearMessage{node, WhoAsks()},
                                 now + qdiskd::kConnectLimit),
               io);
  }
  const auto kind = qdiskd::MessageKindOf(word);
  const int given = (*values)["within"].as<int>();
  if (!kind || given < 0 || given > kMaxSeconds) {
    return UsageError(
        {kind ? "--within" : word,
         kind ? Cat("is not 1 to ", kMaxSeconds, " seconds") : std::string("is no message"),
         "test, reset, off, exit, crashdump or clear"},
        io);
  }
  // Unless told otherwise: until the node could be up again, or its watchdog has bitten.
  const config::Timing& t = config->timing;
  const Duration usual = qdiskd::Kills(*kind) ? t.watchdog + std::chrono::seconds(60)
                                              : 6 * (t.interval + t.io_timeout);
  const Duration within = given == 0 ? usual : Duration(std::chrono::seconds(given));
  return Say(
      qdiskd::AskQdiskd(run_dir, qdiskd::local::SendMessage{*kind, node, now + within, WhoAsks()},
                        now + within),
      io);
}

}  // namespace fencepost::command
