#include "membership/fencepostd/tool_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/attribute_lapse.h"
#include "base/text.h"
#include "env/local_channel.h"

namespace fencepost::daemon {
namespace {

using nlohmann::json;
// What a client sent may be no UTF-8: what is repeated of it is made so.
std::string Dump(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

// "for_ms" of a value: when it lapses unless it is told again. False: it makes no sense.
bool TakeLapse(const json& request, Duration* out) {
  if (!request.contains("for_ms")) return true;
  const json& given = request["for_ms"];
  if (!given.is_number_unsigned() || request["value"].is_null()) return false;
  const auto most = static_cast<std::uint64_t>(ToMillis(kMaxAttributeLapse));
  *out = Millis(static_cast<std::int64_t>(std::min(given.get<std::uint64_t>(), most + 1)));
  return *out >= kMinAttributeLapse && *out <= kMaxAttributeLapse;
}

Result<ToolRequest> ParseAttribute(const json& request) {
  ToolRequest out;
  out.command =
      request.contains("value") ? ToolCommand::kSetAttribute : ToolCommand::kShowAttributes;
  const auto refused = [](std::string cause) {
    return Error{"the request for an attribute", std::move(cause),
                 "send {\"command\": \"attribute\", \"name\": NAME, \"value\": TEXT or null}, or "
                 "no value to be told"};
  };
  const bool named = request.contains("name");
  if (named && !request["name"].is_string()) return refused("has a \"name\" that is no text");
  if (named) out.attribute = request["name"];
  if (!named && out.command == ToolCommand::kSetAttribute) return refused("has no \"name\"");
  if (const auto why = named ? WhyNotAttributeName(out.attribute) : std::nullopt) {
    return Error{Cat("attribute \"", out.attribute, "\""), *why, "use another name"};
  }
  if (out.command == ToolCommand::kShowAttributes) return out;
  if (!TakeLapse(request, &out.lapses_after)) {
    return refused(Cat("has a \"for_ms\" that is not from ", ToMillis(kMinAttributeLapse), " to ",
                       ToMillis(kMaxAttributeLapse), ", of a value"));
  }
  if (request["value"].is_null()) return out;
  if (!request["value"].is_string()) {
    return refused("has a \"value\" that is neither text nor null");
  }
  out.value = request["value"].get<std::string>();
  if (const auto why = WhyNotAttributeValue(*out.value)) {
    return Error{Cat("the value of attribute ", out.attribute), *why, "shorten it"};
  }
  return out;
}

// Texts that are recorded: present, not endless, of one line.
bool Take(const json& request, const char* name, std::string* out) {
  if (!request.contains(name) || !request[name].is_string()) return false;
  *out = request[name];
  return !Trim(*out).empty() && out->size() <= kMaxToolText &&
         std::none_of(out->begin(), out->end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

Result<ToolRequest> ParseConfirm(const json& request) {
  ToolRequest out;
  out.command = ToolCommand::kConfirm;
  for (const auto& [name, field] :
       {std::pair{"node", &out.node}, {"by", &out.by}, {"reason", &out.reason}}) {
    if (Take(request, name, field)) continue;
    return Error{"the request", Cat("to confirm has no good \"", name, "\""),
                 Cat("give node, by and reason, each a line of up to ", kMaxToolText, " bytes")};
  }
  return out;
}

Result<ToolRequest> ParseFenced(const json& request) {
  ToolRequest out;
  out.command = ToolCommand::kFenced;
  for (const auto& [name, field] :
       {std::pair{"node", &out.node}, {"by", &out.by}, {"device", &out.device}}) {
    if (Take(request, name, field)) continue;
    return Error{"the request", Cat("of a fenced node has no good \"", name, "\""),
                 "give node, by, device and begun_ns"};
  }
  if (!request.contains("begun_ns") || !request["begun_ns"].is_number_integer() ||
      request["begun_ns"].get<std::int64_t>() < 0) {
    return Error{"the request", "of a fenced node has no \"begun_ns\"",
                 "give when the status query began, in nanoseconds of CLOCK_BOOTTIME"};
  }
  out.begun_at = MonoTime(Duration(request["begun_ns"].get<std::int64_t>()));
  return out;
}

}  // namespace

Result<ToolRequest> ParseToolRequest(ByteView message) {
  const Error senseless{"the request", "is no JSON object with a \"command\"",
                        "send {\"command\": \"status\"}, \"leave\", \"cleanup\" with "
                        "\"resource\", \"attribute\" with \"name\" and \"value\", \"confirm\" or "
                        "\"fenced\" with \"node\""};
  const json request = json::parse(message.begin(), message.end(), nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return senseless;
  }
  const std::string command = request["command"];
  ToolRequest out;
  if (command == "status") return out;
  if (command == "leave") {
    out.command = ToolCommand::kLeave;
    return out;
  }
  if (command == "attribute") return ParseAttribute(request);
  if (command == "confirm") return ParseConfirm(request);
  if (command == "fenced") return ParseFenced(request);
  if (command != "cleanup") return senseless;
  if (!request.contains("resource") || !request["resource"].is_string()) {
    return Error{"the request", "to clean up names no \"resource\"", "name a primitive of the CIB"};
  }
  out.command = ToolCommand::kCleanup;
  out.resource = request["resource"];
  return out;
}

std::string ErrorAnswer(const Error& error) { return Dump({{"error", error.Text()}}); }

std::string DoneAnswer() { return Dump({{"done", true}}); }

std::string AttributesAnswer(const node::MemberStatus& status, std::string_view attribute) {
  json out = {{"settling", status.settling}, {"nodes", json::array()}};
  for (const node::PeerStatus& node : status.nodes) {
    json values = json::object();
    for (const auto& [name, value] : node.attributes) {
      if (attribute.empty() || name == attribute) values[name] = value;
    }
    out["nodes"].push_back({{"id", node.id.value()},
                            {"name", node.name},
                            {"self", node.self},
                            {"heard", node.heard},
                            {"attributes", values}});
  }
  std::string text = Dump(out);
  if (text.size() <= kMaxLocalMessage) return text;
  return ErrorAnswer(Error{"the attributes of all nodes", "do not fit into one message",
                           "ask for one of them by name"});
}

std::optional<NodeId> NodeNamed(const Cib& cib, std::string_view name) {
  for (const CibNode& node : cib.nodes) {
    if (node.name == name) return node.id;
  }
  return std::nullopt;
}

bool HasPrimitive(const Cib& cib, std::string_view id) {
  return std::any_of(cib.groups.begin(), cib.groups.end(), [&](const Group& group) {
    return std::any_of(group.members.begin(), group.members.end(),
                       [&](const Primitive& primitive) { return primitive.id == id; });
  });
}

}  // namespace fencepost::daemon
