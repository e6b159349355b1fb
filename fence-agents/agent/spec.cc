#include "fence-agents/agent/spec.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace fencepost::agent {
namespace {

constexpr std::int64_t kMaxSeconds = 3600;
constexpr std::int64_t kMaxBoottimeMs = std::int64_t{1} << 52;

// Collects parameters; a spec's own default replaces the common one.
class Table {
 public:
  explicit Table(const Spec& own) : own_(own) {}
  void Add(Parameter parameter) {
    const auto changed = own_.defaults.find(parameter.name);
    if (changed != own_.defaults.end()) parameter.default_value = changed->second;
    all_.push_back(std::move(parameter));
  }
  void Seconds(std::string name, std::string value, std::string help) {
    Add({.name = std::move(name),
         .type = Type::kSecond,
         .help = std::move(help),
         .default_value = std::move(value),
         .high = kMaxSeconds});
  }
  void Flag(std::string name, char letter, std::string help) {
    Add({.name = std::move(name),
         .type = Type::kBoolean,
         .help = std::move(help),
         .short_option = letter,
         .default_value = "0"});
  }
  std::vector<Parameter> Take() { return std::move(all_); }

 private:
  const Spec& own_;
  std::vector<Parameter> all_;
};

void AddLogin(Table* t, bool username_required) {
  t->Add({.name = "username",
          .help = "Login name.",
          .short_option = 'l',
          .obsoletes = "login",
          .required = username_required});
  t->Add({.name = "password",
          .help = "Password. Better given on stdin or by password_file.",
          .short_option = 'p',
          .obsoletes = "passwd",
          .secret = true,
          .sourced = true,
          .script_option = 'S',
          .script_obsoletes = "passwd_script"});
}

void AddTiming(Table* t) {
  t->Seconds("delay", "0", "Seconds to wait before the first switching command.");
  t->Add({.name = "not_after_ms",
          .type = Type::kInteger,
          .help = "Instant of this machine's CLOCK_BOOTTIME, in milliseconds, after which no "
                  "switching command may be sent. The action fails when it is reached.",
          .high = kMaxBoottimeMs});
  t->Seconds("login_timeout", "5", "Seconds to wait for a session with the device.");
  t->Seconds("shell_timeout", "3", "Seconds to wait for the answer to one command.");
  t->Seconds("power_timeout", "20", "Seconds to wait for the new state after a switching command.");
  t->Seconds("power_wait", "0", "Seconds to wait after a switching command before looking.");
  t->Seconds("stonith_status_sleep", "1", "Seconds between two looks at the state.");
  t->Add({.name = "retry_on",
          .type = Type::kInteger,
          .help = "How often a power on that had no effect is repeated.",
          .default_value = "1",
          .high = 100});
}

void AddPlugs(Table* t) {
  t->Add({.name = "plug",
          .help = "Plug of the target; several with plug_separator between them.",
          .short_option = 'n',
          .obsoletes = "port"});
  t->Add({.name = "plug_separator", .help = "Stands between two plugs.", .default_value = ","});
  t->Add({.name = "separator",
          .help = "Stands between two columns of a list.",
          .short_option = 'C',
          .default_value = ","});
}

// The three other ways to give each secret.
std::vector<Parameter> Sources(const std::vector<Parameter>& all) {
  std::vector<Parameter> out;
  for (const Parameter& p : all) {
    if (!p.sourced) continue;
    out.push_back({.name = p.name + "_script",
                   .help = Cat("Program whose first line of output is ", p.name, "."),
                   .short_option = p.script_option,
                   .obsoletes = p.script_obsoletes});
    out.push_back({.name = p.name + "_file",
                   .help = Cat("File whose first line is ", p.name,
                               "; must not be open to group or others.")});
    out.push_back({.name = p.name + "_credential",
                   .help = Cat("Name of a systemd credential of the calling service whose first "
                               "line is ",
                               p.name, ".")});
  }
  return out;
}

std::vector<Parameter> CommonParameters(const Spec& own) {
  Table t(own);
  t.Add({.name = "action",
         .help = "What to do. Must be said: there is no default action.",
         .short_option = 'o',
         .alias = "option",
         .required = true});
  t.Flag("compat", 0,
         Cat("A missing action means ", own.fabric ? "off" : "reboot",
             ", as hosts of the old protocol expect."));
  t.Flag("json", 0, "Print the outcome, also of a failure, as one JSON object on stdout.");
  if (own.needs_login) AddLogin(&t, own.username_required);
  AddTiming(&t);
  if (own.has_plugs) AddPlugs(&t);
  t.Flag("quiet", 'q', "No warnings on stderr, errors only.");
  t.Flag("verbose", 'v', "Say each step on stderr.");
  t.Flag("version", 'V', "Print the version and end.");
  t.Flag("help", 'h', "Print the options and end.");
  t.Add(Ignored("verbose_level"));
  t.Add(Ignored("disable_timeout"));
  t.Add(Ignored("debug_file", 'D', "debug"));
  if (!own.has_plugs) t.Add(Ignored("plug_separator"));
  return t.Take();
}

}  // namespace

