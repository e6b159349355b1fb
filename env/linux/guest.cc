#include "env/linux/guest.h"

#include <unistd.h>

#include <fstream>

#include "base/text.h"

namespace fencepost {
namespace {

constexpr int kMaxLines = 64;  // of the first processor

}  // namespace

bool IsGuest(const std::string& root) {
  for (const char* sign : {"/sys/hypervisor/type", "/proc/device-tree/hypervisor"}) {
    if (access((root + sign).c_str(), F_OK) == 0) return true;
  }
  std::ifstream processors(root + "/proc/cpuinfo");
  std::string line;
  for (int i = 0; i < kMaxLines && std::getline(processors, line); ++i) {
    if (line.substr(0, 5) != "flags") continue;
    for (const auto& word : Split(line, ' ')) {
      if (word == "hypervisor") return true;
    }
    return false;
  }
  return false;
}

}  // namespace fencepost
