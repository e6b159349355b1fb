#include "stonith/rehearsal/tool.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "env/linux/read_file.h"
#include "env/linux/unique_fd.h"
#include "fence-agents/fence_node/site.h"
#include "membership/fencepost/ask_daemon.h"
#include "stonith/invoker_linux.h"
#include "stonith/rehearsal/fence_plan.h"
#include "stonith/rehearsal/record.h"
#include "stonith/run_agent.h"

namespace fencepost::stonith {
namespace {

using nlohmann::json;

constexpr int kPassed = 0, kNotPassed = 1, kNotDone = 2;
constexpr std::string_view kHelp =
    "usage: stonith plan [--config=FILE] [--json] NODE | --all\n"
    "       stonith rehearse [--config=FILE] [--json] [--disruptive] NODE | --all\n"
    "  plan          who would fence NODE, how, in which order, how long at worst\n"
    "  rehearse      prove by reads: reach, login, privilege, right machine\n"
    "  --disruptive  really switch NODE off and on, while all nodes are there; one node\n"
    "exit: 0 passed, 1 failed, 2 not done\n";

struct Wanted {
  bool plan = false, all = false, json = false, disruptive = false, help = false, good = true;
  std::string node, config = std::string(config::kConfigFile);
};

Wanted Parse(const std::vector<std::string>& words) {
  Wanted out;
  out.plan = words[0] == "plan";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--all") {
      out.all = true;
    } else if (word == "--json") {
      out.json = true;
    } else if (word == "--disruptive" && !out.plan) {
      out.disruptive = true;
    } else if (word == "--help" || word == "-h") {
      out.help = true;
    } else if (word.starts_with("--config=") && word.size() > 9) {
      out.config = word.substr(9);
    } else if (!word.starts_with("-") && out.node.empty()) {
      out.node = word;
    } else {
      out.good = false;
    }
  }
  const bool one = !out.node.empty();
  out.good = out.good && (out.help || one != out.all) && !(out.disruptive && out.all);
  return out;
}

bool Flag(const json& at, const char* name) {
  return at.contains(name) && at[name].is_boolean() && at[name].get<bool>();
}

Result<ClusterSight> Sight(const std::string& run_dir) {
  const auto status = command::AskDaemon(run_dir, {{"command", "status"}});
  if (!status) return status.error().error;
  ClusterSight out;
  out.quorate = Flag(*status, "quorate");
  for (const json& node : status->value("nodes", json::array())) {
    SeenNode seen;
    seen.name = node.value("name", "");
    seen.self = Flag(node, "self");
    seen.there = Flag(node, "there");
    seen.heard = seen.self || Flag(node, "heard");
    seen.on_disk = Flag(node, "on_disk");
    out.nodes.push_back(seen);
  }
  const json disk = status->value("disk", json());
  for (const json& slot : disk.is_object() ? disk.value("slots", json::array()) : json::array()) {
    for (SeenNode& seen : out.nodes) {
      if (slot.value("node", "") == seen.name) seen.left = slot.value("state", "") == "left";
    }
  }
  return out;
}

