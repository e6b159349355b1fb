// Is this disk in use for something else? What libblkid, the kernel's list of drivers and an
// exclusive open say.
//
// Promise: nothing is written. Errors: a check that cannot be made says so as its finding, so that
// nobody takes "not checked" for "free".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace fencepost {

// "ext4 file system", "dos partition table", ...; empty: none is known. head and tail are the
// first and last bytes of a disk of `size` bytes; what lies between is taken for zeros.
[[nodiscard]] std::string ForeignSignature(ByteView head, ByteView tail, std::uint64_t size);

// Why a local device cannot be a shared disk of its own: "is in use (mounted, ...)", "is an md
// device: ..."; empty: nothing speaks against it. A regular file always may be.
[[nodiscard]] std::string WhyNotOwn(const std::string& path);

// The driver of a block major, from the text of /proc/devices; empty: none.
[[nodiscard]] std::string DriverOfBlockMajor(std::string_view proc_devices, unsigned major);

}  // namespace fencepost
