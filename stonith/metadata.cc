#include "stonith/metadata.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>

#include "base/text.h"

namespace fencepost::stonith {
namespace {

struct StringWriter : pugi::xml_writer {
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
  std::string text;
};

std::string Escaped(const std::string& text) {
  pugi::xml_document document;
  document.append_child(pugi::node_pcdata).set_value(text.c_str());
  StringWriter out;
  document.print(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.text;
}

bool ForOperators(const AgentParameter& p) {
  constexpr std::array<std::string_view, 6> kOurs{"action",  "verbose", "debug",
                                                  "version", "help",    "separator"};
  return !p.deprecated && std::find(kOurs.begin(), kOurs.end(), p.name) == kOurs.end();
}

}  // namespace

bool AgentDescription::Has(std::string_view parameter) const {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const AgentParameter& p) { return p.name == parameter; });
}

Result<AgentDescription> ParseMetadata(const std::string& agent, std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const auto root = document.child("resource-agent");
  if (!parsed || !root || !root.child("parameters")) {
    return Error{Cat("agent ", agent), "does not describe itself by metadata",
                 "run it with -o metadata by hand"};
  }
  AgentDescription out;
  out.name = agent;
  out.shortdesc = root.attribute("shortdesc").value();
  out.longdesc = root.child_value("longdesc");
  for (const auto& node : root.child("parameters").children("parameter")) {
    if (out.parameters.size() >= kMaxAgentParameters) {
      return Error{Cat("agent ", agent), "has too many parameters", ""};
    }
    out.parameters.push_back({node.attribute("name").value(), node.child_value("shortdesc"),
                              std::string_view(node.attribute("deprecated").value()) == "1"});
  }
  StringWriter writer;
  root.child("parameters").print(writer, "  ");
  out.parameters_xml = std::move(writer.text);
  return out;
}

std::string GlueMetadata(const AgentDescription& agent) {
  return Cat(
      "<?xml version=\"1.0\"?>\n<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">\n"
      "<resource-agent name=\"",
      Escaped(agent.name), "\">\n  <version>1.0</version>\n  <longdesc lang=\"en\">",
      Escaped(agent.longdesc), "</longdesc>\n  <shortdesc lang=\"en\">", Escaped(agent.shortdesc),
      "</shortdesc>\n", agent.parameters_xml,
      "  <actions>\n    <action name=\"start\" timeout=\"20\"/>\n"
      "    <action name=\"stop\" timeout=\"15\"/>\n"
      "    <action name=\"status\" timeout=\"20\"/>\n"
      "    <action name=\"monitor\" timeout=\"20\" interval=\"3600\"/>\n"
      "    <action name=\"meta-data\" timeout=\"15\"/>\n  </actions>\n"
      "  <special tag=\"heartbeat\">\n    <version>2.0</version>\n  </special>\n"
      "</resource-agent>\n");
}

std::vector<std::string> OperatorNames(const AgentDescription& agent) {
  std::vector<std::string> out;
  for (const AgentParameter& p : agent.parameters) {
    if (ForOperators(p)) out.push_back(p.name);
  }
  return out;
}

std::string GlueHelp(const AgentDescription& agent) {
  std::string out =
      Cat("STONITH Device: ", agent.name, " - ", agent.shortdesc, "\n", agent.longdesc,
          "\nList of valid parameter names for ", agent.name, " STONITH device:\n");
  for (const AgentParameter& p : agent.parameters) {
    if (ForOperators(p)) out += Cat("\t", p.name, "\t", p.description, "\n");
  }
  return out;
}

}  // namespace fencepost::stonith
