#include <algorithm>

#include "base/text.h"
#include "fence-agents/agent/failure.h"
#include "stonith/fencer.h"

namespace fencepost::stonith {
namespace {

std::string_view LastLine(std::string_view text) {
  text = Trim(text);
  const auto at = text.rfind('\n');
  return at == std::string_view::npos ? text : Trim(text.substr(at + 1));
}

// A value with a line break would become an option of its own.
bool FitsOneLine(std::string_view text) {
  return text.find_first_of(std::string_view("\n\r\0", 3)) == std::string_view::npos;
}

}  // namespace

std::string AgentInput(const Device& device, std::string_view plug, std::string_view node_name,
                       std::string_view action, MonoTime not_after) {
  std::string out;
  const auto put = [&](std::string_view name, std::string_view value) {
    if (FitsOneLine(name) && FitsOneLine(value)) out += Cat(name, "=", value, "\n");
  };
  for (const auto& [name, value] : device.config.parameters) {
    if (name != "action" && name != "nodename" && name != "not_after_ms") put(name, value);
  }
  put("action", action);
  if (!node_name.empty()) put("nodename", node_name);
  if (!plug.empty()) put("plug", plug);
  if (device.understands_not_after) {
    put("not_after_ms", ToText(ToMillis(not_after.time_since_epoch())));
  }
  return out;
}

Error AgentError(std::string_view what, const AgentEnded& ended) {
  Error error{std::string(what), "", ""};
  const std::string_view last = LastLine(ended.errors);
  if (!ended.started) {
    error.cause = Cat("phase=start cause=not-started: ", agent::OneLine(last));
    error.remedy = "install the agent, or correct its name";
    return error;
  }
  const auto words = agent::ParseFailureLine(last);
  if (words && !ended.killed) {
    error.cause = Cat("phase=", words->phase, " cause=", words->cause, ": ", words->text);
    return error;
  }
  if (ended.killed) {
    error.cause = "phase=run cause=deadline: the agent was killed at its time limit";
    error.remedy = "see whether the device answers; the limit may be too short for it";
  } else if (ended.exit_code < 0) {
    error.cause = "phase=run cause=crashed: the agent was ended by a signal";
  } else {
    error.cause = Cat("phase=run cause=exit-", ended.exit_code, ": ",
                      last.empty() ? "the agent said nothing" : agent::OneLine(last));
  }
  return error;
}

}  // namespace fencepost::stonith
