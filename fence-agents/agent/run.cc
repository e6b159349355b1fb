#include "fence-agents/agent/run.h"

#include "base/text.h"
#include "fence-agents/agent/document.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/agent/plan.h"

namespace fencepost::agent {
namespace {

constexpr int kDone = 0, kFailed = 1;
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

int Report(const Spec& spec, const std::vector<Failure>& failures, Host& host) {
  for (const Failure& failure : failures) host.Err(failure.Line(spec.name) + "\n");
  return kFailed;
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find_first_of("\r\n"));
}

Result<Login, Failure> FindLogin(const Spec& spec, const Values& values, Host& host) {
  Login login{values.Text("username"), values.Text("password")};
  if (!spec.needs_login || !login.password.empty()) return login;
  const bool from_file = values.Has("password_file");
  auto text = from_file ? host.ReadSecretFile(values.Text("password_file"))
                        : host.RunSecretScript(values.Text("password_script"),
                                               host.Now() + kSecretScriptLimit);
  if (!text) return text.error();
  login.password = FirstLine(*text);
  if (login.password.empty()) {
    return Failure{Phase::kAuth,
                   Cause::kLocalProblem,
                   {from_file ? "password_file" : "password_script", "gave an empty first line",
                    "its first line must be the password"}};
  }
  return login;
}

int ListPlugs(const Spec& spec, const Request& request, Device& device, Host& host) {
  if (!spec.has_plugs) {
    host.Out("N/A\n");
    return kDone;
  }
  const Values& v = request.values;
  const auto rows = device.List(host.Now() + v.Time("login_timeout") + v.Time("power_timeout"));
  if (!rows) return Report(spec, {rows.error()}, host);
  for (const PlugRow& row : *rows) {
    std::string line = Cat(row.plug, v.Text("separator"), row.alias);
    if (request.action == Action::kListStatus) line += v.Text("separator") + row.state;
    if (request.action != Action::kMonitor) host.Out(line + "\n");
  }
  return kDone;
}

PlanSettings Settings(const Spec& spec, const Request& request) {
  const Values& v = request.values;
  PlanSettings s;
  s.action = request.action;
  if (spec.has_plugs) {
    s.plugs.clear();
    const std::string separator = v.Text("plug_separator");
    for (const std::string& plug : Split(v.Text("plug"), separator.empty() ? ',' : separator[0])) {
      s.plugs.emplace_back(Trim(plug));
    }
  }
  s.delay = v.Time("delay");
  s.io = v.Time("login_timeout") + v.Time("shell_timeout");
  s.power_wait = v.Time("power_wait");
  s.power_timeout = v.Time("power_timeout");
  s.status_sleep = v.Time("stonith_status_sleep");
  s.retry_on = static_cast<int>(v.Number("retry_on"));
  if (v.Has("not_after_ms")) s.not_after = MonoTime(Millis(v.Number("not_after_ms")));
  return s;
}

class Walker {
 public:
  Walker(const Spec& spec, const Request& request, Device& device, Host& host)
      : settings_(Settings(spec, request)),
        plan_(settings_),
        device_(device),
        host_(host),
        permit_(host, settings_.not_after),
        spec_(spec),
        verbose_(request.values.Flag("verbose")),
        quiet_(request.values.Flag("quiet")) {}

  int Walk() {
    PlanEvent event = PlanStart{};
    for (;;) {
      const PlanEffect effect = plan_.Step(host_.Now(), event);
      if (const auto* read = std::get_if<ReadPower>(&effect)) {
        event = PowerRead{device_.Status(read->plug, read->deadline)};
        const PowerResult& result = std::get<PowerRead>(event).result;
        Say("state: ", result.ok() ? std::string(Name(*result)) : result.error().error.Text());
      } else if (const auto* change = std::get_if<SwitchPower>(&effect)) {
        event = SwitchDone{device_.Switch(change->plug, change->wanted, change->deadline, permit_)};
        const SwitchResult& result = std::get<SwitchDone>(event).result;
        Say(Cat("power ", Name(change->wanted), ": "),
            result.ok() ? "sent" : result.error().error.Text());
      } else if (const auto* wait = std::get_if<Wait>(&effect)) {
        host_.SleepUntil(wait->until);
        event = WaitOver{};
      } else {
        return End(std::get<Outcome>(effect));
      }
    }
  }

 private:
  void Say(std::string_view what, const std::string& how) {
    if (verbose_) host_.Err(Cat(spec_.name, ": ", what, OneLine(how), "\n"));
  }
  int End(const Outcome& outcome) {
    for (const std::string& warning : outcome.warnings) {
      if (!quiet_) host_.Err(Cat(spec_.name, ": warning: ", OneLine(warning), "\n"));
    }
    if (!outcome.success.empty()) host_.Out(outcome.success + "\n");
    if (outcome.failure) Report(spec_, {*outcome.failure}, host_);
    return outcome.exit_code;
  }

  PlanSettings settings_;
  Plan plan_;
  Device& device_;
  Host& host_;
  Permit permit_;
  const Spec& spec_;
  bool verbose_, quiet_;
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

}  // namespace

int RunAgent(const Spec& spec, const std::vector<std::string>& words, const DeviceFactory& make,
             Host& host) {
  const auto given = ReadOptions(spec, words, host);
  if (!given) return Report(spec, given.error(), host);
  const auto request = CheckOptions(spec, *given);
  if (!request) return Report(spec, request.error(), host);
  if (AboutItself(spec, request->action, host)) return kDone;
  if (!request->values.Flag("quiet")) {
    for (const std::string& warning : request->warnings) {
      host.Err(Cat(spec.name, ": warning: ", warning, "\n"));
    }
  }
  if (request->action == Action::kValidateAll) {
    // A password is looked up neither by script nor by file: that belongs to a session.
    const auto device = make(request->values, Login{request->values.Text("username"), ""});
    return device.ok() ? kDone : Report(spec, {device.error()}, host);
  }
  const auto login = FindLogin(spec, request->values, host);
  if (!login) return Report(spec, {login.error()}, host);
  const auto device = make(request->values, *login);
  if (!device) return Report(spec, {device.error()}, host);
  const bool lists = request->action == Action::kList || request->action == Action::kListStatus ||
                     (request->action == Action::kMonitor && spec.has_plugs);
  if (lists) return ListPlugs(spec, *request, **device, host);
  return Walker(spec, *request, **device, host).Walk();
}

}  // namespace fencepost::agent
