// external/*: scripts of cluster-glue. They cannot be asked for the power of a node, so what they
// say is all there is, and it is told as that.
#include <algorithm>

#include "base/text.h"
#include "fence-agents/agent/failure.h"
#include "stonith/device_type.h"
#include "stonith/metadata.h"

namespace fencepost::stonith {
namespace {

constexpr Duration kInfoLimit = std::chrono::seconds(10);
constexpr std::size_t kMaxNames = 128;
constexpr std::string_view kBlanks = " \t\n\r\f";

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

// It becomes the name of a variable.
bool IsVariableName(std::string_view name) {
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string_view::npos;
}

std::string LastLine(std::string_view text) {
  text = Trim(text);
  const auto at = text.rfind('\n');
  return agent::OneLine(at == std::string_view::npos ? text : text.substr(at + 1));
}

class PluginType : public DeviceType {
 public:
  explicit PluginType(const Console& console)
      : console_(console), a_(console.arguments), name_(a_.type.substr(a_.type.find('/') + 1)) {}

  int Learn() override {
    const ProcessEnd end = Call({"getconfignames"}, kInfoLimit);
    if (!end.started || end.killed || end.exit_code != 0) {
      return console_.Fail(Cat("device type ", a_.type, ": ", Why(end)), kOops);
    }
    names_ = Words(end.output);
    const bool good =
        names_.size() <= kMaxNames && std::all_of(names_.begin(), names_.end(), IsVariableName);
    if (!good) {
      return console_.Fail(Cat("device type ", a_.type, ": its getconfignames prints no names"),
                           kOops);
    }
    LearnOptional();
    return kOk;
  }
  std::vector<std::string> Names() const override { return names_; }
  std::vector<std::string> OptionalNames() const override { return optional_; }
  bool Knows(const std::string& name) const override {
    return std::find(names_.begin(), names_.end(), name) != names_.end() ||
           std::find(optional_.begin(), optional_.end(), name) != optional_.end();
  }
  bool NeedsParameters() const override { return !names_.empty(); }
  void Configure(Parameters parameters) override { parameters_ = std::move(parameters); }

  std::string Metadata() override {
    AgentDescription agent;
    agent.name = a_.type;
    agent.longdesc = Info("getinfo-devdescr");
    agent.shortdesc = Info("getinfo-devid");
    agent.parameters_xml = Call({"getinfo-xml"}, kInfoLimit).output;
    return GlueMetadata(agent);
  }

  std::string Help() override {
    std::string out =
        Cat("STONITH Device: ", Info("getinfo-devid"), " - ", Info("getinfo-devdescr"), "\n");
    const std::string url = Info("getinfo-devurl");
    if (!url.empty()) out += Cat("For more information see ", url, "\n");
    out += Cat("List of valid parameter names for ", a_.type, " STONITH device:\n");
    for (const std::string& name : names_) out += Cat("\t", name, "\n");
    return out;
  }

  // The script's own code, as cluster-glue passes it.
  int TestDevice() override {
    const ProcessEnd end = Call({"status"}, a_.time_limit);
    const bool ok = end.started && !end.killed && end.exit_code == 0;
    if (ok && !a_.silent) console_.Info(Cat(a_.type, " device OK."));
    if (!ok && !a_.silent) {
      console_.Fail(Cat(a_.type, " device not accessible. ", Why(end)), kAccess);
    }
    if (ok) return kOk;
    if (end.killed) return kTimeOut;
    return end.exit_code > 0 ? end.exit_code : kAccess;
  }

  int ListHosts(std::vector<std::string>* hosts) override {
    const ProcessEnd end = Call({"gethosts"}, a_.time_limit);
    if (end.started && !end.killed && end.exit_code == 0) *hosts = Words(end.output);
    if (!hosts->empty()) return kOk;
    const std::string why = end.exit_code == 0 ? "it names none" : Why(end);
    return console_.Fail(Cat("Could not list hosts for ", a_.type, ". ", why), kListFailed);
  }

  int Switch(stonith::Switch change, const std::string& node) override {
    const char* word = change == stonith::Switch::kReset ? "reset"
                       : change == stonith::Switch::kOff ? "off"
                                                         : "on";
    const ProcessEnd end = Call({word, node}, a_.time_limit);
    if (end.started && !end.killed && end.exit_code == 0) {
      console_.Warn(Cat(node, ": ", word, " done, says ", a_.type,
                        "; nobody can ask it for the power: this is not proved"));
      return kOk;
    }
    const int code = end.killed ? kTimeOut : kResetFailed;
    return console_.Fail(Cat(word, " of ", node, " by ", a_.type, ": ", Why(end)), code);
  }

 private:
  // getconfignames prints what a plugin wants; what it may be given besides stands in its
  // description only. A description that cannot be read names nothing.
  void LearnOptional() {
    const std::string xml = Call({"getinfo-xml"}, kInfoLimit).output;
    const auto described =
        ParseMetadata(a_.type, Cat("<resource-agent>", xml, "</resource-agent>"));
    if (!described) return;
    for (const AgentParameter& parameter : described->parameters) {
      if (IsVariableName(parameter.name) && !Knows(parameter.name)) {
        optional_.push_back(parameter.name);
      }
    }
  }
  ProcessEnd Call(std::vector<std::string> words, Duration limit) {
    const ProcessEnd end =
        console_.host.RunPlugin({name_, words, parameters_}, console_.host.Now() + limit);
    if (a_.debug) {
      console_.host.Err(Cat("debug: ", a_.type, " ", words[0], ": exit ", end.exit_code,
                            end.killed ? ", killed" : "", "\n", end.output, end.errors));
    }
    return end;
  }
  std::string Info(const char* what) {
    const ProcessEnd end = Call({what}, kInfoLimit);
    return std::string(Trim(end.exit_code == 0 ? std::string_view(end.output) : ""));
  }
  static std::string Why(const ProcessEnd& end) {
    if (!end.started) return LastLine(end.errors);
    if (end.killed) return "it was ended at its limit; see --time-limit";
    const std::string said = LastLine(Trim(end.errors).empty() ? end.output : end.errors);
    return Cat("it ended with ", end.exit_code, said.empty() ? "" : ": ", said);
  }

  Console console_;
  const Arguments& a_;
  std::string name_;
  std::vector<std::string> names_, optional_;
  Parameters parameters_;
};

}  // namespace

std::unique_ptr<DeviceType> MakePluginType(const Console& console) {
  return std::make_unique<PluginType>(console);
}

}  // namespace fencepost::stonith
