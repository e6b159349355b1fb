// Small durable state of this node: the counters and terms that must survive power loss.
//
// Promise: when Store's done says success the value is on stable storage, and a later Load, also
//          after power loss, gives this value or a later stored one; never a mixture, never none.
// Errors:  Load distinguishes "never stored" (nullopt) from "cannot be read" (Error): a daemon that
//          cannot read its state must not act as if it had none.
#pragma once
#include <functional>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fencepost {

class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual Result<std::optional<Bytes>> Load(std::string_view name) = 0;
  virtual void Store(std::string_view name, Bytes value, std::function<void(Status)> done) = 0;
};

}  // namespace fencepost
