// What foreign agents and plugins print: metadata of any shape is read or refused, and the last
// line of stderr becomes one line of a log.
#include "base/check.h"
#include "fence-agents/agent/failure.h"
#include "stonith/fencer.h"
#include "stonith/metadata.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto agent = stonith::ParseMetadata("fence_x", text)) {
    FENCEPOST_CHECK(agent->parameters.size() <= stonith::kMaxAgentParameters);
    static_cast<void>(stonith::GlueMetadata(*agent));
    static_cast<void>(stonith::GlueHelp(*agent));
    FENCEPOST_CHECK(stonith::OperatorNames(*agent).size() <= agent->parameters.size());
  }
  const std::string line = agent::OneLine(text);
  FENCEPOST_CHECK(line.find('\n') == std::string::npos && line.size() <= agent::kMaxLine + 3);
  static_cast<void>(agent::ParseFailureLine(text));
  const Error error = stonith::AgentError("the device", {1, true, false, 1, text});
  FENCEPOST_CHECK(error.cause.find('\n') == std::string::npos);
  return 0;
}
