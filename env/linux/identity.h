// NodeIdentity of this machine.
//
// Promise: Boot() is the kernel's boot_id, or what a configured file says (nodes that are
//          namespaces of one kernel write theirs into /run at their start). It is read anew at
//          each call. Random() is the kernel's.
// Errors:  a file that is missing, or that is not one identity, is an error naming it.
#pragma once
#include <string>

#include "env/node_identity.h"

namespace fencepost {

inline constexpr const char* kKernelBootId = "/proc/sys/kernel/random/boot_id";

class LinuxIdentity final : public NodeIdentity {
 public:
  // boot_identity_file: 32 hexadecimal digits or a UUID in its usual text form.
  explicit LinuxIdentity(std::string boot_identity_file = kKernelBootId)
      : file_(std::move(boot_identity_file)) {}
  Result<BootId> Boot() override;
  std::uint64_t Random() override;

 private:
  std::string file_;
};

}  // namespace fencepost
