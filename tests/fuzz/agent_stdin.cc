// What a host writes to a fence agent's standard input: any bytes give checked values or a
// complaint, and neither a complaint nor a warning repeats a secret.
#include "base/check.h"
#include "fence-agents/agent/options.h"
#include "fence-agents/redfish/table.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

namespace {

constexpr std::size_t kTelling = 6;  // a shorter secret may stand in a message by chance

// A secret that stands nowhere else in what was given: not as the name of an option, say.
void SaysNoSecret(const std::string& message, std::string_view input, const agent::Spec& spec,
                  const agent::Given& given) {
  for (const agent::Pair& pair : given.pairs) {
    const agent::Parameter* parameter = spec.Find(pair.name);
    const bool secret = parameter != nullptr && parameter->secret;
    if (!secret || pair.value.size() < kTelling) continue;
    if (input.find(pair.value) != input.rfind(pair.value)) continue;
    FENCEPOST_CHECK(message.find(pair.value) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const agent::Spec spec = redfish::RedfishSpec();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto given = agent::ParseStdin(spec, input);
  if (!given) {
    FENCEPOST_CHECK(!given.error().empty());
    return 0;
  }
  FENCEPOST_CHECK(given->pairs.size() <= agent::kMaxPairs);
  for (const std::string& warning : given->warnings) SaysNoSecret(warning, input, spec, *given);
  const auto request = agent::CheckOptions(spec, *given);
  if (request) return 0;
  FENCEPOST_CHECK(!request.error().empty());
  for (const agent::Failure& failure : request.error()) {
    FENCEPOST_CHECK(failure.phase == agent::Phase::kOptions);
    const std::string line = failure.Line(spec.name);
    FENCEPOST_CHECK(line.find('\n') == std::string::npos);
    SaysNoSecret(line, input, spec, *given);
  }
  return 0;
}
