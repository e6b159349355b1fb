#include "env/linux/identity.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/text.h"
#include "env/linux/unique_fd.h"

namespace fencepost {
namespace {

constexpr std::size_t kMaxFile = 64;  // a UUID's text and some blanks

std::optional<BootId> Parse(std::string_view text) {
  if (const auto uuid = ParseUuid(text)) return BootId{*uuid};
  const std::optional<Bytes> bytes = FromHex(text);
  BootId id;
  if (!bytes || bytes->size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  return id;
}

}  // namespace

Result<BootId> LinuxIdentity::Boot() {
  const UniqueFd fd(open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    return OsError(file_, "read the boot identity", errno,
                   "whatever starts this node must write it before the daemon starts");
  }
  std::array<char, kMaxFile + 1> text{};
  const ssize_t size = read(fd.get(), text.data(), text.size());
  if (size < 0) return OsError(file_, "read the boot identity", errno);
  const auto count = static_cast<std::size_t>(size);
  const std::optional<BootId> id =
      count > kMaxFile ? std::nullopt : Parse(Trim(std::string_view(text.data(), count)));
  if (!id || id->IsNone()) {
    return Error{file_, "is not a boot identity",
                 "it must hold 32 hexadecimal digits or a UUID, not all zero"};
  }
  return *id;
}

std::uint64_t LinuxIdentity::Random() {
  std::uint64_t number = 0;
  // Up to 256 bytes come whole once the kernel's pool is ready; a daemon waits for that at boot.
  FENCEPOST_CHECK(getrandom(&number, sizeof number, 0) == sizeof number);
  return number;
}

}  // namespace fencepost
