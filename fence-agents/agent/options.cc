#include "fence-agents/agent/options.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace fencepost::agent {
namespace {

using Faults = std::vector<Failure>;

constexpr std::array<std::pair<std::string_view, Action>, 11> kActions{{
    {"on", Action::kOn},
    {"off", Action::kOff},
    {"reboot", Action::kReboot},
    {"status", Action::kStatus},
    {"monitor", Action::kMonitor},
    {"list", Action::kList},
    {"list-status", Action::kListStatus},
    {"metadata", Action::kMetadata},
    {"meta-data", Action::kMetadata},
    {"manpage", Action::kManpage},
    {"validate-all", Action::kValidateAll},
}};

Failure Fault(std::string what, std::string cause, std::string remedy = {}) {
  return {
      Phase::kOptions, Cause::kBadOption, {std::move(what), std::move(cause), std::move(remedy)}};
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return Cat("'", OneLine(text.substr(0, kShown)), text.size() > kShown ? "..." : "", "'");
}

const Parameter* FindShort(const Spec& spec, char letter) {
  for (const Parameter& p : spec.parameters) {
    if (p.short_option == letter) return &p;
  }
  return nullptr;
}

const Parameter* FindLong(const Spec& spec, std::string_view name) {
  for (const Parameter& p : spec.parameters) {
    if (p.LongName() == name) return &p;
  }
  return spec.Find(name);
}

class ArgvReader {
 public:
  ArgvReader(const Spec& spec, const std::vector<std::string>& words,
             std::vector<ArgvSpan>* secrets)
      : spec_(spec), words_(words), secrets_(secrets) {}

  Result<Given, Faults> Read() {
    for (at_ = 0; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (word.size() > 2 && word.starts_with("--")) {
        Long(word);
      } else if (word.size() > 1 && word[0] == '-' && word != "--") {
        Letters(word);
      } else {
        faults_.push_back(Fault(Cat("argument ", at_ + 1), "is not an option",
                                "options start with '-'; see --help"));
      }
    }
    if (!secrets_->empty()) {
      given_.warnings.push_back(
          "a password on the command line can be seen by every user of this machine; "
          "use password_file or stdin");
    }
    if (!faults_.empty()) return std::move(faults_);
    return std::move(given_);
  }

 private:
  void Long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Parameter* p = FindLong(spec_, name);
    if (p == nullptr) {
      faults_.push_back(Fault(Cat("option --", OneLine(name)), "is not known", "see --help"));
    } else if (equals != std::string::npos) {
      Take(*p, equals + 1);
    } else if (p->type == Type::kBoolean) {
      given_.pairs.push_back({p->name, "1"});
    } else {
      TakeNext(*p);
    }
  }

  void Letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Parameter* p = FindShort(spec_, word[i]);
      if (p == nullptr) {
        faults_.push_back(
            Fault(Cat("option -", OneLine(word.substr(i, 1))), "is not known", "see --help"));
        return;
      }
      if (p->type == Type::kBoolean) {
        given_.pairs.push_back({p->name, "1"});
      } else if (i + 1 < word.size()) {
        return Take(*p, i + 1);
      } else {
        return TakeNext(*p);
      }
    }
  }

  void TakeNext(const Parameter& p) {
    if (at_ + 1 == words_.size()) {
      faults_.push_back(Fault(Cat("option --", p.LongName()), "needs a value"));
      return;
    }
    ++at_;
    Take(p, 0);
  }

  void Take(const Parameter& p, std::size_t offset) {
    if (p.secret) secrets_->push_back({at_, offset});
    given_.pairs.push_back({p.name, words_[at_].substr(offset)});
  }

  const Spec& spec_;
  const std::vector<std::string>& words_;
  std::vector<ArgvSpan>* secrets_;
  std::size_t at_ = 0;
  Given given_;
  Faults faults_;
};

