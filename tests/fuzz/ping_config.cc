// fencepost.toml with its table ping, and hosts as the command line has them: what was taken fits
// together, what was not says why.
#include "base/check.h"
#include "base/config/config.h"
#include "base/config/ping.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = config::ParseConfig(text, "fuzz.toml");
  if (!parsed.ok()) {
    FENCEPOST_CHECK(!parsed.error().empty());
    for (const auto& error : parsed.error()) FENCEPOST_CHECK(!error.problem.empty());
  } else if (parsed->ping) {
    FENCEPOST_CHECK(!config::CheckPing(*parsed->ping));
    FENCEPOST_CHECK(config::HighestScore(*parsed->ping) <= config::kMaxScore);
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  const auto host = config::ParsePingHost(line);
  if (host.ok() && host->numeric && host->device.empty()) {
    FENCEPOST_CHECK(config::ParsePingHost(host->host)->host == host->host);
  }
  const auto time = config::ParsePingTime(line);
  FENCEPOST_CHECK(!time.ok() || (*time >= Duration{} && *time <= config::kMaxDuration));
  return 0;
}
