// fencepost init, cib check, cib load: what is done while the daemon of this node is stopped.
#include "base/text.h"
#include "env/linux/read_file.h"
#include "env/linux/state_dir.h"
#include "membership/cib/cib.h"
#include "membership/fencepost/ask_daemon.h"
#include "membership/fencepost/commands.h"
#include "membership/fencepost/load_config.h"
#include "membership/fencepostd/member_runner.h"
#include "membership/fencepostd/settings.h"
#include "membership/fencepostd/start_files.h"
#include "membership/policy/rules.h"

namespace fencepost::command {
namespace {

namespace po = boost::program_options;

// REQUIRES: the loop has nothing else to do.
Status StoreNow(Loop& loop, StateStore& state, std::string_view name, Bytes value) {
  Status out = Ok{};
  state.Store(name, std::move(value), [&](Status stored) {
    out = std::move(stored);
    loop.Stop();
  });
  loop.Run();
  return out;
}

Status Initialise(const config::Config& config) {
  const auto path = daemon::StateDirectoryOf(config);
  if (!path) return path.error();
  auto loop = Loop::Create();
  if (!loop) return loop.error();
  auto state = StateDirectory::Open(**loop, *path);
  if (!state) return state.error();
  for (const auto name : {daemon::kVoterName, daemon::kTermName, daemon::kIncarnationName}) {
    const auto stored = (*state)->Load(name);
    if (!stored) return stored.error();
    // A daemon that ran without a vote has counted its starts: that is no promise to anybody.
    if (!*stored || name == daemon::kIncarnationName) continue;
    return Error{*path, Cat("holds the state '", name, "' of a node that has voted"),
                 "nothing is to be done here: a node that has its state must keep it"};
  }
  // It may have voted before, in a state that was lost: the restart wait covers its last grant.
  const quorum::VoterState fresh{Term(), config.timing.lease_max, false};
  return StoreNow(**loop, **state, daemon::kVoterName, quorum::EncodeVoterState(fresh));
}

Result<Cib> Judge(const std::string& file, const config::Config* config) {
  auto cib = daemon::LoadCib(file);
  if (!cib || config == nullptr) return cib;
  const auto fits = daemon::SettingsOf(*config, *cib, config->nodes.front().id);
  if (!fits) return fits.error();
  return cib;
}

void Summarise(const Cib& cib, const std::string& file, std::ostream& out) {
  std::size_t primitives = 0;
  for (const Group& group : cib.groups) primitives += group.members.size();
  out << Cat("OK ", file, "\nversion   ", cib.version.admin_epoch, ".", cib.version.epoch, ".",
             cib.version.num_updates, "\nnodes     ", cib.nodes.size(), "\nresources ", primitives,
             "\nfencing   ", cib.fence_devices.size(), " devices",
             cib.stonith_enabled ? "" : "; UNSAFE: stonith-enabled=false", "\n");
}

// Understood by many as "go where you see more", it stops everything once nobody sees anything.
void WarnOfRules(const Cib& cib, std::ostream& out) {
  for (const Location& location : cib.locations) {
    for (const LocationRule& rule : location.rules) {
      if (rule.score >= 0 || !policy::LooksAtAttributes(rule)) continue;
      out << Cat("WARNING rule ", rule.rule.id, " of ", location.id,
                 ": where it holds on all nodes, ", location.resource,
                 " runs nowhere; score-attribute compares the nodes instead "
                 "(docs/cib.md)\n");
    }
  }
}

}  // namespace

int Init(const Arguments& arguments, Io& io) {
  const auto values = ParseOptions(ConfigOption(), arguments);
  if (!values) return UsageError(values.error(), io);
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!config) return kFailed;
  if (const auto done = Initialise(*config); !done) return Fail(done.error(), io);
  io.out << "This node has a voter state now: fencepostd votes from its next start on, after a\n"
            "restart wait. That is right for a new node, and for one whose disk was replaced\n"
            "while it was powered off. It is wrong for a node whose state was removed to make\n"
            "an error go away: such a node could vote twice.\n";
  return kDone;
}

int CibCheck(const Arguments& arguments, Io& io) {
  auto options = ConfigOption();
  options.add_options()("file", po::value<std::string>()->required());
  const auto values = ParseOptions(options, arguments, "file");
  if (!values) return UsageError(values.error(), io);
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!config) return kFailed;
  const auto& file = (*values)["file"].as<std::string>();
  const auto cib = Judge(file, &*config);
  if (!cib) return Fail(cib.error(), io);
  Summarise(*cib, file, io.out);
  WarnOfRules(*cib, io.out);
  return kDone;
}

int CibLoad(const Arguments& arguments, Io& io) {
  const int checked = CibCheck(arguments, io);
  if (checked != kDone) return checked;
  auto options = ConfigOption();
  options.add_options()("file", po::value<std::string>()->required());
  const auto values = ParseOptions(options, arguments, "file");
  const auto config = LoadConfig((*values)["config"].as<std::string>(), io);
  if (!values || !config) return kFailed;
  const auto running = AskDaemon(config->paths.run_dir, {{"command", "status"}});
  if (running || running.error().is_running) {
    return Fail(Error{config->paths.cib, "is in use: fencepostd runs on this node",
                      "a running CIB is changed by a restart: stop fencepostd on all nodes "
                      "(fencepost stop), load the same file on each, start them again"},
                io);
  }
  const auto text = ReadSmallFile((*values)["file"].as<std::string>(), kMaxCibBytes);
  if (!text) return Fail(text.error(), io);
  if (const auto put = ReplaceFile(config->paths.cib, *text); !put) return Fail(put.error(), io);
  io.out << "installed as " << config->paths.cib << "; load the same file on all other nodes\n";
  return kDone;
}

}  // namespace fencepost::command
