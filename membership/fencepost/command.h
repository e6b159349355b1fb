// A subcommand of the operator's command, and how one is chosen.
//
// Promise: RunCommand chooses the row whose name begins the arguments ("quorum timing" before
//          "quorum"), answers help and --version itself, and lets no exception out.
// Errors:  exit codes: 0 done, 1 what was asked for is not so or failed, 2 wrong usage. Errors go
// to
//          Io::err, results to Io::out.
#pragma once
#include <boost/program_options.hpp>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fencepost::command {

inline constexpr int kDone = 0, kFailed = 1, kUsage = 2;

using Arguments = std::vector<std::string>;  // those after the subcommand's name

struct Io {
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  std::string_view name;      // one or two words
  std::string_view synopsis;  // "[--config FILE]"
  std::string_view help;      // one line
  int (*run)(const Arguments& arguments, Io& io);
};

int RunCommand(std::span<const Command> commands, const Arguments& arguments, Io& io);

// Reads the options of one subcommand; `operand`, when not empty, names its one operand.
Result<boost::program_options::variables_map> ParseOptions(
    const boost::program_options::options_description& options, const Arguments& arguments,
    const std::string& operand = "");
int UsageError(const Error& error, Io& io);
int Fail(const Error& error, Io& io);  // kFailed

}  // namespace fencepost::command
