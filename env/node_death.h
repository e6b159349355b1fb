// The end of this node, at once and without ceremony: what storage death does to it.
//
// Promise: Mark is known to every later start of a daemon in this boot, and to none of a later one.
//          Act brings down this node and nothing else: in a container that is the container. No
//          data is written back, no service is stopped.
// Time:    Act does not wait. When it comes back the node still lives, for now at least.
// Errors:  Mark and Act name what refused. Ownership: none.
#pragma once
#include <cstdint>
#include <optional>

#include "base/id.h"
#include "base/result.h"

namespace fencepost {

enum class Death : std::uint8_t { kReset, kOff, kCrashdump };

class NodeDeath {
 public:
  virtual ~NodeDeath() = default;
  virtual Status Mark(const BootId& boot, Death death) = 0;
  [[nodiscard]] virtual std::optional<Death> Marked(const BootId& boot) const = 0;
  virtual Status Act(Death death) = 0;
};

}  // namespace fencepost
