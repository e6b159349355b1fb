#include "fence-agents/agent/run.h"

#include "base/text.h"
#include "fence-agents/agent/document.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/agent/plan.h"
#include "fence-agents/agent/report.h"

namespace fencepost::agent {
namespace {

constexpr int kDone = 0;
constexpr std::string_view kVersion = FENCEPOST_VERSION;

class Permit : public SwitchPermit {
 public:
  Permit(const Host& host, MonoTime not_after) : host_(host), not_after_(not_after) {}
  SwitchResult Check() const override {
    if (host_.Now() < not_after_) return Ok{};
    return Failure{Phase::kAct,
                   Cause::kDeadline,
                   {"the instant not_after_ms", "had passed before the switching command was sent",
                    "whoever asked must decide anew whether this is still wanted"}};
  }
  MonoTime NotAfter() const override { return not_after_; }

 private:
  const Host& host_;
  MonoTime not_after_;
};

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

// The first line of whichever source was named; "" when none was.
Result<std::string, Failure> FromSource(const Values& values, const std::string& secret,
                                        Host& host) {
  const std::string file = secret + "_file", script = secret + "_script",
                    credential = secret + "_credential";
  std::string source;
  Result<std::string, Failure> text = std::string();
  if (values.Has(file)) {
    source = file;
    text = host.ReadSecretFile(values.Text(file));
  } else if (values.Has(credential)) {
    source = credential;
    text = host.ReadCredential(values.Text(credential));
  } else if (values.Has(script)) {
    source = script;
    text = host.RunSecretScript(values.Text(script), host.Now() + kSecretScriptLimit);
  } else {
    return std::string();
  }
  if (!text) return text.error();
  std::string line = FirstLine(*text);
  if (!line.empty()) return line;
  return Failure{Phase::kAuth,
                 Cause::kLocalProblem,
                 {source, "gave an empty first line", Cat("its first line must be ", secret)}};
}

Result<Login, Failure> FindSecrets(const Spec& spec, Values* values, Host& host) {
  for (const Parameter& p : spec.parameters) {
    if (!p.sourced || values->Has(p.name)) continue;
    auto secret = FromSource(*values, p.name, host);
    if (!secret) return secret.error();
    values->Set(p.name, std::move(*secret));
  }
  return Login{values->Text("username"), values->Text("password")};
}

int ListPlugs(const Spec& spec, const Request& request, Device& device, Host& host,
              Report* report) {
  if (!spec.has_plugs) {
    Outcome nothing;
    nothing.exit_code = kDone;
    nothing.success = "N/A";
    return report->Done(nothing);
  }
  const Values& v = request.values;
  const MonoTime begun = host.Now();
  const auto rows = device.List(begun + v.Time("login_timeout") + v.Time("power_timeout"));
  report->Step("list", "", rows ? Cat(rows->size(), " plugs") : rows.error().error.Text(), begun);
  if (!rows) return report->Failed({rows.error()});
  if (request.action != Action::kMonitor) {
    report->Rows(*rows, v.Text("separator"), request.action == Action::kListStatus);
  }
  Outcome listed;
  listed.exit_code = kDone;
  return report->Done(listed);
}

PlanSettings Settings(const Spec& spec, const Request& request) {
  const Values& v = request.values;
  PlanSettings s;
  s.action = request.action;
  if (spec.has_plugs) {
    s.plugs = PlugsOf(v);
  }
  s.delay = v.Time("delay");
  s.io = v.Time("login_timeout") + v.Time("shell_timeout");
  s.power_wait = v.Time("power_wait");
  s.power_timeout = v.Time("power_timeout");
  s.status_sleep = v.Time("stonith_status_sleep");
  s.retry_on = static_cast<int>(v.Number("retry_on"));
  s.on_always_acts = spec.on_always_acts;
  if (v.Has("not_after_ms")) s.not_after = MonoTime(Millis(v.Number("not_after_ms")));
  return s;
}

class Walker {
 public:
  Walker(const PlanSettings& settings, Device& device, Host& host, Report* report)
      : plan_(settings),
        device_(device),
        host_(host),
        permit_(host, settings.not_after),
        report_(report) {}

