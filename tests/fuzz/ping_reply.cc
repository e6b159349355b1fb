// What a raw ICMP socket hands to pingd: whatever comes, only the one answer that was asked for is
// believed, and everything is counted once.
#include "base/check.h"
#include "pingd/echo.h"
#include "pingd/prober.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView message(data, size);
  const ping::Echo asked{0x1234, 7, 42, 0xC0FFEE0123456789};
  constexpr MonoTime kNow{std::chrono::seconds(1)};
  for (const auto version : {ping::IpVersion::kV4, ping::IpVersion::kV6}) {
    const ping::ParsedEcho parsed = ping::ParseEchoReply(message, version);
    ping::OpenProbes open;
    open.Open(3, asked, "10.0.0.1", kNow + Millis(1));
    const auto match = open.Receive(kNow, "10.0.0.1", message, version);
    FENCEPOST_CHECK(match.has_value() == (parsed.echo == asked));
    FENCEPOST_CHECK(open.size() == (match ? 0U : 1U));
    const ping::ReplyCounters& n = open.counters();
    FENCEPOST_CHECK(n.accepted + n.malformed + n.foreign + n.forged + n.late == 1);
    FENCEPOST_CHECK(!open.Receive(kNow, "10.0.0.1", message, version));
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FENCEPOST_CHECK(ping::ParseLookup(text).size() <= ping::kMaxAddresses);
  return 0;
}
