// The one way to fail.
//
// Promise: a Result holds either a value or an error, and reading the wrong one stops the program.
// Errors:  an Error names the thing, the cause and what to do; Text() is fit for an operator.
#pragma once
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace fencepost {

struct Error {
  std::string what;    // the thing that failed: "/etc/fencepost/authkey", "slot 2 of disk 0"
  std::string cause;   // why: "is readable by others (mode 0644)"
  std::string remedy;  // what to do: "chmod 600 /etc/fencepost/authkey"; may be empty
  [[nodiscard]] std::string Text() const {
    return what + ": " + cause + (remedy.empty() ? "" : "; " + remedy);
  }
  friend bool operator==(const Error&, const Error&) = default;
};

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // REQUIRES: ok().
  [[nodiscard]] const T& value() const& {
    return (FENCEPOST_CHECK(ok()), *std::get_if<0>(&state_));
  }
  [[nodiscard]] T& value() & { return (FENCEPOST_CHECK(ok()), *std::get_if<0>(&state_)); }
  [[nodiscard]] T&& value() && {
    return (FENCEPOST_CHECK(ok()), std::move(*std::get_if<0>(&state_)));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  // REQUIRES: !ok().
  [[nodiscard]] const E& error() const {
    return (FENCEPOST_CHECK(!ok()), *std::get_if<1>(&state_));
  }

 private:
  std::variant<T, E> state_;
};

struct Ok {
  friend bool operator==(Ok, Ok) = default;
};
using Status = Result<Ok>;

}  // namespace fencepost
