#include "fence-agents/agent/report.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace fencepost::agent {

using nlohmann::ordered_json;

struct Report::Record {
  ordered_json object = ordered_json::object();
  ordered_json steps = ordered_json::array();
  ordered_json warnings = ordered_json::array();
};

namespace {

constexpr int kFailed = 1;

ordered_json Object(const Failure& failure) {
  return {{"phase", Name(failure.phase)},   {"cause", Name(failure.cause)},
          {"what", failure.error.what},     {"why", failure.error.cause},
          {"remedy", failure.error.remedy}, {"effect_unknown", failure.effect_unknown}};
}

}  // namespace

Report::Report(const Spec& spec, Host& host) : spec_(spec), host_(host), begun_(host.Now()) {}
Report::~Report() = default;

void Report::UseJson() {
  if (!json_) json_ = std::make_unique<Record>();
}

void Report::SetRequest(Action action, std::vector<std::string> plugs) {
  if (!json_) return;
  json_->object["action"] = Name(action);
  json_->object["plugs"] = std::move(plugs);
}

void Report::Warn(std::string_view text) {
  if (!quiet_) host_.Err(Cat(spec_.name, ": warning: ", OneLine(text), "\n"));
  if (json_) json_->warnings.push_back(OneLine(text));
}

void Report::Step(std::string_view did, const std::string& plug, std::string_view answer,
                  MonoTime begun) {
  if (verbose_) {
    host_.Err(Cat(spec_.name, ": ", did, plug.empty() ? "" : " ", OneLine(plug), ": ",
                  OneLine(answer), "\n"));
  }
  if (!json_) return;
  json_->steps.push_back({{"did", did},
                          {"plug", plug},
                          {"answer", OneLine(answer)},
                          {"at_ms", ToMillis(begun - begun_)},
                          {"took_ms", ToMillis(host_.Now() - begun)}});
}

void Report::Rows(const std::vector<PlugRow>& rows, std::string_view separator, bool with_state) {
  if (json_) {
    ordered_json list = ordered_json::array();
    for (const PlugRow& row : rows) {
      list.push_back({{"plug", row.plug}, {"alias", row.alias}});
      if (with_state) list.back()["state"] = row.state;
    }
    json_->object["list"] = std::move(list);
    return;
  }
  for (const PlugRow& row : rows) {
    // A name that the device was given is foreign text.
    std::string line = Cat(OneLine(row.plug), separator, OneLine(row.alias));
    if (with_state) line += Cat(separator, row.state);
    host_.Out(line + "\n");
  }
}

int Report::Failed(const std::vector<Failure>& failures) {
  for (const Failure& failure : failures) host_.Err(failure.Line(spec_.name) + "\n");
  if (json_) {
    // The last one is the one on the last line; there are several only among bad options.
    if (!failures.empty()) json_->object["failure"] = Object(failures.back());
    if (failures.size() > 1) {
      for (const Failure& failure : failures) {
        json_->object["failures"].push_back(Object(failure));
      }
    }
  }
  return Finish(kFailed, "failed");
}

int Report::Done(const Outcome& outcome) {
  for (const std::string& warning : outcome.warnings) Warn(warning);
  if (outcome.failure) return Failed({*outcome.failure});
  if (!json_ && !outcome.success.empty()) host_.Out(outcome.success + "\n");
  return Finish(outcome.exit_code, outcome.success.empty() ? "done" : outcome.success);
}

int Report::Finish(int exit_code, std::string_view result) {
  if (json_) {
    ordered_json out = {{"format", kReportFormat}, {"agent", spec_.name}};
    out.update(json_->object);
    out["exit"] = exit_code;
    out["result"] = result;
    out["elapsed_ms"] = ToMillis(host_.Now() - begun_);
    out["steps"] = json_->steps;
    out["warnings"] = json_->warnings;
    host_.Out(out.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  }
  return exit_code;
}

}  // namespace fencepost::agent