void CheckValue(const Parameter& p, std::string* value, Faults* faults) {
  const std::string what = Cat("option ", p.name);
  const std::string shown = p.secret ? "its value" : Quoted(*value);
  if (value->size() > kMaxValue) {
    faults->push_back(Fault(what, Cat("is longer than ", kMaxValue, " bytes")));
    return;
  }
  if (value->find('\0') != std::string::npos || value->find('\n') != std::string::npos) {
    faults->push_back(Fault(what, "has a line break or zero byte in its value"));
    return;
  }
  if (!p.refused.empty() && !value->empty()) {
    faults->push_back(Fault(what, p.refused));
    return;
  }
  if (value->empty() || p.ignored) return;
  Duration time{};
  bool flag = false;
  if (p.type == Type::kInteger && !ParseInt(*value, p.low, p.high)) {
    faults->push_back(
        Fault(what, Cat(shown, " is not a whole number from ", p.low, " to ", p.high)));
  } else if (p.type == Type::kSecond && !ParseSeconds(*value, p.low, p.high, &time)) {
    faults->push_back(Fault(what,
                            Cat(shown, " is not a number of seconds from ", p.low, " to ", p.high),
                            "up to three decimals are understood"));
  } else if (p.type == Type::kBoolean && !ParseFlag(*value, &flag)) {
    faults->push_back(Fault(what, Cat(shown, " is neither yes nor no"), "say 1 or 0"));
  } else if (p.type == Type::kSelect) {
    const auto same = [&](const std::string& c) { return LowerCase(c) == LowerCase(*value); };
    const auto choice = std::find_if(p.choices.begin(), p.choices.end(), same);
    if (choice != p.choices.end()) {
      *value = *choice;
      return;
    }
    std::string all;
    for (const std::string& each : p.choices) all += (all.empty() ? "" : ", ") + each;
    faults->push_back(Fault(what, Cat(shown, " is none of: ", all)));
  }
}

void FindAction(const Spec& spec, const Values& values, Request* out, Faults* faults) {
  if (values.Flag("help")) {
    out->action = Action::kHelp;
    return;
  }
  if (values.Flag("version")) {
    out->action = Action::kVersion;
    return;
  }
  const std::string said = LowerCase(values.Text("action"));
  if (said.empty()) {
    if (values.Flag("compat")) {
      out->action = spec.fabric ? Action::kOff : Action::kReboot;
      return;
    }
    faults->push_back(
        Fault("option action", "is missing, and there is no default action",
              Cat("say action=status, off, on", spec.fabric ? "" : ", reboot",
                  "; compat=1 makes a missing action mean ", spec.fabric ? "off" : "reboot")));
    return;
  }
  for (const auto& [name, action] : kActions) {
    if (name != said) continue;
    out->action = action;
    if (spec.fabric && action == Action::kReboot) {
      faults->push_back(Fault("option action",
                              "'reboot' is refused: this device cuts a connection, and the machine "
                              "behind it stays up",
                              "say action=off; action=on lets it in again"));
    }
    return;
  }
  if (spec.fabric && (said == "disable" || said == "enable")) {
    out->action = said == "enable" ? Action::kOn : Action::kOff;
    return;
  }
  faults->push_back(Fault("option action", Cat(Quoted(said), " is not known"),
                          "on, off, reboot, status, monitor, list, list-status, metadata, "
                          "manpage or validate-all"));
}

bool NeedsDevice(Action action) {
  return action != Action::kMetadata && action != Action::kManpage && action != Action::kHelp &&
         action != Action::kVersion;
}

}  // namespace

std::vector<std::string> PlugsOf(const Values& values) {
  const std::string separator = values.Text("plug_separator");
  std::vector<std::string> out;
  for (const std::string& plug :
       Split(values.Text("plug"), separator.empty() ? ',' : separator[0])) {
    out.emplace_back(Trim(plug));
    if (out.back().empty()) return {};
  }
  return out;
}

