#include "stonith/arguments.h"

#include "base/text.h"

namespace fencepost::stonith {
namespace {

Error Wrong(std::string what, std::string cause, std::string remedy = "see stonith -h") {
  return {std::move(what), std::move(cause), std::move(remedy)};
}

class Parser {
 public:
  Parser(const std::vector<std::string>& words, std::vector<SecretPlace>* secrets)
      : words_(words), secrets_(secrets) {}

  Result<Arguments> Parse() {
    if (words_.size() > kMaxArguments) {
      return Wrong("the command line", Cat("has more than ", kMaxArguments, " words"));
    }
    for (at_ = 0; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      if (word.starts_with("--") && word.size() > 2) {
        Long(word);
      } else if (word.size() > 1 && word[0] == '-') {
        Letters(word);
      } else {
        Plain(word);
      }
    }
    if (!secrets_->empty()) {
      out_.warnings.push_back(
          "a password on the command line can be seen by every user of this machine; use "
          "password_file=FILE or password_script=PROGRAM");
    }
    if (!error_) CheckWhole();
    if (error_) return *error_;
    return std::move(out_);
  }

 private:
  void Fail(Error error) {
    if (!error_) error_ = std::move(error);
  }

  void Long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (name == "--compat" && equals == std::string::npos) {
      out_.compat = true;
    } else if (name == "--help") {
      out_.help = true;
    } else if (name == "--version") {
      out_.version = true;
    } else if (name == "--agent-dir" && !value.empty()) {
      out_.agent_dir = value;
    } else if (name == "--time-limit") {
      const auto seconds = ParseInt(value, 1, kMaxTimeLimitS);
      if (!seconds) {
        return Fail(Wrong(name, Cat("needs a whole number of seconds from 1 to ", kMaxTimeLimitS)));
      }
      out_.time_limit = std::chrono::seconds(*seconds);
      limit_given_ = true;
    } else {
      Fail(Wrong(name, "is not known, or lacks its value"));
    }
  }

  void Letters(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      switch (word[i]) {
        case 'L':
          out_.list_types = true;
          break;
        case 'n':
          out_.names = true;
          break;
        case 'm':
          out_.metadata = true;
          break;
        case 'h':
          out_.help = true;
          break;
        case 'S':
          out_.status = true;
          break;
        case 'l':
          out_.hosts = true;
          break;
        case 's':
          out_.silent = true;
          break;
        case 'd':
          out_.debug = true;
          break;
        case 'V':
          out_.version = true;
          break;
        case 'v':
          break;
        case 'E':
          out_.from_environment = true;
          ++sources_;
          break;
        case 'p':  // what follows holds passwords
          if (i + 1 < word.size()) {
            secrets_->push_back({at_, i + 1});
          } else if (at_ + 1 < words_.size()) {
            secrets_->push_back({at_ + 1, 0});
          }
          [[fallthrough]];
        case 't':
        case 'T':
        case 'F':
        case 'c':
          return WithValue(word[i], i + 1 < word.size() ? word.substr(i + 1) : Next());
        default:
          return Fail(Wrong(Cat("-", std::string(1, word[i])), "is not known"));
      }
    }
  }

  std::string Next() { return ++at_ < words_.size() ? words_[at_] : std::string(); }

  void WithValue(char letter, const std::string& value) {
    if (value.empty()) return Fail(Wrong(Cat("-", std::string(1, letter)), "needs a value"));
    if (letter == 't') {
      out_.type = value;
    } else if (letter == 'p') {
      out_.values = value;
      ++sources_;
    } else if (letter == 'F') {
      out_.values_file = value;
      ++sources_;
    } else if (letter == 'c') {
      const auto count = ParseInt(value, 1, kMaxCount);
      if (!count) return Fail(Wrong("-c", Cat("bad count [", value, "]"), "say 1 or more"));
      out_.count = *count;
    } else if (value == "reset") {
      out_.change = Switch::kReset;
    } else if (value == "off") {
      out_.change = Switch::kOff;
    } else if (value == "on") {
      out_.change = Switch::kOn;
    } else {
      Fail(Wrong("-T", Cat("bad reset type [", value, "]"), "say reset, off or on"));
    }
  }