  int Walk() {
    PlanEvent event = PlanStart{};
    for (;;) {
      const MonoTime begun = host_.Now();
      const PlanEffect effect = plan_.Step(begun, event);
      if (const auto* read = std::get_if<ReadPower>(&effect)) {
        const PowerResult result = device_.Status(read->plug, read->deadline);
        report_->Step("state", read->plug,
                      result ? std::string(Name(*result)) : result.error().error.Text(), begun);
        event = PowerRead{result};
      } else if (const auto* change = std::get_if<SwitchPower>(&effect)) {
        const SwitchResult result =
            device_.Switch(change->plug, change->wanted, change->deadline, permit_);
        report_->Step(Cat("power ", Name(change->wanted)), change->plug,
                      result ? "sent" : result.error().error.Text(), begun);
        event = SwitchDone{result};
      } else if (const auto* wait = std::get_if<Wait>(&effect)) {
        host_.SleepUntil(wait->until);
        event = WaitOver{};
      } else {
        return report_->Done(std::get<Outcome>(effect));
      }
    }
  }

 private:
  Plan plan_;
  Device& device_;
  Host& host_;
  Permit permit_;
  Report* report_;
};

Result<Given, std::vector<Failure>> ReadOptions(const Spec& spec,
                                                const std::vector<std::string>& words, Host& host) {
  if (words.empty()) {
    const auto text = host.ReadStdin(kMaxInput + 1);
    if (!text) return std::vector<Failure>{text.error()};
    return ParseStdin(spec, *text);
  }
  std::vector<ArgvSpan> secrets;
  auto given = ParseArgv(spec, words, &secrets);
  for (const ArgvSpan& secret : secrets) host.WipeArgument(secret.word, secret.offset);
  return given;
}

bool AboutItself(const Spec& spec, Action action, Host& host) {
  if (action == Action::kHelp) {
    host.Out(Help(spec));
  } else if (action == Action::kVersion) {
    host.Out(Cat(spec.name, " of Fencepost ", kVersion, "\n"));
  } else if (action == Action::kMetadata) {
    host.Out(Metadata(spec));
  } else if (action == Action::kManpage) {
    host.Out(ManPage(spec));
  } else {
    return false;
  }
  return true;
}

bool WantsJson(const Given& given) {
  bool json = false;
  for (const Pair& pair : given.pairs) {
    if (pair.name == "json" && !ParseFlag(pair.value, &json)) json = false;
  }
  return json;
}

}  // namespace

int RunAgent(const Spec& spec, const std::vector<std::string>& words, const DeviceFactory& make,
             Host& host) {
  Report report(spec, host);
  const auto given = ReadOptions(spec, words, host);
  if (!given) return report.Failed(given.error());
  if (WantsJson(*given)) report.UseJson();
  auto request = CheckOptions(spec, *given);
  if (!request) return report.Failed(request.error());
  if (AboutItself(spec, request->action, host)) return kDone;
  report.SetQuiet(request->values.Flag("quiet"));
  report.SetVerbose(request->values.Flag("verbose"));
  const PlanSettings settings = Settings(spec, *request);
  report.SetRequest(request->action, spec.has_plugs ? settings.plugs : std::vector<std::string>{});
  for (const std::string& warning : request->warnings) report.Warn(warning);
  if (request->action == Action::kValidateAll) {
    // A secret is looked up neither by script nor by file: that belongs to a session.
    const auto device = make(request->values, Login{request->values.Text("username"), ""});
    if (!device) return report.Failed({device.error()});
    Outcome valid;
    valid.exit_code = kDone;
    return report.Done(valid);
  }
  const auto login = FindSecrets(spec, &request->values, host);
  if (!login) return report.Failed({login.error()});
  const auto device = make(request->values, *login);
  if (!device) return report.Failed({device.error()});
  const bool lists = request->action == Action::kList || request->action == Action::kListStatus ||
                     (request->action == Action::kMonitor && spec.has_plugs);
  if (lists) return ListPlugs(spec, *request, **device, host, &report);
  return Walker(settings, **device, host, &report).Walk();
}

}  // namespace fencepost::agent