bool Switches(Action action) {
  return action == Action::kOn || action == Action::kOff || action == Action::kReboot;
}

std::string_view Name(Action action) {
  if (action == Action::kHelp) return "help";
  if (action == Action::kVersion) return "version";
  for (const auto& [name, value] : kActions) {
    if (value == action) return name;
  }
  return "unknown";
}

Result<Given, Faults> ParseArgv(const Spec& spec, const std::vector<std::string>& words,
                                std::vector<ArgvSpan>* secrets) {
  if (words.size() > kMaxPairs) {
    return Faults{Fault("the command line", Cat("has more than ", kMaxPairs, " words"))};
  }
  return ArgvReader(spec, words, secrets).Read();
}

Result<Given, Faults> ParseStdin(const Spec& spec, std::string_view text) {
  if (text.size() > kMaxInput) {
    return Faults{Fault("stdin", Cat("is longer than ", kMaxInput, " bytes"))};
  }
  Given given;
  Faults faults;
  std::size_t number = 0;
  for (const std::string& raw : Split(text, '\n')) {
    ++number;
    const std::string_view line = Trim(raw);
    if (line.empty() || line[0] == '#') continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      // The line itself is not shown: it may be a password whose name was forgotten.
      faults.push_back(Fault(Cat("stdin line ", number), "is not of the form name=value"));
      continue;
    }
    if (given.pairs.size() >= kMaxPairs) {
      faults.push_back(Fault("stdin", Cat("has more than ", kMaxPairs, " options")));
      break;
    }
    const std::string_view name = Trim(line.substr(0, equals));
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    const Parameter* p = spec.Find(name);
    if (p != nullptr) {
      given.pairs.push_back({p->name, std::string(value)});
    } else if (name != "nodename" && name != "agent" && !name.starts_with("pcmk_")) {
      given.warnings.push_back(
          Cat("stdin line ", number, ": option ", Quoted(name), " is not known and has no effect"));
    }
  }
  if (!faults.empty()) return faults;
  return given;
}

Result<Request, Faults> CheckOptions(const Spec& spec, const Given& given) {
  Request out;
  Faults faults;
  out.warnings = given.warnings;
  for (const Parameter& p : spec.parameters) out.values.Set(p.name, p.default_value);
  for (const Pair& pair : given.pairs) {
    const Parameter* p = spec.Find(pair.name);
    std::string value = pair.value;
    CheckValue(*p, &value, &faults);
    if (!value.empty() || p->default_value.empty()) out.values.Set(p->name, std::move(value));
  }
  FindAction(spec, out.values, &out, &faults);
  if (faults.empty() && NeedsDevice(out.action)) {
    // Hosts ask for the device as a whole, and for its options, without a plug.
    const bool of_a_plug = Switches(out.action) || out.action == Action::kStatus;
    for (const Parameter& p : spec.parameters) {
      const bool wanted = p.required && p.name != "action" && (of_a_plug || p.name != "plug");
      if (wanted && !out.values.Has(p.name)) {
        faults.push_back(Fault(Cat("option ", p.name), "is missing", p.help));
      }
    }
    const bool wants_password = spec.needs_login && !spec.password_optional;
    if (wants_password && !out.values.HasSecret("password")) {
      faults.push_back(Fault("option password", "is missing",
                             "give password on stdin, password_file, password_script or "
                             "password_credential"));
    }
    if (spec.has_plugs && of_a_plug && !out.values.Has("plug")) {
      faults.push_back(Fault("option plug", "is missing", "say which plug; see action=list"));
    }
    if (spec.has_plugs && out.values.Has("plug") && PlugsOf(out.values).empty()) {
      faults.push_back(Fault("option plug", "names a plug without a name",
                             "there must be something on both sides of plug_separator"));
    }
  }
  if (!faults.empty()) return faults;
  return out;
}

}  // namespace fencepost::agent
