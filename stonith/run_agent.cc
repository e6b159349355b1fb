#include "stonith/run_agent.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <set>

#include "base/text.h"
#include "stonith/meatware_fifo.h"

namespace fencepost::stonith {
namespace {

// A regular file that can be run and that only its owner can write: agents run as root.
bool IsAgent(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0 &&
         (about.st_mode & 022) == 0;
}

constexpr const char* kPath = "/usr/sbin:/usr/bin:/sbin:/bin";
// Where plugins find cluster-glue's ha_log.sh.
constexpr const char* kGlueShared = "/usr/share/cluster-glue";
constexpr const char* kPluginDirectory = "/usr/lib/stonith/plugins";

bool IsPlainName(std::string_view name) {
  return !name.empty() && name[0] != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             std::string_view::npos;
}
bool IsAgentName(std::string_view name) { return name.starts_with("fence_") && IsPlainName(name); }

template <class Wanted>
std::set<std::string> NamesIn(const std::string& directory, const Wanted& wanted) {
  std::set<std::string> names;
  DIR* open = opendir(directory.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = readdir(open)) {
    if (wanted(entry->d_name) && IsAgent(Cat(directory, "/", entry->d_name))) {
      names.insert(entry->d_name);
    }
  }
  closedir(open);
  return names;
}

}  // namespace

std::vector<std::string> AgentDirectories(const std::string& first) {
  std::vector<std::string> out;
  if (!first.empty()) out.push_back(first);
  std::array<char, 4096> self{};
  const auto n = readlink("/proc/self/exe", self.data(), self.size() - 1);
  if (n > 0) {
    const std::string path(self.data(), static_cast<std::size_t>(n));
    out.push_back(path.substr(0, path.rfind('/')));
  }
  out.push_back("/usr/libexec/fencepost");
  out.push_back("/usr/sbin");
  return out;
}

std::vector<std::string> LinuxAgentRunner::Agents() {
  std::set<std::string> names;
  for (const std::string& directory : directories_) {
    names.merge(NamesIn(directory, IsAgentName));
  }
  return {names.begin(), names.end()};
}

ProcessEnd LinuxAgentRunner::Run(const std::string& agent, const std::string& stdin_text,
                                 MonoTime kill_at) {
  ProcessEnd end;
  end.errors = Cat(agent::OneLine(agent), ": there is no such agent");
  if (!IsAgentName(agent)) return end;
  for (const std::string& directory : directories_) {
    const std::string path = Cat(directory, "/", agent);
    if (!IsAgent(path)) continue;
    return agent::RunProgram({path, {agent}, {{"PATH", kPath}, {"LC_ALL", "C"}}, stdin_text},
                             kill_at, stop_);
  }
  return end;
}

namespace {

std::vector<std::string> PluginDirectories(const std::string& first) {
  std::vector<std::string> out;
  if (!first.empty()) out.push_back(first);
  out.push_back(kPluginDirectory);
  return out;
}

std::vector<std::string> Below(std::vector<std::string> directories, std::string_view folder) {
  for (std::string& directory : directories) directory += Cat("/", folder);
  return directories;
}

}  // namespace

LinuxCommandHost::LinuxCommandHost(agent::LinuxHost& host, const std::string& first, int stop)
    : plugin_directories_(PluginDirectories(first)),
      agents_(host, AgentDirectories(first), stop),
      rhcs_(host, Below(plugin_directories_, "rhcs"), stop),
      stop_(stop) {}

ProcessEnd LinuxCommandHost::Run(const std::string& agent, const std::string& stdin_text,
                                 MonoTime kill_at) {
  const ProcessEnd end = agents_.Run(agent, stdin_text, kill_at);
  if (end.started) return end;
  const ProcessEnd other = rhcs_.Run(agent, stdin_text, kill_at);
  return other.started ? other : end;
}

std::vector<std::string> LinuxCommandHost::Plugins() {
  std::set<std::string> types;
  for (const std::string& directory : Below(plugin_directories_, "external")) {
    for (const std::string& name : NamesIn(directory, IsPlainName))
      types.insert("external/" + name);
  }
  for (const std::string& name : rhcs_.Agents()) {
    types.insert(Cat("rhcs/", name.substr(std::string_view("fence_").size())));
  }
  return {types.begin(), types.end()};
}

ProcessEnd LinuxCommandHost::RunPlugin(const PluginCall& call, MonoTime kill_at) {
  ProcessEnd end;
  end.errors = Cat("external/", agent::OneLine(call.name), ": there is no such plugin");
  if (!IsPlainName(call.name)) return end;
  for (const std::string& directory : Below(plugin_directories_, "external")) {
    const std::string path = Cat(directory, "/", call.name);
    if (!IsAgent(path)) continue;
    Command command;
    command.path = path;
    command.argv = {path};
    command.argv.insert(command.argv.end(), call.words.begin(), call.words.end());
    // After the parameters: none of them may be one of these.
    for (const auto& [name, value] : call.variables) {
      if (name == "PATH" || name == "LC_ALL" || name == "HA_LOGTAG" || name.starts_with("LD_")) {
        continue;
      }
      command.environment.emplace_back(name, value);
    }
    command.environment.emplace_back("PATH", Cat(kGlueShared, ":", kPath));
    command.environment.emplace_back("LC_ALL", "C");
    command.environment.emplace_back("HA_LOGTAG", Cat("external/", call.name));
    return agent::RunProgram(command, kill_at, stop_);
  }
  return end;
}

Result<std::string> LinuxCommandHost::ReadValues(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{path, "cannot be read", "see its path and mode"};
  for (std::string line; std::getline(file, line);) {
    if (line.size() > kMaxValuesFile) break;
    if (!Trim(line).empty() && line[0] != '#') return line;
  }
  return Error{path, "has no line of values", "write them in the order of -n, in one line"};
}

std::optional<std::string> LinuxCommandHost::Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<std::string> LinuxCommandHost::AwaitOperator(const std::string& host, MonoTime limit) {
  const auto reply = AwaitReply(kMeatwareDirectory, host, limit, stop_);
  if (!reply) return reply.error();
  const std::string by = reply->by.empty() ? "somebody who gave no name" : reply->by;
  return Cat("confirmed off by ", agent::OneLine(by),
             reply->reason.empty() ? "" : Cat(" (", agent::OneLine(reply->reason), ")"));
}

}  // namespace fencepost::stonith