  void Plain(const std::string& word) {
    const auto equals = word.find('=');
    if (equals != std::string::npos && equals > 0) {
      const std::string name = word.substr(0, equals);
      if (IsSecretName(name)) secrets_->push_back({at_, equals + 1});
      out_.parameters[name] = word.substr(equals + 1);
    } else if (!out_.node.empty()) {  // "-p a b" without quotes would shoot b
      Fail(Wrong(Cat("argument ", at_ + 1), "would be a second node", "name one node at a time"));
    } else {
      out_.node = word;
    }
  }

  void CheckWhole() {
    if (out_.help || out_.version || out_.list_types) return;
    if (out_.type.empty()) return Fail(Wrong("-t", "is missing", "say which device type; see -L"));
    const auto slash = out_.type.find('/');
    const std::string_view kind = std::string_view(out_.type).substr(0, slash + 1);
    if (slash != std::string::npos &&
        ((kind != "external/" && kind != "rhcs/") || slash + 1 == out_.type.size() ||
         out_.type.find('/', slash + 1) != std::string::npos || out_.type[slash + 1] == '.')) {
      return Fail(Wrong(Cat("device type ", out_.type), "is not supported",
                        "fence_*, external/*, rhcs/* and meatware are; see -L"));
    }
    if (sources_ > 1 || (sources_ == 1 && !out_.parameters.empty())) {
      return Fail(Wrong("the parameters", "come from more than one place",
                        "use only one of name=value, -p, -F and -E"));
    }
    if (out_.type == "meatware" && !limit_given_) out_.time_limit = kMeatwareLimit;
    const bool asks = out_.names || out_.metadata || out_.status || out_.hosts;
    if (out_.change && out_.node.empty()) {
      return Fail(Wrong("-T", "needs a node", "name the node to be switched"));
    }
    if (!out_.change && !out_.node.empty() && !out_.compat) {
      return Fail(Wrong(Cat("node ", out_.node), "is named, but not what to do with it",
                        "say -T reset, -T off or -T on; --compat makes it mean reset"));
    }
    if (!out_.change && !out_.node.empty()) out_.change = Switch::kReset;
    if (out_.change && out_.count > 1 && !out_.compat) {
      return Fail(Wrong("-c", "would switch the node again and again",
                        "use it with -S and -l; --compat allows it"));
    }
    if (!asks && !out_.change) Fail(Wrong("the command line", "does not say what to do"));
  }

  const std::vector<std::string>& words_;
  std::vector<SecretPlace>* secrets_;
  std::size_t at_ = 0;
  int sources_ = 0;  // of -p, -F and -E
  bool limit_given_ = false;
  Arguments out_;
  std::optional<Error> error_;
};

}  // namespace

bool IsSecretName(std::string_view name) {
  if (name.ends_with("_script") || name.ends_with("_file")) return false;
  return name.find("passw") != std::string_view::npos || name == "community" ||
         name == "hexadecimal_kg";
}

Result<Arguments> ParseArguments(const std::vector<std::string>& words,
                                 std::vector<SecretPlace>* secrets) {
  return Parser(words, secrets).Parse();
}

std::string_view Usage() {
  return "usage: stonith -L\n"
         "       stonith -t TYPE -n | -m | -h\n"
         "       stonith -t TYPE [PARAMETERS] [-c COUNT] -S | -l\n"
         "       stonith -t TYPE [PARAMETERS] -T reset|off|on NODE\n"
         "  PARAMETERS: name=value... | -p \"VALUE VALUE...\" | -F FILE | -E\n"
         "  -L  list the device types       -n  names of a type's parameters\n"
         "  -m  metadata of a type          -h  help, of a type with -t\n"
         "  -S  can the device be used?     -l  list the nodes it serves\n"
         "  -T  switch NODE; off is proved  -s  no line for -S\n"
         "  -d  show what the agent says    -V  version          -v  no effect\n"
         "  --time-limit=SECONDS  for each of -S, -l, -T (60; meatware 600)\n"
         "  --agent-dir=DIR       look for agents here first\n"
         "  -p  values in the order of -n   -F  the same from a file\n"
         "  -E  from variables of the environment, named like the parameters\n"
         "  -c  do it COUNT times\n"
         "  --compat              a node without -T means -T reset; -c repeats it\n";
}

}  // namespace fencepost::stonith
