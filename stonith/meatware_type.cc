// meatware: a person switches the machine off and says so with meatclient.
#include "base/text.h"
#include "stonith/device_type.h"
#include "stonith/metadata.h"

namespace fencepost::stonith {
namespace {

class Meatware : public DeviceType {
 public:
  explicit Meatware(const Console& console) : console_(console), a_(console.arguments) {}

  int Learn() override { return kOk; }
  std::vector<std::string> Names() const override { return {"hostlist"}; }
  bool Knows(const std::string& name) const override { return name == "hostlist"; }
  bool NeedsParameters() const override { return true; }
  void Configure(Parameters parameters) override { parameters_ = std::move(parameters); }
  std::string Metadata() override {
    AgentDescription agent;
    agent.name = "meatware";
    agent.shortdesc = "Meatware STONITH device";
    agent.longdesc = "A person switches the machine off and confirms it with meatclient.";
    agent.parameters_xml =
        "  <parameters>\n    <parameter name=\"hostlist\" unique=\"0\" required=\"1\">\n"
        "      <content type=\"string\" />\n      <shortdesc lang=\"en\">Hostlist</shortdesc>\n"
        "      <longdesc lang=\"en\">The nodes that a person looks after</longdesc>\n"
        "    </parameter>\n  </parameters>\n";
    return GlueMetadata(agent);
  }
  std::string Help() override {
    return "STONITH Device: meatware - a person switches the machine off\n"
           "List of valid parameter names for meatware STONITH device:\n\thostlist\n";
  }
  int TestDevice() override {
    if (!a_.silent) console_.Info("meatware device OK.");
    return kOk;
  }
  int ListHosts(std::vector<std::string>* hosts) override {
    *hosts = HostList(parameters_);
    if (!hosts->empty()) return kOk;
    return console_.Fail("Could not list hosts for meatware. hostlist is empty", kListFailed);
  }

  int Switch(stonith::Switch change, const std::string& node) override {
    if (change == stonith::Switch::kOn) {
      return console_.Fail("meatware: only off and reset can be confirmed by a person", kInvalid);
    }
    console_.host.Err(Cat("CRIT: OPERATOR INTERVENTION REQUIRED to reset ", node, ".\n",
                          "CRIT: Run \"meatclient -c ", node,
                          "\" AFTER power-cycling the machine.\n"));
    const auto said = console_.host.AwaitOperator(node, console_.Limit());
    if (!said) return console_.Fail(said.error().Text(), kTimeOut);
    console_.Warn(Cat(node, ": ", *said, "; a person's word, not proved"));
    return kOk;
  }

 private:
  Console console_;
  const Arguments& a_;
  Parameters parameters_;
};

}  // namespace

std::unique_ptr<DeviceType> MakeMeatware(const Console& console) {
  return std::make_unique<Meatware>(console);
}

}  // namespace fencepost::stonith
