#include "stonith/command.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "stonith/device_type.h"

namespace fencepost::stonith {

int Console::Fail(const std::string& text, int code) const {
  host.Err(Cat("ERROR: ", text, "\n"));
  return code;
}
void Console::Info(const std::string& text) const { host.Err(Cat("info: ", text, "\n")); }
void Console::Warn(const std::string& text) const { host.Err(Cat("WARN: ", text, "\n")); }

std::vector<std::string> HostList(const Parameters& parameters) {
  std::vector<std::string> out;
  const auto it = parameters.find("hostlist");
  if (it == parameters.end()) return out;
  std::string text = it->second;
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '\t' || c == '\n'; }, ' ');
  for (std::string& host : Split(text, ' ')) {
    if (!host.empty()) out.push_back(std::move(host));
  }
  return out;
}

namespace {

constexpr std::string_view kVersion = FENCEPOST_VERSION;
constexpr std::string_view kSeparators = " \t\n\r\f";

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Values in the order of the names; the last one swallows the rest.
Result<Parameters> ByPosition(const std::vector<std::string>& names, std::string_view values) {
  Parameters out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::size_t begin = values.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) {
      return Error{"the values", Cat("there is none for ", names[i]), "see -n for their order"};
    }
    values.remove_prefix(begin);
    const bool last = i + 1 == names.size();
    const std::size_t end =
        last ? values.size() : std::min(values.find_first_of(kSeparators), values.size());
    out[names[i]] = std::string(Trim(values.substr(0, end)));
    values.remove_prefix(end);
  }
  return out;
}

class CommandRun {
 public:
  CommandRun(const Arguments& arguments, CommandHost& host)
      : a_(arguments), host_(host), console_{host, arguments} {}

  int Go() {
    if (a_.version) return console_.Print(Cat("stonith: Fencepost ", kVersion, "\n"));
    if (a_.list_types) return ListTypes();
    if (a_.help && a_.type.empty()) return console_.Print(std::string(Usage()));
    type_ = a_.type.starts_with("external/") ? MakePluginType(console_)
            : a_.type == "meatware"          ? MakeMeatware(console_)
                                             : MakeAgentType(console_);
    if (const int code = type_->Learn(); code != kOk) return code;
    if (a_.help) return console_.Print(type_->Help());
    if (a_.metadata) return console_.Print(type_->Metadata());
    if (a_.names) return console_.Print(NamesOnALine());
    if (const int code = Configure(); code != kOk) return code;
    int code = kOk;
    for (std::int64_t i = 0; i < a_.count; ++i) {
      if (a_.status) code = type_->TestDevice();
      if (a_.hosts) code = PrintHosts();
      if (a_.change) code = SwitchNode();
    }
    return code;
  }

 private:
  int ListTypes() {
    std::set<std::string> types{"meatware"};
    for (const std::string& name : host_.Agents()) types.insert(name);
    for (const std::string& name : host_.Plugins()) types.insert(name);
    for (const std::string& name : types) host_.Out(name + "\n");
    return kOk;
  }

  std::string NamesOnALine() const {
    std::string out;
    for (const std::string& name : type_->Names()) out += name + "  ";
    return out + "\n";
  }

  int Configure() {
    Parameters parameters = a_.parameters;
    if (a_.from_environment) {
      for (const auto& names : {type_->Names(), type_->OptionalNames()}) {
        for (const std::string& name : names) {
          if (const auto value = host_.Variable(name)) parameters[name] = *value;
        }
      }
      if (const auto hosts = host_.Variable("hostlist")) {
        if (type_->Knows("hostlist")) parameters["hostlist"] = *hosts;
      }
    } else if (a_.values || !a_.values_file.empty()) {
      std::string values = a_.values.value_or("");
      if (!a_.values_file.empty()) {
        auto read = host_.ReadValues(a_.values_file);
        if (!read) return console_.Fail(read.error().Text(), kUsage);
        values = std::move(*read);
      }
      auto by_position = ByPosition(type_->Names(), values);
      if (!by_position) return console_.Fail(by_position.error().Text(), kInvalid);
      parameters = std::move(*by_position);
    }
    for (const auto& [name, value] : parameters) {
      if (type_->Knows(name)) continue;
      return console_.Fail(
          Cat("parameter ", name, ": is not known to ", a_.type, "; valid names: ", NamesOnALine()),
          kInvalid);
    }
    if (parameters.empty() && type_->NeedsParameters()) {
      console_.Fail(Cat(a_.type, ": needs parameters: ", NamesOnALine()), kUsage);
      host_.Err(std::string(Usage()));
      return kUsage;
    }
    type_->Configure(parameters);
    parameters_ = std::move(parameters);
    return kOk;
  }

  int PrintHosts() {
    std::vector<std::string> hosts;
    const int code = type_->ListHosts(&hosts);
    for (const std::string& host : hosts) host_.Out(host + "\n");
    return code;
  }

  // A device that knows its nodes is not asked to switch another one.
  int SwitchNode() {
    std::vector<std::string> hosts;
    if (!a_.type.starts_with("external/")) {
      hosts = HostList(parameters_);
    } else if (!a_.compat && type_->ListHosts(&hosts) != kOk) {
      return kBadHost;
    }
    std::string node = a_.node;
    if (!hosts.empty()) {
      const auto spelt = std::find_if(hosts.begin(), hosts.end(), [&](const std::string& host) {
        return Lower(host) == Lower(node);
      });
      if (spelt == hosts.end()) {
        return console_.Fail(Cat("node ", node, ": is not among the hosts of this device"),
                             kBadHost);
      }
      node = *spelt;
    }
    return type_->Switch(*a_.change, node);
  }

  const Arguments& a_;
  CommandHost& host_;
  Console console_;
  std::unique_ptr<DeviceType> type_;
  Parameters parameters_;
};

}  // namespace

int RunCommand(const Arguments& arguments, CommandHost& host) {
  for (const std::string& warning : arguments.warnings) host.Err(Cat("WARN: ", warning, "\n"));
  return CommandRun(arguments, host).Go();
}

}  // namespace fencepost::stonith
