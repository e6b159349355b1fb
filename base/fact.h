// A fact: one thing that happened, as a typed log event. Cores return facts; a shell hands them to
// the log, the simulator to its timeline, a test to its expectations: all see the same.
//
// Promise: name is a constant in kebab-case, listed in docs/operating; values are plain text.
//          No secret is ever a field.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace fencepost {

enum class Severity { kDebug, kInfo, kNotice, kWarning, kError, kCritical };

struct Fact {
  Severity severity = Severity::kInfo;
  std::string_view name;  // static storage
  std::vector<std::pair<std::string_view, std::string>> fields;

  template <class T>
  Fact& With(std::string_view key, const T& value) {
    fields.emplace_back(key, ToText(value));
    return *this;
  }
  [[nodiscard]] std::string Text() const {  // name key=value key="two words"
    std::string out(name);
    for (const auto& [key, value] : fields) {
      const bool quote = value.empty() || value.find_first_of(" \"=") != std::string::npos;
      out += Cat(" ", key, "=", quote ? "\"" : "", value, quote ? "\"" : "");
    }
    return out;
  }
};

}  // namespace fencepost
