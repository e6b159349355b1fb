// The URL of a disk: what was parsed is written in a form that parses to the same.
#include "base/config/disk_url.h"

#include "base/check.h"
#include "tests/fuzz/input.h"

using namespace fencepost;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.ends_with('\n')) text.remove_suffix(1);  // as the files of the corpus do
  const auto url = config::ParseDiskUrl(text);
  if (!url.ok()) {
    FENCEPOST_CHECK(!url.error().cause.empty() && !url.error().remedy.empty());
    return 0;
  }
  const auto again = config::ParseDiskUrl(url->Text());
  FENCEPOST_CHECK(again.ok() && *again == *url);
  return 0;
}
