// What a run says: to people as lines, or to programs as one JSON object.
//
// Promise: in text, success stands on stdout and the last line of stderr of a failed run is
//          Failure::Line. With json, stdout has exactly one line, one object, whatever happens;
//          stderr is the same. No secret reaches either: the kit never passes one here.
// Time:    the steps' times count from the start of the run.
// Errors:  none. Source: the words of phase and cause are those of failure.h; format counts up when
//          a member changes its meaning.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fence-agents/agent/device.h"
#include "fence-agents/agent/host.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/agent/plan.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::agent {

inline constexpr int kReportFormat = 1;

class Report {
 public:
  Report(const Spec& spec, Host& host);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  // From here on the outcome is an object, not lines.
  void UseJson();
  void SetQuiet(bool quiet) { quiet_ = quiet; }
  void SetVerbose(bool verbose) { verbose_ = verbose; }
  void SetRequest(Action action, std::vector<std::string> plugs);
  void Warn(std::string_view text);
  // One question to the device or one command: what it was, how it ended.
  void Step(std::string_view did, const std::string& plug, std::string_view answer, MonoTime begun);
  void Rows(const std::vector<PlugRow>& rows, std::string_view separator, bool with_state);
  int Failed(const std::vector<Failure>& failures);  // the exit code
  int Done(const Outcome& outcome);                  // the exit code

 private:
  struct Record;
  const Spec& spec_;
  Host& host_;
  bool quiet_ = false, verbose_ = false;
  std::unique_ptr<Record> json_;  // not null: as JSON
  MonoTime begun_;
  int Finish(int exit_code, std::string_view result);
};

}  // namespace fencepost::agent