Parameter Ignored(std::string name, char letter, std::string older) {
  return {.name = std::move(name),
          .help = "No effect; accepted for old configurations.",
          .short_option = letter,
          .obsoletes = std::move(older),
          .ignored = true};
}

Parameter IgnoredFlag(std::string name, char letter, std::string older) {
  Parameter out = Ignored(std::move(name), letter, std::move(older));
  out.type = Type::kBoolean;
  return out;
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string Parameter::LongName() const {
  std::string out = long_name.empty() ? name : long_name;
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

const Parameter* Spec::Find(std::string_view stdin_name) const {
  std::string wanted(stdin_name);
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  for (const Parameter& p : parameters) {
    if (wanted == p.name || (!p.obsoletes.empty() && wanted == p.obsoletes) ||
        (!p.alias.empty() && wanted == p.alias)) {
      return &p;
    }
  }
  return nullptr;
}

Spec BuildSpec(Spec own) {
  std::vector<Parameter> all = CommonParameters(own);
  all.insert(all.end(), own.parameters.begin(), own.parameters.end());
  for (Parameter& p : Sources(all)) all.push_back(std::move(p));
  std::sort(all.begin(), all.end(),
            [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  std::set<std::string> names;
  std::set<char> letters;
  for (const Parameter& p : all) {
    FENCEPOST_CHECK(names.insert(p.name).second);
    FENCEPOST_CHECK(p.obsoletes.empty() || names.insert(p.obsoletes).second);
    FENCEPOST_CHECK(p.alias.empty() || names.insert(p.alias).second);
    FENCEPOST_CHECK(p.short_option == 0 || letters.insert(p.short_option).second);
    FENCEPOST_CHECK((p.type == Type::kSelect) == !p.choices.empty());
    FENCEPOST_CHECK(!p.sourced || p.secret);
  }
  own.parameters = std::move(all);
  return own;
}

bool Values::Has(std::string_view name) const {
  const auto it = text_.find(name);
  return it != text_.end() && !it->second.empty();
}

bool Values::HasSecret(const std::string& name) const {
  return Has(name) || Has(name + "_file") || Has(name + "_script") || Has(name + "_credential");
}

std::string Values::Text(std::string_view name) const {
  const auto it = text_.find(name);
  return it == text_.end() ? std::string() : it->second;
}

bool Values::Flag(std::string_view name) const {
  bool out = false;
  return ParseFlag(Text(name), &out) && out;
}

std::int64_t Values::Number(std::string_view name) const {
  const auto number = ParseInt(Text(name), INT64_MIN, INT64_MAX);
  FENCEPOST_CHECK(number.has_value());
  return *number;
}

Duration Values::Time(std::string_view name) const {
  Duration out{};
  FENCEPOST_CHECK(ParseSeconds(Text(name), 0, INT32_MAX, &out));
  return out;
}

bool ParseSeconds(std::string_view text, std::int64_t low, std::int64_t high, Duration* out) {
  const auto dot = text.find('.');
  const auto whole = ParseInt(text.substr(0, dot), 0, INT32_MAX);
  if (!whole) return false;
  std::int64_t ms = *whole * 1000;
  if (dot != std::string_view::npos) {
    std::string fraction(text.substr(dot + 1));
    if (fraction.empty() || fraction.size() > 3) return false;
    if (fraction.find_first_not_of("0123456789") != std::string::npos) return false;
    fraction.resize(3, '0');
    ms += *ParseInt(fraction, 0, 999);
  }
  if (ms < low * 1000 || ms > high * 1000) return false;
  *out = Millis(ms);
  return true;
}

bool ParseFlag(std::string_view text, bool* out) {
  const std::string t = LowerCase(text);
  *out = t == "1" || t == "yes" || t == "on" || t == "true";
  return *out || t == "0" || t == "no" || t == "off" || t == "false";
}

}  // namespace fencepost::agent
