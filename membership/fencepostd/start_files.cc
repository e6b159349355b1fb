#include "membership/fencepostd/start_files.h"

#include <filesystem>

#include "base/text.h"
#include "env/linux/read_file.h"
#include "env/linux/site_files.h"
#include "membership/cib/cib.h"

namespace fencepost::daemon {

Result<Cib> LoadCib(const std::string& path) {
  const auto text = ReadSmallFile(path, kMaxCibBytes);
  if (text) return cib::ParseCib(*text, path);
  Error error = text.error();
  if (IsMissing(error)) {
    error.remedy =
        "write what the cluster is to run, and install it on every node with "
        "\"fencepost cib load FILE\"";
  }
  return error;
}

Result<std::string> StateDirectoryOf(const config::Config& config) {
  const std::string& above = config.paths.state_dir;
  std::error_code problem;
  std::filesystem::create_directories(above, problem);
  if (problem) {
    return Error{above, Cat("cannot be made: ", problem.message()),
                 "make it, or correct paths.state_dir"};
  }
  return above + "/fencepostd";
}

}  // namespace fencepost::daemon