std::int64_t Wall() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Tool {
 public:
  Tool(const Wanted& wanted, const fence_node::Site& site, agent::LinuxHost& host)
      : wanted_(wanted),
        site_(site),
        host_(host),
        stop_(StopSignals()),
        runner_(host, {site.config.paths.agent_dir, std::string(config::kForeignAgentDir)},
                stop_.get()),
        records_file_(Cat(site.config.paths.state_dir, "/", kRecordsFile)) {
    if (wanted.disruptive) lock_ = LockAlone(records_file_ + ".lock");
  }

  int Go() {
    int code = kPassed;
    for (const config::NodeConfig& node : site_.config.nodes) {
      if (!wanted_.all && node.name != wanted_.node) continue;
      const auto target = fence_node::ChooseTarget(site_, node.name, "");
      if (!target) return Refuse(target.error());
      code = std::max(code, wanted_.plan ? Plan(node.id) : Rehearse(node.id, node.name));
      found_ = true;
    }
    if (found_) return code;
    return Refuse({wanted_.node, "is no node of the cluster", "see fencepost status"});
  }

 private:
  int Refuse(const Error& error) {
    host_.Err(Cat("stonith: ", error.Text(), "\n"));
    return kNotDone;
  }

  int Plan(NodeId node) {
    std::map<NodeId, std::string> addresses;
    for (const config::NodeConfig& each : site_.config.nodes) {
      addresses[each.id] = each.address.host;
    }
    const FencePlan plan =
        MakePlan(ConfigFrom(site_.cib), node, site_.config.timing.lease, addresses);
    if (!wanted_.json) {
      host_.Out(PlanText(plan));
      return kPassed;
    }
    json out = {{"node", plan.node},
                {"by", plan.by},
                {"worst_ms", ToMillis(plan.worst)},
                {"levels", json::array()},
                {"warnings", plan.warnings}};
    for (const PlannedLevel& level : plan.levels) {
      out["levels"].push_back({{"index", level.index},
                               {"outlets", level.outlets},
                               {"covers", ToText(level.coverage)},
                               {"begins_ms", ToMillis(level.begins)},
                               {"worst_ms", ToMillis(level.worst)}});
    }
    host_.Out(out.dump(2) + "\n");
    return kPassed;
  }

  int Rehearse(NodeId node, const std::string& name) {
    Rehearsal rehearsal(ConfigFrom(site_.cib), runner_,
                        [this] { return Sight(site_.config.paths.run_dir); });
    Rehearsed done;
    if (wanted_.disruptive) {
      if (!lock_) {
        return Refuse({records_file_, "another rehearsal is under way, or it cannot be locked",
                       "one node at a time; run as root"});
      }
      Rehearsed begun;
      begun.node = name;
      begun.disruptive = true;
      begun.why =
          "it began and never ended: if this host lost its power then, the device is wired to it: "
          "WRONG PLUG MAP";
      if (const Status kept = Keep(begun); !kept) return Refuse(kept.error());
      host_.Err(Cat("switching ", name, " off and on, asked by ", ThisInvoker().user, "\n"));
      auto result = rehearsal.Disruptive(node);
      if (!result) {
        Forget(begun);
        return Refuse(result.error());
      }
      done = std::move(*result);
    } else {
      done = rehearsal.Harmless(node);
    }
    done.wall = Wall();
    host_.Out(wanted_.json ? RecordJson(done) : RehearsedText(done));
    if (const Status kept = Keep(done); !kept) {
      host_.Err(Cat("note: no record is kept: ", kept.error().Text(), "\n"));
    }
    return done.passed ? kPassed : kNotPassed;
  }

  std::vector<Rehearsed> Records() {
    const auto text = ReadSmallFile(records_file_, kMaxRecordsBytes);
    return text ? DecodeRecords(*text) : std::vector<Rehearsed>();
  }
  Status Keep(Rehearsed record) {
    std::vector<Rehearsed> records = Records();
    for (const Rehearsed& old : records) {
      if (old.node == record.node && old.disruptive == record.disruptive) before_ = old;
    }
    if (record.wall == 0) record.wall = Wall();
    Put(record, &records);
    return ReplaceFile(records_file_, EncodeRecords(records));
  }
  // Nothing was switched: what was known before still holds.
  void Forget(const Rehearsed& begun) {
    std::vector<Rehearsed> records = Records();
    std::erase_if(records, [&](const Rehearsed& r) {
      return r.node == begun.node && r.disruptive == begun.disruptive;
    });
    if (before_) records.push_back(*before_);
    if (const Status stored = ReplaceFile(records_file_, EncodeRecords(records)); !stored) {
      host_.Err(Cat("note: ", stored.error().Text(), "\n"));
    }
  }

  const Wanted& wanted_;
  const fence_node::Site& site_;
  agent::LinuxHost& host_;
  UniqueFd stop_;
  LinuxAgentRunner runner_;
  std::string records_file_;
  UniqueFd lock_;
  std::optional<Rehearsed> before_;
  bool found_ = false;
};

}  // namespace

bool IsRehearsalCommand(const std::vector<std::string>& words) {
  return !words.empty() && (words[0] == "plan" || words[0] == "rehearse");
}

int RunRehearsalCommand(const std::vector<std::string>& words, agent::LinuxHost& host) {
  const Wanted wanted = Parse(words);
  if (wanted.help) {
    host.Out(kHelp);
    return kPassed;
  }
  if (!wanted.good) {
    host.Err(kHelp);
    return kNotDone;
  }
  const auto site = fence_node::LoadSite(wanted.config, ReadSmallFile);
  if (!site) {
    host.Err(Cat("stonith: nothing was done:\n", site.error()));
    return kNotDone;
  }
  return Tool(wanted, *site, host).Go();
}

}  // namespace fencepost::stonith
