// Reading what the host asked: the command line or `name=value` lines on stdin, checked against
// the agent's table.
//
// Promise: any bytes give either checked values or an error that names the option; never both.
//          Unknown stdin names are warned about and ignored (hosts add some), unknown command-line
//          options are errors. A missing action is an error unless compat was said. No secret is
//          ever part of a message.
// Errors:  phase options, cause bad-option. All faults are reported, the first one first.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fence-agents/agent/failure.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::agent {

inline constexpr std::size_t kMaxInput = 131072;  // bytes of stdin
inline constexpr std::size_t kMaxValue = 8192;    // bytes of one value
inline constexpr std::size_t kMaxPairs = 500;

enum class Action {
  kOn,
  kOff,
  kReboot,
  kStatus,
  kMonitor,
  kList,
  kListStatus,
  kMetadata,
  kManpage,
  kValidateAll,
  kHelp,
  kVersion
};
// Does it change the state of a machine?
[[nodiscard]] bool Switches(Action action);
[[nodiscard]] std::string_view Name(Action action);

// The plugs that plug names, in order; empty when one of them has no name.
[[nodiscard]] std::vector<std::string> PlugsOf(const Values& values);

// Where a secret stood in argv: the host overwrites it.
struct ArgvSpan {
  std::size_t word = 0, offset = 0;
};

struct Pair {
  std::string name, value;  // stdin name
};
struct Given {
  std::vector<Pair> pairs;  // in order; the last one of a name counts
  std::vector<std::string> warnings;
  std::vector<ArgvSpan> secrets;
};

// words: argv without argv[0]. The spans of secrets are complete also when there is an error.
Result<Given, std::vector<Failure>> ParseArgv(const Spec& spec,
                                              const std::vector<std::string>& words,
                                              std::vector<ArgvSpan>* secrets);
Result<Given, std::vector<Failure>> ParseStdin(const Spec& spec, std::string_view text);

struct Request {
  Action action = Action::kStatus;
  Values values;
  std::vector<std::string> warnings;
};
Result<Request, std::vector<Failure>> CheckOptions(const Spec& spec, const Given& given);

}  // namespace fencepost::agent
