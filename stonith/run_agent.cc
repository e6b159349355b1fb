#include "stonith/run_agent.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/text.h"

namespace fencepost::stonith {
namespace {

// A regular file that can be run and that only its owner can write: agents run as root.
bool IsAgent(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0 &&
         (about.st_mode & 022) == 0;
}

bool IsAgentName(std::string_view name) {
  return name.starts_with("fence_") &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
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
    DIR* open = opendir(directory.c_str());
    if (open == nullptr) continue;
    while (const dirent* entry = readdir(open)) {
      if (IsAgentName(entry->d_name) && IsAgent(Cat(directory, "/", entry->d_name))) {
        names.insert(entry->d_name);
      }
    }
    closedir(open);
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
    return agent::RunProgram(
        {path, {agent}, {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"LC_ALL", "C"}}, stdin_text},
        kill_at, stop_);
  }
  return end;
}

}  // namespace fencepost::stonith
