// Which start of the operating system this is (rule R6: only a new boot identity is a death), and
// randomness for session names and keys. Neither may be asked by a core: both are handed in.
//
// Errors: a boot identity that cannot be read is an error; the daemon must not start.
#pragma once
#include <cstdint>

#include "base/id.h"
#include "base/result.h"

namespace fencepost {

class NodeIdentity {
 public:
  virtual ~NodeIdentity() = default;
  virtual Result<BootId> Boot() = 0;
  virtual std::uint64_t Random() = 0;  // unpredictable in env/linux, seeded in the simulator
};

}  // namespace fencepost
