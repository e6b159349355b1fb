// The local protocol, both directions: what was understood is said in a way that is understood the
// same. (A bool may come as any byte but 0, so the bytes may differ once.)
#include "qdiskd/local_protocol.h"

#include "base/check.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  if (const auto order = qdiskd::DecodeToQdiskd(bytes); order.ok()) {
    const Bytes said = qdiskd::Encode(*order);
    const auto again = qdiskd::DecodeToQdiskd(said);
    FENCEPOST_CHECK(again.ok() && qdiskd::Encode(*again) == said);
  }
  if (const auto told = qdiskd::DecodeFromQdiskd(bytes); told.ok()) {
    const Bytes said = qdiskd::Encode(*told);
    const auto again = qdiskd::DecodeFromQdiskd(said);
    FENCEPOST_CHECK(again.ok() && qdiskd::Encode(*again) == said);
  }
  return 0;
}
