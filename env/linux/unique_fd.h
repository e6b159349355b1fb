// A file descriptor with one owner, and errors made from errno.
//
// Promise: the descriptor is closed once, when its owner goes or takes another.
// Errors:  OsError names the thing, the operation and the system's own words for the cause.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.h"
#include "base/text.h"

namespace fencepost {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void Reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

inline std::string ErrnoText(int error) { return std::generic_category().message(error); }

// "/var/lib/fencepost/term: cannot rename: No space left on device; free some space".
inline Error OsError(std::string_view thing, std::string_view doing, int error,
                     std::string_view remedy = "") {
  return {std::string(thing), Cat("cannot ", doing, ": ", ErrnoText(error)), std::string(remedy)};
}

}  // namespace fencepost
