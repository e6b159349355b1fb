#include "base/check.h"

#include <stdexcept>
#include <string>

namespace fencepost {
namespace {

[[noreturn]] void Throw(const char* expression, const char* file, int line) {
  throw std::logic_error(std::string("CHECK failed: ") + expression + " at " + file + ":" +
                         std::to_string(line));
}

}  // namespace

// Thrown where nothing may catch it: the run time prints what() and aborts.
void CheckFailed(const char* expression, const char* file, int line) noexcept {
  Throw(expression, file, line);
}

}  // namespace fencepost
