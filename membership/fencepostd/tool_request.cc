#include "membership/fencepostd/tool_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fencepost::daemon {
namespace {

using nlohmann::json;
// What a client sent may be no UTF-8: what is repeated of it is made so.
std::string Dump(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Result<ToolRequest> ParseToolRequest(ByteView message) {
  const Error senseless{"the request", "is no JSON object with a \"command\"",
                        "send {\"command\": \"status\"}, \"leave\", or \"cleanup\" with "
                        "\"resource\""};
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

bool HasPrimitive(const Cib& cib, std::string_view id) {
  return std::any_of(cib.groups.begin(), cib.groups.end(), [&](const Group& group) {
    return std::any_of(group.members.begin(), group.members.end(),
                       [&](const Primitive& primitive) { return primitive.id == id; });
  });
}

}  // namespace fencepost::daemon
