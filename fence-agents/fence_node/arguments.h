// The command line of fence_node: RHCS's switches, and a few long ones of our own.
//
// Promise: one action; -U alone may stand without a node (it means this one).
// Errors:  name the word and what to write instead; exit code kFailed.
// Source:  fence_node(8) of RHCS 3: -U -S -v -m -h -V and its exit codes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fencepost::fence_node {

// kUndefined: the configuration says nothing about how to reach this node's power.
enum ExitCode : int { kDone = 0, kFailed = 1, kUndefined = 2 };

inline constexpr std::size_t kMaxArguments = 64;
inline constexpr std::int64_t kMaxMethod = 64;

enum class Action { kFence, kUnfence, kStatus };
// "fence", "unfence", "status": how the last line begins.
std::string_view Name(Action action);

struct Arguments {
  Action action = Action::kFence;
  std::string node;    // empty: this host, with kUnfence only
  std::string config;  // empty: the usual file
  int verbose = 0;     // 1: what the agents say, 2: also what they are told
  int method = 0;      // only this level, counted from 1; 0: all
  bool force = false, help = false, version = false;
};

// words: argv without argv[0].
Result<Arguments> ParseArguments(const std::vector<std::string>& words);
std::string_view Usage();

}  // namespace fencepost::fence_node
