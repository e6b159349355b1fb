// FENCEPOST_CHECK(condition): our own faults, always on. A daemon that is wrong about itself must
// stop; its lease then runs out and its watchdog does the rest.
//
// Promise: what stands after a check runs only if its condition held, in every build. Errors: none
//          that a caller sees; what comes from outside is never a check's matter but a Result's.
#pragma once

namespace fencepost {
// Prints nothing in a core (it may not): the expression is left for the debugger and core file.
[[noreturn]] void CheckFailed(const char* expression, const char* file, int line) noexcept;
}  // namespace fencepost

#define FENCEPOST_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fencepost::CheckFailed(#condition, __FILE__, __LINE__))
