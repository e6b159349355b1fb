// The command line of stonith: cluster-glue's switches, and a few long ones of our own.
//
// Promise: nothing is switched unless -T says so, and once; --compat restores cluster-glue's ways:
//          a node alone means reset, and -c repeats it. Parameters come from one place only. A
//          value that looks like a secret is reported by its place, so that the caller can
//          overwrite it.
// Errors:  exit code 1 with a text that names the word.
// Source:  cluster-glue stonith(8) and its getopt string.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace fencepost::stonith {

// cluster-glue's exit codes (include/stonith/stonith.h).
enum ExitCode : int {
  kOk = 0,
  kUsage = 1,
  kAccess = 2,
  kInvalid = 3,
  kBadHost = 4,
  kResetFailed = 5,
  kTimeOut = 6,
  kOops = 8,
  kListFailed = 255
};

inline constexpr std::size_t kMaxArguments = 256;
inline constexpr std::int64_t kMaxTimeLimitS = 3600;
inline constexpr std::int64_t kMaxCount = 1'000'000;
inline constexpr Duration kMeatwareLimit = std::chrono::seconds(600);  // cluster-glue's

enum class Switch { kReset, kOff, kOn };

struct SecretPlace {
  std::size_t word = 0, offset = 0;
};

struct Arguments {
  bool list_types = false, names = false, metadata = false, help = false, status = false;
  bool hosts = false, silent = false, debug = false, version = false, compat = false;
  bool from_environment = false;      // -E
  std::optional<std::string> values;  // -p
  std::string values_file;            // -F
  std::int64_t count = 1;             // -c
  std::string type;                   // as it was given: "fence_x", "rhcs/x", "external/x"
  std::optional<Switch> change;
  std::string node;
  std::map<std::string, std::string> parameters;
  std::string agent_dir;
  Duration time_limit = std::chrono::seconds(60);
  std::vector<std::string> warnings;
};

// words: argv without argv[0]. secrets is complete also when there is an error.
Result<Arguments> ParseArguments(const std::vector<std::string>& words,
                                 std::vector<SecretPlace>* secrets);
std::string_view Usage();
// "passwd", "snmp_priv_passwd", "community": not "password_script" or "password_file".
bool IsSecretName(std::string_view name);

}  // namespace fencepost::stonith
